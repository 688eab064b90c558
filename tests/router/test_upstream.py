from __future__ import annotations

import asyncio
import socket

import pytest

from tests.support.client import GET, Client, Cut, get, post
from tests.support.origin import ok, polite, refusing, saying, serving
from tests.support.router import endpoint, quick, route, running, service, until
from tidegate.http1.events import Limits
from tidegate.policy import Timeouts
from tidegate.router.upstream import Sink, Upstream, UpstreamConnection


class Paused(Sink):
    """A downstream that only hears of back-pressure and of the end."""

    def pause_reading_for_upstream(self):
        pass

    def upstream_lost(self, connection, untouched):
        pass


async def closing(peer):
    """Takes one request and closes without an answer."""
    await peer.request()


async def test_a_get_that_one_container_does_not_answer_is_answered_by_another():
    async with serving(closing) as bad, serving() as good, running(bad, good) as mesh:
        client = await mesh.client()
        for _ in range(4):
            assert (await client.ask(GET)).body == b"ok"
        assert {reason.token for _, reason in mesh.failures} == {"upstream-closed"}
    assert len(good.requests) == 4


async def test_a_post_that_a_container_took_and_did_not_answer_is_not_sent_again():
    async with serving(closing) as bad, serving() as good, running(bad, good) as mesh:
        client = await mesh.client()
        statuses = sorted([(await client.ask(post(b"x"))).status for _ in range(2)])
        assert statuses == [200, 502]
    assert (len(bad.requests), len(good.requests)) == (1, 1)


async def test_a_request_that_ends_every_container_reaches_two_and_is_a_502():
    async with serving(closing) as a, serving(closing) as b, serving(closing) as c, running(a, b, c) as mesh:
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.reason) == (502, "upstream-closed")
    assert a.connections + b.connections + c.connections == 2


async def test_nothing_is_sent_again_once_an_interim_answer_has_passed():
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")

    async with serving(script) as a, serving(script) as b, running(a, b) as mesh:
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.interim) == (502, (103,))
    assert a.connections + b.connections == 1


async def test_an_answer_cut_in_its_middle_is_cut_for_the_client():
    for answer in (ok(b"x" * 100)[:-50], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"):
        async with serving(saying(answer, close=True)) as origin, running(origin) as mesh:
            client = await mesh.client()
            await client.send(GET)
            with pytest.raises(Cut):
                await client.response()
            await mesh.at_rest()
            assert [reason.token for _, reason in mesh.failures] == ["response-aborted"]
        assert len(origin.requests) == 1


async def test_a_refused_connection_goes_to_another_container():
    with refusing() as nobody:
        async with serving() as good, running() as mesh:
            ready = [endpoint(nobody.getsockname()), endpoint(good.address)]
            mesh.publish([route()], [service("web", *ready)])
            client = await mesh.client()
            for _ in range(4):
                assert (await client.ask(post(b"x"))).status == 200
            assert {reason.token for _, reason in mesh.failures} == {"connect-failed"}


async def test_a_container_that_takes_no_connection_is_a_504():
    with refusing() as nobody:
        nobody.listen(0)
        held = [await Client.connect(nobody.getsockname())]  # fills the queue of one
        black_hole = route(timeouts=Timeouts(connect=0.2, hold=0.3))
        async with running() as mesh:
            mesh.publish([black_hole], [service("web", endpoint(nobody.getsockname()))])
            client = await mesh.client()
            response = await client.ask(GET)
            assert (response.status, response.reason) == (504, "connect-timeout")
            assert (await client.ask(get(host="none.test"))).status == 404
        for one in held:
            one.close()


async def test_a_stale_pooled_connection_costs_no_request():
    async def once(peer):
        await peer.request()
        await peer.send(ok())
        await peer.head()  # the next request is met by a close
        return

    async with serving(once) as origin, running(origin) as mesh:
        client = await mesh.client()
        for _ in range(5):
            assert (await client.ask(GET)).status == 200
        assert mesh.failures == []
    assert origin.connections == 5


async def test_an_idle_connection_that_the_container_ends_is_not_used_again():
    async with serving(saying(ok(), close=True)) as origin, running(origin) as mesh:
        client = await mesh.client()
        for number in range(3):
            assert (await client.ask(post(b"x"))).status == 200
            await until(lambda: all(one.connections == 0 for one in mesh.upstreams))
            assert len(origin.requests) == number + 1


@pytest.mark.parametrize(
    "answer",
    [
        ok() + b"surplus",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nsurplus",
        b"HTTP/1.1 204 No Content\r\n\r\nsurplus",
    ],
)
async def test_a_connection_with_surplus_bytes_or_a_close_is_not_pooled(answer):
    async with serving(saying(answer)) as origin, running(origin) as mesh:
        client = await mesh.client()
        for _ in range(3):
            assert (await client.ask(GET)).status in (200, 204)
    assert origin.connections == 3


async def test_bytes_that_nobody_asked_for_end_an_idle_connection():
    async def script(peer):
        await peer.request()
        await peer.send(ok())
        await asyncio.sleep(0.05)
        await peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nEVIL")
        await peer.ended()

    async with serving(script) as origin, running(origin) as mesh:
        client = await mesh.client()
        assert (await client.ask(GET)).body == b"ok"
        await until(lambda: all(one.connections == 0 for one in mesh.upstreams))
        assert (await client.ask(GET)).body == b"ok"
    assert origin.connections == 2


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"\x00" * 50])
async def test_what_is_no_response_is_a_502(answer):
    async with serving(saying(answer)) as origin, running(origin) as mesh:
        client = await mesh.client()
        response = await client.ask(GET)
        assert (response.status, response.reason) == (502, "bad-response")
        assert [reason.token for _, reason in mesh.failures] == ["bad-response"]
        await until(lambda: not origin.open)


async def test_no_more_connections_are_kept_than_the_settings_say():
    async with serving() as origin, running(origin, config=quick(upstream_idle_connections=2)) as mesh:
        clients = [await mesh.client() for _ in range(8)]
        await asyncio.gather(*(client.ask(GET) for client in clients))
        await until(lambda: origin.open <= 2)
        assert [len(one.idle) for one in mesh.upstreams] == [origin.open]


async def test_a_slow_client_holds_the_origin_back():
    size = 64 << 20
    taken = 0

    async def script(peer):
        nonlocal taken
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while taken < size:
            await peer.send(b"x" * 65536)
            taken += 65536
        await peer.ended()

    async with serving(script) as origin, running(origin) as mesh:
        client = await Client.connect(mesh.address, receive_buffer=65536)
        await client.send(GET)
        await settled(lambda: taken)
        (downstream,) = mesh.core.connections
        assert downstream.transport.get_write_buffer_size() <= 1 << 20
        assert taken < size // 2
        got = 0
        while got < size:
            got += len(await client.read(1 << 20))
        assert taken == size
        client.close()
        await mesh.at_rest()


async def test_a_slow_origin_holds_the_client_back():
    size = 64 << 20
    go = asyncio.Event()

    async def script(peer):
        await peer.head()
        await go.wait()
        left = size
        while left:
            left -= len(await peer.reader.read(1 << 20))
        await peer.send(ok())

    sent = 0
    async with serving(script) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n" % size)

        async def upload():
            nonlocal sent
            while sent < size:
                client.writer.write(b"x" * 65536)
                await client.writer.drain()
                sent += 65536

        async with asyncio.TaskGroup() as group:
            group.create_task(upload())
            await settled(lambda: sent)
            assert sent < size // 2
            (downstream,) = mesh.core.connections
            assert downstream.connection.transport.get_write_buffer_size() + len(downstream.pending) <= 1 << 20
            go.set()
        assert (await client.response()).status == 200
    assert origin.connections == 1


async def settled(value):
    """Wait until `value()` has grown and then stood still for a while."""
    last, still = -1, 0
    async with asyncio.timeout(10):
        while still < 10 or not last:
            await asyncio.sleep(0.02)
            still = still + 1 if value() == last else 0
            last = value()


async def test_many_connections_pile_up_nowhere_when_clients_come_and_go():
    async with serving(polite) as origin, running(origin) as mesh:
        for _ in range(10):
            clients = [await mesh.client() for _ in range(10)]
            for client in clients:
                await client.send(GET)
            for client in clients[::2]:
                client.reset()
            for client in clients[1::2]:
                assert (await client.response()).status == 200
                client.close()
        await mesh.at_rest()
        await until(lambda: sum(one.connections for one in mesh.upstreams) == origin.open)


async def test_of_what_a_container_does_not_read_the_kernel_takes_little():
    size = 16 << 20
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = endpoint(silent.getsockname())
        upstream = Upstream(one, one.address, lambda _: None)
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_connection(
            lambda: UpstreamConnection(upstream, Limits(), loop.time), *silent.getsockname()
        )
        connection.downstream = Paused()
        connection.write(bytes(size))
        assert transport.get_write_buffer_size() > size - (1 << 20)
        transport.abort()

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from tests.support.client import GET, Client, get, post
from tests.support.counts import columns_of
from tests.support.origin import ok, polite, saying, serving
from tests.support.router import quick, route, running, service, until
from tidegate.policy import Timeouts


async def test_a_client_connection_carries_many_requests_over_one_upstream_connection():
    async with serving() as origin, running(origin) as mesh:
        client = await mesh.client()
        for _ in range(5):
            assert (await client.ask(GET)).body == b"ok"
    assert (origin.connections, len(origin.requests)) == (1, 5)


async def test_a_client_that_has_sent_its_last_byte_is_still_answered():
    heard = asyncio.Event()

    async def script(peer):
        await peer.request()
        await heard.wait()
        await peer.send(ok(b"late"))

    async with serving(script) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(GET)
        client.end()
        await until(lambda: any(connection.ended for connection in mesh.core.connections))
        heard.set()
        assert (await client.response()).body == b"late"
        assert await client.closed()
        await mesh.at_rest()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"])
async def test_a_client_that_ended_its_side_is_given_up_when_its_answer_does_not_move(said):
    async def script(peer):
        await peer.request()
        await peer.send(said)
        await peer.ended()

    config = quick(half_close_seconds=0.2)
    async with serving(script) as origin, running(origin, config=config) as mesh:
        client = await mesh.client()
        await client.send(GET)
        if said:
            await client.until(b"hi\r\n")
        client.end()
        assert await client.closed()
        await until(lambda: origin.open == 0)
        await mesh.at_rest()
        assert not mesh.failures


async def test_a_client_that_ended_its_side_gets_the_whole_of_an_answer_that_moves():
    went_on = asyncio.Semaphore(0)

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n")
        for _ in range(8):
            await went_on.acquire()
            await peer.send(b"ab")

    async with serving(script) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(GET)
        client.end()
        await client.until(b"\r\n\r\n")
        (connection,) = mesh.core.connections
        await until(lambda: connection.ended)
        for _ in range(8):
            went_on.release()
            assert await client.read() == b"ab"
            connection.on_deadline(mesh.core.clock() + 1000.0)  # its time is up, and bytes have passed meanwhile
        assert await client.closed()


async def test_an_upload_that_waits_for_its_container_outlives_the_clients_half_close():
    async with serving() as origin, running() as mesh:
        mesh.publish([route()], [service("web")])
        client, barrier = await mesh.client(), await mesh.client()
        await client.send(post(b"x" * 60_000))
        client.end()
        assert (await barrier.ask(get(host="other.test"))).status == 404  # by now the half-close has been read
        barrier.close()
        mesh.serve(origin)
        assert (await client.response()).status == 200
        assert await client.closed()
        await mesh.at_rest()
    assert [len(request.body) for request in origin.requests] == [60_000]


async def test_an_upload_that_ends_short_with_a_half_close_is_cut_for_its_container():
    came = []

    async def script(peer):
        await peer.head()
        with contextlib.suppress(ConnectionError):
            came.append(await peer.reader.read(100_000))

    async with serving(script) as origin, running() as mesh:
        mesh.publish([route()], [service("web")])
        client, barrier = await mesh.client(), await mesh.client()
        await client.send(post(b"x" * 60_000)[:-1])
        client.end()
        assert (await barrier.ask(get(host="other.test"))).status == 404
        barrier.close()
        mesh.serve(origin)
        assert await client.closed()
        await mesh.at_rest()
        await until(lambda: origin.open == 0)
    assert origin.connections == 1
    assert len(b"".join(came)) < 60_000


async def test_requests_that_wait_for_a_slow_reader_outlive_its_half_close():
    body = b"x" * 100_000
    async with serving(saying(ok(body))) as origin, running(origin) as mesh:
        client = await Client.connect(mesh.address, receive_buffer=4096)
        client.reader._limit = 1024
        await client.send(GET * 50)
        client.end()
        await until(lambda: any(one.write_paused for one in mesh.core.connections))
        for _ in range(50):
            assert (await client.response()).body == body
        assert await client.closed()


async def test_a_client_that_vanishes_before_its_answer_leaves_nothing_behind():
    async with serving(lambda peer: peer.ended()) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await until(lambda: origin.open)
        client.reset()
        await mesh.at_rest()
        await until(lambda: not origin.open)
        assert mesh.core.failures == {("a.test/", "client-gone"): 1}
        assert columns_of(mesh.core.ledger[0].take())[9:15] == [0, 0, 0, 0, 1, 0]


async def test_a_client_that_vanishes_inside_its_request_leaves_nothing_behind():
    async with serving(lambda peer: peer.ended()) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nhalf")
        await until(lambda: origin.open)
        client.close()
        await mesh.at_rest()
        await until(lambda: not origin.open)


async def test_a_client_that_vanishes_inside_its_answer_leaves_nothing_behind():
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while True:
            await peer.send(b"x" * 65536)

    async with serving(script) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await client.until(b"xxx")
        client.reset()
        await mesh.at_rest()
        await until(lambda: not origin.open)


async def test_a_head_that_never_ends_is_answered_408_and_closed():
    async with serving() as origin, running(origin, config=quick(head_timeout_seconds=0.3)) as mesh:
        client = await mesh.client()
        await client.send(b"GET / HTTP/1.1\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 408 ")
        silent = await mesh.client()
        assert await silent.closed()
        await mesh.at_rest()


async def test_an_idle_connection_is_closed():
    async with serving() as origin, running(origin, config=quick(idle_timeout_seconds=0.3)) as mesh:
        client = await mesh.client()
        await client.ask(GET)
        assert await client.closed()
        await mesh.at_rest()


async def test_a_body_that_stops_coming_is_answered_408():
    async with (
        serving(lambda peer: peer.ended()) as origin,
        running(origin, config=quick(body_timeout_seconds=0.3)) as mesh,
    ):
        client = await mesh.client()
        await client.send(post(b"12345")[:-3])
        assert (await client.response()).status == 408
        await mesh.at_rest()


async def test_an_upload_may_take_longer_than_the_body_timeout_while_it_moves():
    config = quick(body_timeout_seconds=60.0)
    async with serving() as origin, running(origin, config=config) as mesh:
        client = await mesh.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
        await until(lambda: any(connection.exchange for connection in mesh.core.connections))
        (connection,), now, clock = mesh.core.connections, mesh.core.clock(), mesh.core.clock
        for passed in range(0, 800, 40):
            mesh.core.clock = lambda passed=passed: now + passed
            await client.send(b"1\r\nx\r\n")
            await until(lambda passed=passed: connection.exchange.received == passed // 40 + 1)
            assert connection.deadline >= now + passed + 59.0, "each byte gives the next one its own time"
        mesh.core.clock = clock
        await client.send(b"0\r\n\r\n")
        assert (await client.response()).status == 200
    assert origin.requests[0].body == b"x" * 20


@pytest.mark.parametrize("size", [100_000, 8_000_000])
async def test_what_the_client_never_reads_does_not_hold_its_connection_for_ever(size):
    config = quick(body_timeout_seconds=0.5, idle_timeout_seconds=0.5)
    impatient = route(timeouts=Timeouts(response=0.5))
    async with serving(saying(ok(b"x" * size))) as origin, running(origin, config=config, routes=[impatient]) as mesh:
        client = await narrow(mesh)
        await client.send(get(extra=b"Connection: close\r\n"))
        await until(lambda: origin.requests)
        await mesh.at_rest()
        client.reset()


async def narrow(mesh):
    """A client whose path holds but a few octets, so that what it does not read stays with the router."""
    mesh.listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return await Client.connect(mesh.address, receive_buffer=4096)


async def test_a_pooled_connection_is_read_again_after_a_slow_client():
    body = b"x" * 200_000
    async with serving(saying(ok(body))) as origin, running(origin) as mesh:
        for _ in range(3):
            slow = await narrow(mesh)
            await slow.send(GET)
            await until(lambda: any(one.connections for one in mesh.upstreams) and origin.requests)
            with contextlib.suppress(TimeoutError):  # the end of the answer may be with the router by then, or not yet
                async with asyncio.timeout(0.2):
                    await until(lambda: any(one.idle for one in mesh.upstreams))
            other = await mesh.client()
            assert len((await other.ask(GET)).body) == len(body)
            assert len((await slow.response()).body) == len(body)


async def test_many_clients_at_once_leave_no_claim():
    async with serving(polite) as origin, running(origin) as mesh:
        clients = [await mesh.client() for _ in range(50)]
        for _ in range(4):
            answers = await asyncio.gather(*(client.ask(GET) for client in clients))
            assert all(answer.status == 200 for answer in answers)
        for client in clients:
            client.close()
        await mesh.at_rest()
    assert origin.connections <= 50

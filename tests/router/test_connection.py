from __future__ import annotations

import asyncio

import pytest

from tests.support.client import GET, Client, Cut
from tests.support.origin import ok, saying, serving
from tests.support.router import running, until


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
    pooled = asyncio.Event()

    async def script(peer):
        await peer.request()
        await peer.send(ok())
        await pooled.wait()
        await peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nEVIL")
        await peer.ended()

    async with serving(script) as origin, running(origin) as mesh:
        client = await mesh.client()
        assert (await client.ask(GET)).body == b"ok"
        await until(lambda: any(one.idle for one in mesh.upstreams))
        pooled.set()
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
        await until(lambda: taken)
        (downstream,) = mesh.core.connections
        await until(lambda: not downstream.connection.transport.is_reading())
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
            await until(lambda: sent)
            (downstream,) = mesh.core.connections
            await until(lambda: downstream.connection and not downstream.transport.is_reading())
            assert sent < size // 2
            assert downstream.connection.transport.get_write_buffer_size() + len(downstream.pending) <= 1 << 20
            go.set()
        assert (await client.response()).status == 200
    assert origin.connections == 1

from __future__ import annotations

import asyncio

import pytest

from tests.support.client import GET, Cut
from tests.support.origin import ok, saying, serving
from tests.support.router import route, running, until
from tidegate.policy import Timeouts


@pytest.mark.parametrize(
    ("request_head", "answer", "status", "body"),
    [
        (b"HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, b""),
        (GET, b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (GET, b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 5\r\n\r\n", 304, b""),
        (GET, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b""),
    ],
)
async def test_answers_without_a_body_leave_both_connections_in_use(request_head, answer, status, body):
    async with serving(saying(answer)) as origin, running(origin) as mesh:
        client = await mesh.client()
        for _ in range(3):
            response = await client.ask(request_head)
            assert (response.status, response.body) == (status, body)
    assert origin.connections == 1


async def test_the_length_of_what_a_get_would_give_passes_with_head_and_304():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n"
    async with serving(saying(answer)) as origin, running(origin) as mesh:
        client = await mesh.client()
        response = await client.ask(b"HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert response.headers["content-length"] == "12345"


async def test_an_http_1_0_client_gets_no_chunks_and_the_close():
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\n!!!\r\n0\r\n\r\n"
    async with serving(saying(answer)) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(b"GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        assert b"chunked" not in head.lower()
        assert body == b"ok!!!"


async def test_an_http_1_0_client_may_keep_its_connection_for_sized_answers():
    async with serving() as origin, running(origin) as mesh:
        client = await mesh.client()
        for _ in range(2):
            await client.send(b"GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
            assert b"connection: keep-alive" in (await client.until(b"\r\n\r\nok")).lower()


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_a_body_that_ends_by_close_reaches_each_client_in_its_framing(version):
    answer = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
    async with serving(saying(answer, close=True)) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(b"GET / HTTP/%b\r\nHost: a.test\r\n\r\n" % version)
        if version == b"1.1":
            response = await client.response()
            assert response.headers["transfer-encoding"] == "chunked"
            assert response.body == b"until the end"
            assert (await client.ask(GET)).status == 200
        else:
            assert (await client.rest()).endswith(b"\r\n\r\nuntil the end")


async def test_interim_answers_pass_through_except_to_http_1_0():
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok()
    async with serving(saying(answer)) as origin, running(origin) as mesh:
        client = await mesh.client()
        assert (await client.ask(GET)).interim == (103,)
        await client.send(b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 200")


async def test_an_answer_may_take_longer_than_the_response_timeout_while_it_moves():
    went_on = asyncio.Semaphore(0)

    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        for _ in range(20):
            await went_on.acquire()
            await peer.send(b"x")

    async with serving(script) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(GET)
        await client.until(b"\r\n\r\n")
        (connection,) = mesh.core.connections
        for number in range(20):
            if number:
                connection.on_deadline(mesh.core.clock() + 1000.0)  # its time is up, and a byte has passed meanwhile
            went_on.release()
            assert await client.read() == b"x"
        await until(lambda: connection.exchange is None)
        assert not mesh.failures


async def test_an_answer_that_stops_moving_is_cut():
    async def script(peer):
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf")
        await peer.ended()

    slow = route(timeouts=Timeouts(response=0.3))
    async with serving(script) as origin, running(origin, routes=[slow]) as mesh:
        client = await mesh.client()
        await client.send(GET)
        with pytest.raises(Cut):
            await client.response()
        await mesh.at_rest()
        await until(lambda: not origin.open)

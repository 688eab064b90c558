from __future__ import annotations

import asyncio

import pytest

from tests.support.client import GET, Client, get, post
from tests.support.origin import ok, serving
from tests.support.router import route, running


async def test_pipelined_requests_are_answered_in_order():
    async with serving(echo_targets) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(b"".join(get(f"/{number}") for number in range(20)))
        assert [(await client.response()).body for _ in range(20)] == [b"/%d" % number for number in range(20)]
    assert origin.connections == 1


async def test_a_chunked_body_goes_up_and_a_chunked_body_comes_down():
    async def script(peer):
        while (request := await peer.request()) is not None:
            parts = b"".join(b"%x;ext=1\r\n%b\r\n" % (1, request.body[at : at + 1]) for at in range(len(request.body)))
            await peer.send(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\nX-Trailer: v\r\n\r\n"
            )

    async with serving(script) as origin, running(origin) as mesh:
        client = await mesh.client()
        head = b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        for _ in range(2):
            assert (await client.ask(head + b"3\r\nabc\r\n2;a=b\r\nde\r\n0\r\n\r\n")).body == b"abcde"
    assert origin.connections == 1


async def test_a_client_that_waits_for_100_continue_gets_it_once():
    async with serving() as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(post(b"", b"Expect: 100-continue\r\n").replace(b"Length: 0", b"Length: 5"))
        assert await client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"hello")
        assert await client.response() == (200, {"content-length": "2"}, b"ok", ())
    assert origin.requests[0].body == b"hello"
    assert origin.requests[0].field("expect") is None


async def test_an_early_answer_reaches_a_client_that_is_still_sending():
    async def script(peer):
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await peer.ended()

    async with serving(script) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        response = await client.response()
        assert (response.status, response.body) == (413, b"big")
        assert response.headers["connection"] == "close"
        await client.send(b"x" * 1000)
        assert await client.closed()
        await mesh.at_rest()


async def test_every_split_of_a_pipelined_stream_gives_the_origin_the_same_requests():
    stream = (
        b"\r\n"
        + post(b"hello")
        + get("/b", extra=b"X-A:  spaced  \r\n")
        + b"PUT /c HTTP/1.1\r\nHost: A.test.\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n"
        + get("/d")
    )

    async def asked(*parts):
        async with serving(echo_targets) as origin, running(origin) as mesh:
            client = await mesh.client()
            for part in parts:
                await client.send(part)
                await asyncio.sleep(0)
            for _ in range(4):
                await client.response()
        return origin.requests

    whole = await asked(stream)
    assert [request.body for request in whole] == [b"hello", b"", b"hello", b""]
    assert await asked(*(stream[at : at + 1] for at in range(len(stream)))) == whole
    for step in (2, 3, 7, 16, 61):
        assert await asked(*(stream[at : at + step] for at in range(0, len(stream), step))) == whole


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 64, b"hello\r\n\r\n", b"GET /\r\n\r\n"])
async def test_garbage_is_refused_and_others_are_served_on(garbage):
    async with serving() as origin, running(origin) as mesh:
        other = await mesh.client()
        await other.ask(GET)
        client = await mesh.client()
        await client.send(garbage)
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"X-Tidegate-Reason: bad-request" in answer
        assert (await other.ask(GET)).status == 200
    assert len(origin.requests) == 2


async def test_dot_segments_are_refused_below_a_path_rule_only():
    api, rest = route(path="/api"), route(path="/")
    async with serving(echo_targets) as origin, running(origin, routes=[api, rest]) as mesh:
        statuses = {}
        for target in (
            *("/api/../x", "/api/%2e%2e/x", "/api/..;/x", "/api/.", "/api/..", "/api/./x", "/api/..?q"),
            *("/api/.well-known/x", "/api/..x", "/api/x.y", "/x/../api", "/.well-known/acme"),
        ):
            client = await mesh.client()
            statuses[target] = (await client.ask(get(target))).status
    refused = {target for target, status in statuses.items() if status == 400}
    assert refused == {"/api/../x", "/api/%2e%2e/x", "/api/..;/x", "/api/.", "/api/..", "/api/./x", "/api/..?q"}


async def test_a_client_that_pipelines_and_never_reads_is_read_no_further():
    async with serving() as origin, running(origin) as mesh:
        client = await Client.connect(mesh.address, receive_buffer=4096)
        stuck = asyncio.Event()

        async def flood():
            for _ in range(400):
                client.writer.write(get(host="none.test") * 1000)
                try:
                    async with asyncio.timeout(1.0):
                        await client.writer.drain()
                except TimeoutError:
                    stuck.set()
                    return

        await flood()
        assert stuck.is_set()
        client.reset()
        await mesh.at_rest()


async def test_a_slow_origin_that_answers_early_does_not_stop_the_next_request():
    answered = asyncio.Event()

    async def script(peer):
        await peer.head()
        await peer.send(ok(b"early"))
        await answered.wait()
        await peer.ended()

    async with serving(script, limit=1024) as origin, running(origin) as mesh:
        client = await mesh.client()
        body = b"x" * 6_000_000
        await client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n" % len(body))
        client.writer.write(body)
        response = await client.response()
        assert response.body == b"early"
        answered.set()
        assert await client.closed()


async def echo_targets(peer):
    while (request := await peer.request()) is not None:
        await peer.send(ok(request.target.encode()))


async def test_pipelined_requests_are_answered_though_the_client_sends_no_more():
    async with serving(echo_targets) as origin, running(origin) as mesh:
        client = await mesh.client()
        await client.send(get("/1") + get("/2") + get("/3"))
        client.end()
        assert [(await client.response()).body for _ in range(3)] == [b"/1", b"/2", b"/3"]
        assert await client.closed()

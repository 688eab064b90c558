"""Servers that are old, slow, short of breath or dying, behind a real Tidegate, with real clients before it."""

from __future__ import annotations

import asyncio
import http.client
import random
from collections import Counter

import aiohttp
import httpx
import pytest
import requests
import urllib3

from tests.support.apps import contract
from tests.support.asking import ASKERS, Ask, reply
from tests.support.client import Client, Cut, get, post
from tests.support.origin import ok, saying
from tidegate.tasks import Tasks

BODY = contract.content(100_000)
PLAIN = b"HTTP/1.1 200 OK\r\n"
OLD = b"HTTP/1.0 200 OK\r\n"
ANSWERS = {
    "1.0-until-close": (OLD + b"\r\n" + BODY, True),
    "1.0-sized": (OLD + b"Content-Length: 100000\r\n\r\n" + BODY, True),
    "1.0-kept": (OLD + b"Connection: keep-alive\r\nContent-Length: 100000\r\n\r\n" + BODY, False),
    "1.1-until-close": (PLAIN + b"Connection: close\r\n\r\n" + BODY, True),
    "1.1-one-chunk": (PLAIN + b"Transfer-Encoding: chunked\r\n\r\n186A0;x=y\r\n" + BODY + b"\r\n0\r\n\r\n", False),
    "trailers": (
        PLAIN + b"Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n" + BODY + b"\r\n0\r\nX-Sum: 1\r\n\r\n",
        False,
    ),
    "interim": (b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + ok(BODY), False),
    "no-reason": (b"HTTP/1.1 200\r\nContent-Length: 100000\r\n\r\n" + BODY, False),
}

TAKE_INTERIM_FOR_FINAL = {"http.client", "urllib3", "requests"}  # any but 100, directly too


@pytest.mark.parametrize(("answer", "close"), ANSWERS.values(), ids=ANSWERS)
async def test_every_client_gets_the_whole_of_an_odd_answer(lab, answer, close, tmp_path):
    asks = [Ask("GET", "/"), Ask("GET", "/again")]
    able = {name: ask for name, ask in ASKERS.items() if name not in TAKE_INTERIM_FOR_FINAL or b" 102 " not in answer}
    async with lab.serving(saying(answer, close=close)) as server:
        got = {name: await ask(lab.where, server.host, asks, tmp_path) for name, ask in able.items()}
    assert got == dict.fromkeys(able, [reply(200, BODY)] * 2)


async def dribbling(peer):
    """Every octet in a packet of its own."""
    peer.writer.transport.set_write_buffer_limits(0)
    while await peer.request() is not None:
        for octet in PLAIN + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n":
            await peer.send(bytes([octet]))
            await asyncio.sleep(0)


@pytest.mark.parametrize("client", ASKERS)
async def test_an_answer_that_comes_octet_by_octet_arrives_whole(lab, client, tmp_path):
    async with lab.serving(dribbling) as server:
        got = await ASKERS[client](lab.where, server.host, [Ask("GET", "/")] * 2, tmp_path)
    assert got == [reply(200, b"hello world")] * 2


# --- dying in the middle

DEATHS = {
    "sized": PLAIN + b"Content-Length: 200000\r\n\r\n" + BODY,
    "chunked": PLAIN + b"Transfer-Encoding: chunked\r\n\r\n186a0\r\n" + BODY + b"\r\n",
    "in-a-chunk": PLAIN + b"Transfer-Encoding: chunked\r\n\r\n186b0\r\n" + BODY,
}


def _http_client(url, host):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": host})
        connection.getresponse().read()
    finally:
        connection.close()


async def _aiohttp(url, host):
    async with aiohttp.ClientSession() as session, session.get(url, headers={"Host": host}) as answer:
        await answer.read()


READERS = {
    "requests": (
        lambda url, host: requests.get(url, headers={"Host": host}, timeout=10),
        (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError),
    ),
    "httpx": (lambda url, host: httpx.get(url, headers={"Host": host}), httpx.TransportError),
    "urllib3": (
        lambda url, host: urllib3.request("GET", url, headers={"Host": host}, retries=False),
        urllib3.exceptions.HTTPError,
    ),
    "http.client": (_http_client, (http.client.HTTPException, ConnectionError)),
    "aiohttp": (lambda url, host: asyncio.run(_aiohttp(url, host)), aiohttp.ClientError),
}


@pytest.mark.parametrize("reset", [False, True], ids=["close", "reset"])
@pytest.mark.parametrize("said", DEATHS.values(), ids=DEATHS)
async def test_every_client_notices_that_the_server_died_inside_its_answer(lab, said, reset):
    async def script(peer):
        await peer.request()
        await peer.send(said)
        if reset:
            peer.reset()

    async with lab.serving(script) as server:
        for read, error in READERS.values():
            with pytest.raises(error):
                await asyncio.to_thread(read, f"http://{lab.where[0]}:{lab.where[1]}", server.host)
        curl = await asyncio.create_subprocess_exec(
            *("curl", "-s", "-m", "10", "-o", "/dev/null", "-H", f"Host: {server.host}"),
            f"http://{lab.where[0]}:{lab.where[1]}/",
        )
        assert await curl.wait() in {18, 56}


async def test_a_body_that_ends_by_a_reset_is_not_taken_for_whole(lab):
    async def script(peer):
        await peer.request()
        await peer.send(PLAIN + b"\r\n" + BODY)
        await peer.ended()

    async with lab.serving(script) as server:
        client = await Client.connect(lab.where)
        await client.send(get("/", server.host))
        await client.until(BODY[-100:])
        for peer in list(server.peers):
            peer.reset()
        with pytest.raises(Cut):
            await client.until(b"\r\n0\r\n\r\n")
        client.close()


# --- closing kept connections at the worst moment


def closing(moment):
    """A script that ends a kept connection after some answers, without a word: after the last answer, when the next
    request begins to come, or when it has come whole."""

    async def script(peer):
        for _ in range(random.Random(peer.number).randrange(1, 5)):
            request = await peer.request()
            if request is None:
                return
            await peer.send(ok(request.target.encode()))
        if moment == "request":
            await peer.request()
            peer.origin.requests.pop()
        elif moment == "byte":
            await peer.reader.read(1)

    return script


@pytest.mark.parametrize("moment", ["at-once", "byte", "request"])
async def test_no_get_fails_though_the_server_ends_idle_connections_at_the_worst_moment(lab, moment):
    answers = Counter()

    async def client(first):
        connection = await Client.connect(lab.where)
        for number in range(first, first + 125):
            answer = await connection.ask(get(f"/{number}", server.host))
            answers[answer.status, answer.body == f"/{number}".encode()] += 1
        connection.close()

    async with lab.serving(closing(moment)) as server, Tasks("clients") as tasks:
        for lane in range(8):
            tasks.spawn("client", client(lane * 1000))
    assert answers == {(200, True): 1000}
    assert server.connections > 100


async def test_no_post_is_done_twice_when_the_server_ends_connections_at_the_worst_moment(lab):
    statuses = Counter()
    async with lab.serving(closing("request")) as server:
        connection = await Client.connect(lab.where)
        for number in range(200):
            answer = await connection.ask(post(b"pay", target=f"/{number}").replace(b"a.test", server.host.encode()))
            statuses[answer.status] += 1
        connection.close()
    assert set(statuses) == {200, 502}
    done = Counter(request.target for request in server.requests)
    assert len(done) == statuses[200]
    assert set(done.values()) == {1}


async def test_a_get_is_held_while_the_server_that_was_killed_starts_again(lab):
    server = lab.servers["node"]
    client = await Client.connect(lab.where)
    assert (await client.ask(get("/bytes/1", "node.test"))).body == contract.content(1)
    server.process.kill()
    await asyncio.to_thread(server.process.wait, 10)
    await client.send(get("/bytes/65535", "node.test"))
    server.start()
    assert (await client.response()).body == contract.content(65535)
    client.close()

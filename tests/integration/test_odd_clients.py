"""Clients that pipeline, half-close, dribble, dawdle and vanish, on a real Tidegate with real servers behind it."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.support.apps import contract
from tests.support.asking import program
from tests.support.client import Client, Cut, get
from tests.support.memory import open_files, rss
from tests.support.serve import until
from tests.support.servers import SERVERS
from tidegate.tasks import Tasks

MIB = 1 << 20
ECHO = [server for server in SERVERS if "echo" in server.can]

each_server = pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
each_echo = pytest.mark.parametrize("server", ECHO, ids=lambda server: server.name)


def upload(server, body, chunked=False):
    host = server.host.encode()
    if not chunked:
        framing, sent = b"Content-Length: %d" % len(body), body
    else:
        framing, sent = b"Transfer-Encoding: chunked", b"%x\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(body), body)
    return b"POST %b HTTP/1.1\r\nHost: %b\r\n%b\r\n\r\n%b" % (server.path("/echo").encode(), host, framing, sent)


@each_server
async def test_a_client_that_has_sent_its_last_byte_gets_its_answer(lab, server):
    client = await Client.connect(lab.where)
    await client.send(get(server.path("/bytes/65535"), server.host))
    client.end()
    assert (await client.response()).body == contract.content(65535)
    assert await client.closed()
    client.close()


@each_echo
async def test_an_upload_that_ends_with_a_half_close_is_answered(lab, server):
    client = await Client.connect(lab.where)
    await client.send(upload(server, contract.content(65535)))
    client.end()
    assert (await client.response("POST")).body == contract.content(65535)
    client.close()


@each_server
async def test_pipelined_requests_are_answered_in_their_order(lab, server):
    sizes = [0, 1, 65535, 1, 0, MIB, 65535, 1] * 3
    client = await Client.connect(lab.where)
    await client.send(b"".join(get(server.path(f"/bytes/{size}"), server.host) for size in sizes))
    for size in sizes:
        assert (await client.response()).body == contract.content(size)
    client.close()


@each_echo
async def test_pipelined_uploads_keep_their_bodies_apart(lab, server):
    bodies = [
        b"",
        b"GET / HTTP/1.1\r\nHost: node.test\r\n\r\n",
        contract.content(65535),
        b"0\r\n\r\n",
        contract.content(5),
    ]
    chunks = "chunked" in server.can
    client = await Client.connect(lab.where)
    sent = [upload(server, body, chunked=chunks and body and number % 2) for number, body in enumerate(bodies * 4)]
    await client.send(b"".join(sent))
    for body in bodies * 4:
        assert (await client.response("POST")).body == body
    client.close()


@each_echo
async def test_a_request_that_comes_octet_by_octet_arrives_whole(lab, server):
    body = b"dribble"
    client = await Client.connect(lab.where)
    for octet in upload(server, body, chunked="chunked" in server.can):
        await client.send(bytes([octet]))
        await asyncio.sleep(0)
    assert (await client.response("POST")).body == body
    client.close()


@each_server
async def test_an_http_1_0_client_gets_plain_bodies_and_may_keep_its_connection(lab, server):
    def old(path, extra=b""):
        return get(server.path(path), server.host, extra).replace(b"HTTP/1.1", b"HTTP/1.0")

    client = await Client.connect(lab.where)
    for _ in range(2):
        kept = await client.ask(old("/bytes/65535", b"Connection: keep-alive\r\n"))
        assert kept.body == contract.content(65535)
    last = await client.ask(old("/stream/65535", b"Connection: keep-alive\r\n"))
    assert "transfer-encoding" not in last.headers
    assert last.body == contract.content(65535)
    client.close()


# --- much, and slowly


async def endless(peer):
    """256 MiB, in a body that says its size."""
    await peer.head()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (256 * MIB))
    block = bytes(MIB)
    for _ in range(256):
        await peer.send(block)
        peer.origin.requests.append(MIB)


async def test_readers_that_stop_cost_the_worker_a_bounded_buffer_each(lab):
    readers = 16
    async with lab.serving(endless) as server:
        warm = await Client.connect(lab.where, receive_buffer=4096)
        await warm.ask(get("/bytes/1048576", "node.test"))
        before = rss(lab.worker)
        clients = [await Client.connect(lab.where, receive_buffer=4096) for _ in range(readers)]
        for client in clients:
            await client.send(get("/", server.host))
            await client.until(b"\r\n\r\n")
            client.writer.transport.pause_reading()
        await until(stalled(lambda: len(server.requests)), what="the origin is held back")
        grown = rss(lab.worker) - before
        assert grown < readers * 512 * 1024
        for client in clients:
            client.reset()
        warm.close()


def stalled(measure, looks=10):
    """A question: has the measure stood still for that many looks?"""
    seen = []

    def still():
        seen.append(measure())
        return len(seen) > looks and len(set(seen[-looks:])) == 1

    return still


async def counting(peer):
    """Says how much came."""
    await peer.head()
    left = total = 256 * MIB
    while left:
        left -= len(await peer.reader.read(MIB))
    answer = str(total).encode()
    await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
    await peer.ended()


async def test_large_bodies_pass_both_ways_in_bounded_memory(lab, tmp_path):
    before = rss(lab.worker)
    sparse = tmp_path / "in"
    with sparse.open("wb") as file:
        file.truncate(256 * MIB)
    curl = ["curl", "-sS", "-m", 30, "-w", " %{size_download}"]
    async with lab.serving(endless) as server:
        out, _ = await program(*curl, "-o", "/dev/null", *_at(lab, server))
        assert int(out) == 256 * MIB
    async with lab.serving(counting) as server:
        out, _ = await program(*curl, "-H", "Expect:", "-T", sparse, *_at(lab, server))
        assert out == b"%d 9" % (256 * MIB)
    assert rss(lab.worker) - before < 8 * MIB


def _at(lab, server):
    return ["-H", f"Host: {server.host}", f"http://{lab.where[0]}:{lab.where[1]}/"]


# --- vanishing


async def test_clients_that_vanish_anywhere_leave_nothing_behind(lab):
    """3000 resets at chosen octets of request and answer (seeded); then as many files are open as before."""
    random_ = random.Random(36)
    hosts = [server for server in ECHO if server.name in {"uvicorn-httptools", "aiohttp", "node"}]

    async def vanish():
        server = random_.choice(hosts)
        request = upload(server, contract.content(random_.choice([0, 20, 70_000])), random_.random() < 0.5)
        sent = random_.randrange(len(request) + 1) if random_.random() < 0.5 else len(request)
        client = await Client.connect(lab.where)
        await client.send(request[:sent])
        if sent == len(request) and random_.random() < 0.7:
            await client.read(random_.randrange(1, 2000))
        client.reset()

    async def lane():
        for _ in range(375):
            await vanish()

    for server in hosts:
        await _sound(lab, server)
    base, memory = open_files(lab.worker), rss(lab.worker)
    async with Tasks("vanishing") as tasks:
        for _ in range(8):
            tasks.spawn("lane", lane())
    for server in hosts:
        await _sound(lab, server)
    await until(lambda: open_files(lab.worker) <= base + 24, what="the worker has closed what they left")
    assert rss(lab.worker) - memory < 16 * MIB


async def _sound(lab, server):
    client = await Client.connect(lab.where)
    assert (await client.ask(get("/bytes/65535", server.host))).body == contract.content(65535)
    client.close()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"X: " + b"x" * 300_000 + b"\r\n", 431),
        (b"X: y\r\n" * 10_000, 431),
        (b"X-%d: y\r\n" * 1 % 1 + b"".join(b"X-%d: y\r\n" % number for number in range(120)), 200),
    ],
    ids=["300-kB", "10000-fields", "121-fields"],
)
async def test_heads_that_are_too_large_are_refused_and_others_served_on(lab, fields, status):
    client = await Client.connect(lab.where)
    try:
        await client.send(get("/bytes/1", "uvicorn-h11.test", fields))
        assert (await client.response()).status == status
    except (ConnectionError, Cut):  # the refusal may be lost to a client that is still sending
        assert status != 200
    client.close()
    await _sound(lab, SERVERS[2])

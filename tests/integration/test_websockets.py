"""WebSockets: what a server says through Tidegate is what it says directly; real clients; a thousand at once."""

from __future__ import annotations

import asyncio
import hashlib

import aiohttp
import pytest
import websockets

from tests.support.apps import contract
from tests.support.client import Client, Cut
from tests.support.frames import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Message,
    Socket,
    close,
    conversation,
    fragments,
    frame,
)
from tests.support.memory import rss
from tests.support.servers import SERVERS
from tidegate.tasks import Tasks

ECHOING = [server for server in SERVERS if server.websocket]
MIB = 1 << 20
DONE = close(1000)
BIG = contract.content(MIB)
WORDS = "κόσμε \U0001f600 ".encode()

each_server = pytest.mark.parametrize("server", ECHOING, ids=lambda server: server.name)
# Octets to send; a number waits for that many messages.
SOUND = {
    "empty-text": [frame(TEXT), 1, DONE],
    "empty-binary": [frame(BINARY), 1, DONE],
    "text-1": [frame(TEXT, b"x"), 1, DONE],
    "text-125": [frame(TEXT, b"x" * 125), 1, DONE],
    "text-126": [frame(TEXT, b"x" * 126), 1, DONE],
    "text-65535": [frame(TEXT, b"x" * 65535), 1, DONE],
    "text-65536": [frame(TEXT, b"x" * 65536), 1, DONE],
    "text-1-MiB": [frame(TEXT, b"x" * MIB), 1, DONE],
    "binary-127": [frame(BINARY, BIG[:127]), 1, DONE],
    "binary-65535": [frame(BINARY, BIG[:65535]), 1, DONE],
    "binary-65536": [frame(BINARY, BIG[:65536]), 1, DONE],
    "binary-1-MiB": [frame(BINARY, BIG), 1, DONE],
    "utf-8": [frame(TEXT, WORDS * 50), 1, DONE],
    "utf-8-cut-inside-a-character": [fragments(TEXT, WORDS * 5, 1), 1, DONE],
    "two-fragments": [frame(TEXT, b"a", fin=False), frame(CONTINUATION, b"b"), 1, DONE],
    "empty-fragments": [frame(TEXT, fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION), 1, DONE],
    "fragments-of-1000": [fragments(BINARY, BIG[:65536], 1000), 1, DONE],
    "fragments-of-64-KiB": [fragments(BINARY, BIG, 65536), 1, DONE],
    "ping": [frame(PING), 1, DONE],
    "ping-with-payload": [frame(PING, b"hello"), 1, DONE],
    "ping-125": [frame(PING, b"\xfe" * 125), 1, DONE],
    "ten-pings": [frame(PING, b"%d" % number) for number in range(10)] + [10, DONE],
    "ping-octet-by-octet": [bytes([octet]) for octet in frame(PING, b"hello")] + [1, DONE],
    "pong-unasked": [frame(PONG, b"unasked"), frame(TEXT, b"x"), 1, DONE],
    "ping-between-fragments": [frame(TEXT, b"a", fin=False), frame(PING, b"p"), frame(CONTINUATION, b"b"), 2, DONE],
    "text-octet-by-octet": [bytes([octet]) for octet in frame(TEXT, b"hello")] + [1, DONE],
    "many-in-one-write": [frame(TEXT, b"x") * 50 + frame(BINARY, b"y") * 50, 100, DONE],
    "close-without-code": [frame(8)],
    "close-1001": [close(1001)],
    "close-3000": [close(3000, b"library")],
    "close-4999": [close(4999, b"ours")],
    "close-with-a-long-reason": [close(1000, b"r" * 123)],
    "message-after-close": [frame(TEXT, b"x"), 1, DONE + frame(TEXT, b"late")],
    "closed-by-the-server": [frame(TEXT, b"close me"), 1, DONE],
}
BROKEN = {
    "opcode-3": [frame(3, b"x"), 1, DONE],
    "opcode-11": [frame(11, b"x"), 1, DONE],
    "reserved-bit": [frame(TEXT, b"x", rsv=2), 1, DONE],
    "compressed-unasked": [frame(TEXT, b"x", rsv=4), 1, DONE],
    "not-masked": [frame(TEXT, b"x", masked=False), 1, DONE],
    "continuation-of-nothing": [frame(CONTINUATION, b"x"), 1, DONE],
    "new-message-inside-another": [frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1, DONE],
    "fragmented-ping": [frame(PING, b"x", fin=False), 1, DONE],
    "ping-126": [frame(PING, b"x" * 126), 1, DONE],
    "close-with-one-octet": [frame(8, b"\x03"), 1, DONE],
    "close-1005": [close(1005), 1, DONE],
    "close-999": [close(999), 1, DONE],
    "close-with-bad-utf-8": [close(1000, b"\xff"), 1, DONE],
    "bad-utf-8": [frame(TEXT, b"\xce\xba\xff"), 1, DONE],
    "bad-utf-8-over-fragments": [frame(TEXT, b"\xce", fin=False) + frame(CONTINUATION, b"\xce"), 1, DONE],
}


@each_server
@pytest.mark.parametrize("said", [*SOUND.values(), *BROKEN.values()], ids=[*SOUND, *BROKEN])
async def test_the_server_answers_through_tidegate_as_it_does_directly(lab, server, said):
    direct = await conversation(lab.servers[server.name].address, server.host, said)
    assert await conversation(lab.where, server.host, said) == direct
    assert direct or said in BROKEN.values()


@each_server
async def test_messages_come_back_as_they_were_sent(lab, server):
    said = b"".join(frame(BINARY, BIG[:size]) for size in (0, 1, 126, 65536, MIB)) + frame(PING, b"!")
    sizes = [Message(BINARY, BIG[:size]) for size in (0, 1)]
    digests = [Message(BINARY, (size, hashlib.sha256(BIG[:size]).hexdigest())) for size in (126, 65536, MIB)]
    answers = await conversation(lab.where, server.host, [said, 6, DONE])
    assert [each for each in answers if each.opcode == BINARY] == sizes + digests
    assert Message(PONG, b"!") in answers


def through(lab, server, **options):
    """The `websockets` client."""
    host, port = lab.where
    url = f"ws://{server.host}/ws"
    return websockets.connect(url, host=host, port=port, proxy=None, max_size=4 * MIB, **options)


@pytest.mark.parametrize("compression", ["deflate", None])
@each_server
async def test_the_websockets_client_talks_with_and_without_compression(lab, server, compression):
    async with asyncio.timeout(15), through(lab, server, compression=compression) as client:
        agreed = client.protocol.extensions
        for message in ("hello", "x" * 100_000, BIG, b"", ""):
            await client.send(message)
            assert await client.recv() == message
        await client.send(["frag", "men", "ted"])
        assert await client.recv() == "fragmented"
        await (await client.ping())
    assert client.close_code == 1000
    assert compression or not agreed


@each_server
async def test_a_subprotocol_is_agreed_end_to_end(lab, server):
    async with asyncio.timeout(10), through(lab, server, subprotocols=["a", "b"]) as client:
        assert client.subprotocol == "b"


@each_server
async def test_the_code_with_which_the_server_closes_arrives(lab, server):
    async with asyncio.timeout(10), through(lab, server) as client:
        await client.send("close me")
        with pytest.raises(websockets.ConnectionClosed):
            await client.recv()
        assert (client.close_code, client.close_reason) == (4001, "as asked")


@each_server
async def test_a_refused_upgrade_is_the_servers_own_answer(lab, server):
    host, port = lab.where
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(f"ws://{server.host}/refused", host=host, port=port, proxy=None):
            raise AssertionError("it was not refused")
    assert refused.value.response.status_code == 403


async def test_an_upgrade_that_a_server_does_not_know_is_an_ordinary_answer(lab):
    client = await Client.connect(lab.where)
    request = (
        b"GET /bytes/65535 HTTP/1.1\r\nHost: gunicorn-gthread.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    for _ in range(2):
        answer = await client.ask(request)
        assert (answer.status, answer.body) == (200, contract.content(65535))
    client.close()


@each_server
async def test_the_aiohttp_client_talks(lab, server):
    url = f"http://{lab.where[0]}:{lab.where[1]}/ws"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session:
        async with session.ws_connect(url, headers={"Host": server.host}, max_msg_size=4 * MIB, compress=15) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello"
            await socket.send_bytes(BIG)
            assert await socket.receive_bytes() == BIG
        assert socket.close_code == 1000


async def test_a_server_that_vanishes_ends_its_websockets(lab):
    async def script(peer):
        await peer.head()
        await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
        await peer.send(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x02hi")
        await peer.reader.read(1)
        peer.reset()

    async with lab.serving(script) as server:
        socket = await Socket.open(lab.where, server.host)
        assert await socket.message() == Message(TEXT, b"hi")
        await socket.send(frame(TEXT, b"go"))
        assert await socket.message() is None
        socket.end()


# --- a thousand at once

COUNT = 1000
ROOM = 64 * 1024  # resident bytes of the worker for each, both its sockets included


async def test_a_thousand_websockets_talk_through_one_worker(lab, record_property):
    host = "uvicorn-httptools.test"
    sockets = []

    async def opened():
        sockets.append(await Socket.open(lab.where, host))

    async def said(socket, number):
        await socket.send(frame(TEXT, b"message %d" % number))
        assert await socket.message() == Message(TEXT, b"message %d" % number)

    before = rss(lab.worker)
    for _ in range(COUNT // 100):
        async with Tasks("opening") as tasks:
            for _ in range(100):
                tasks.spawn("open", opened())
    for turn in range(3):
        async with Tasks("talking") as tasks:
            for number, socket in enumerate(sockets):
                tasks.spawn("talk", said(socket, turn * COUNT + number))
    each = (rss(lab.worker) - before) / COUNT
    record_property("worker_bytes_per_websocket", round(each))
    assert len(sockets) == COUNT
    assert each < ROOM
    for socket in sockets:
        await socket.send(DONE)
        socket.end()


async def test_a_handshake_that_is_none_is_refused_before_the_server_sees_it(lab):
    with pytest.raises(Cut, match="400"):
        await Socket.open(lab.where, "aiohttp.test", extra=b"Sec-WebSocket-Version: 7\r\n")

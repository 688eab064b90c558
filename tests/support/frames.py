"""A WebSocket client that sends frames as they are told, sound or not (RFC 6455), and tells every frame it got."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import struct
from typing import NamedTuple

from tests.support.client import Client, Cut

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUATION = 0
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, payload=b"", *, fin=True, rsv=0, masked=True):
    """One frame, masked as a client's must be."""
    first = fin << 7 | rsv << 4 | opcode
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, masked << 7 | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, masked << 7 | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked << 7 | 127, size)
    if not masked:
        return head + payload
    mask = b"\x12\x34\x56\x78"
    stretched = (mask * (size // 4 + 1))[:size]
    hidden = int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")
    return head + mask + hidden.to_bytes(size, "big")


def close(code, reason=b""):
    """A close frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


def fragments(opcode, payload, size):
    """A message in frames of `size` octets."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)]
    last = len(parts) - 1
    return b"".join(
        frame(CONTINUATION if number else opcode, part, fin=number == last) for number, part in enumerate(parts)
    )


class Message(NamedTuple):
    """A message of the server, or a control frame; long payloads as size and digest, a close as its code."""

    opcode: int
    payload: bytes | tuple


class Socket:
    """One WebSocket, opened."""

    def __init__(self, client):
        self.client = client
        self.begun = (0, b"")

    @classmethod
    async def open(cls, where, host, path="/ws", extra=b""):
        """Raises Cut if the server does not switch."""
        client = await Client.connect(where)
        await client.send(
            b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: %b\r\n%b\r\n" % (path.encode(), host.encode(), KEY, extra)
        )
        head = await client.until(b"\r\n\r\n")
        accept = base64.b64encode(hashlib.sha1(KEY + _MAGIC).digest())
        if not head.startswith(b"HTTP/1.1 101 ") or accept not in head:
            raise Cut(head)
        return cls(client)

    async def send(self, data):
        await self.client.send(data)

    async def message(self):
        """The next message or control frame, None at the end of the connection."""
        while True:
            try:
                fin, opcode, payload = await self._frame()
            except Cut:
                return None
            if opcode >= 8:
                return _told(opcode, payload)
            first, before = self.begun
            self.begun = (first or opcode, before + payload)
            if fin:
                whole, self.begun = self.begun, (0, b"")
                return _told(*whole)

    async def all(self):
        """Everything until the connection ends."""
        found = []
        while (message := await self.message()) is not None:
            found.append(message)
        return found

    async def _frame(self):
        first, size = await self._take(2)
        if size == 126:
            (size,) = struct.unpack("!H", await self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self._take(8))
        return bool(first & 0x80), first & 0x0F, await self._take(size)

    async def _take(self, size):
        parts, left = [], size
        while left:
            part = await self.client.read()
            if not part:
                raise Cut
            parts.append(part[:left])
            self.client.kept = part[left:]
            left -= len(parts[-1])
        return b"".join(parts)

    def end(self):
        self.client.close()


def _told(opcode, payload):
    if opcode == CLOSE:
        return Message(CLOSE, struct.unpack("!H", payload[:2]) if payload else ())
    if len(payload) > 100:
        return Message(opcode, (len(payload), hashlib.sha256(payload).hexdigest()))
    return Message(opcode, payload)


async def conversation(where, host, said):
    """What came back until the connection ended. `said` are octets to send, and numbers: so many messages are awaited,
    or the end."""
    socket = await Socket.open(where, host)
    found = []
    try:
        async with asyncio.timeout(10):
            for piece in said:
                if isinstance(piece, int):
                    found += [await socket.message() for _ in range(piece)]
                else:
                    with contextlib.suppress(ConnectionError):  # the server may have ended it
                        await socket.send(piece)
            return [message for message in found + await socket.all() if message is not None]
    finally:
        socket.end()

"""The WebSocket protocol (RFC 6455) as far as a bench needs it: the opening handshake and small frames."""

from __future__ import annotations

import asyncio
import base64
import hashlib

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
KEY = base64.b64encode(b"0123456789abcdef")
MASK = b"\x01\x02\x03\x04"
TEXT = 0x81  # the only frame of a text message (section 5.2)
SECONDS = 5.0


def opening(host: str) -> bytes:
    """The client's side of the handshake."""
    return (
        f"GET /socket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY.decode()}\r\n\r\n"
    ).encode()


def accepting(key: bytes) -> bytes:
    """The server's side, for the key the client sent."""
    accept = base64.b64encode(hashlib.sha1(key.strip() + GUID).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def key_of(head: bytes) -> bytes:
    """The key in a request's head; empty where it asks for no WebSocket."""
    return next(
        (
            line.split(b":", 1)[1].strip()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key:")
        ),
        b"",
    )


def masked(payload: bytes) -> bytes:
    """A text frame from a client; `payload` below 126 bytes."""
    assert len(payload) < 126
    return bytes((TEXT, 0x80 | len(payload))) + MASK + _xor(payload)


def plain(payload: bytes) -> bytes:
    """A text frame from a server."""
    assert len(payload) < 126
    return bytes((TEXT, len(payload))) + payload


def echo(data: bytes) -> tuple[bytes, bytes]:
    """What a server sends back for the whole masked frames in `data`, and what is left of it."""
    answer = b""
    while len(data) >= 6 and len(data) >= (end := 6 + (data[1] & 0x7F)):
        answer += plain(_xor(data[6:end]))
        data = data[end:]
    return answer, data


class Session:
    """A client's open WebSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int, host: str) -> Session:
        """Raises OSError, EOFError or ConnectionError where the other side does not switch."""
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(opening(host))
            head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            writer.close()
            raise ConnectionError(f"not switched: {head[:40]!r}")
        return cls(reader, writer)

    async def ask(self, payload: bytes) -> bool:
        """Whether the echo of `payload` came; after a False the session is of no more use."""
        wanted = plain(payload)
        if self._writer.is_closing():
            return False
        try:
            async with asyncio.timeout(SECONDS):
                self._writer.write(masked(payload))
                return await self._reader.readexactly(len(wanted)) == wanted
        except (OSError, asyncio.IncompleteReadError):
            return False

    def close(self) -> None:
        self._writer.close()


def _xor(payload: bytes) -> bytes:
    return bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))

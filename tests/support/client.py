"""A raw HTTP/1 client: sends octets as they are, reads answers by h11's rules or octet by octet, never waits for ever."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import NamedTuple

import h11

DEADLINE = 10.0
GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"


def get(target="/", host="a.test", extra=b""):
    return b"GET %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (target.encode(), host.encode(), extra)


def post(body, extra=b"", target="/"):
    return b"POST %b HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n%b\r\n%b" % (
        target.encode(),
        len(body),
        extra,
        body,
    )


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    interim: tuple[int, ...] = ()

    @property
    def reason(self):
        return self.headers.get("x-tidegate-reason")


class Cut(Exception):
    """The connection ended inside a message."""


class Client:
    """One connection. `response()` reads exactly one answer and keeps what follows it."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.kept = b""

    @classmethod
    async def connect(cls, address, receive_buffer=0):
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, address[:2])
        return cls(*await asyncio.open_connection(sock=made, limit=65536))

    async def send(self, data):
        async with asyncio.timeout(DEADLINE):
            self.writer.write(data)
            await self.writer.drain()

    def end(self):
        """Send no more, go on reading."""
        self.writer.write_eof()

    def close(self):
        self.writer.close()

    def reset(self):
        """Cut the connection with RST."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def read(self, size=65536):
        """Some octets, `b""` at the end."""
        if self.kept:
            data, self.kept = self.kept, b""
            return data
        async with asyncio.timeout(DEADLINE):
            try:
                return await self.reader.read(size)
            except ConnectionError:
                return b""

    async def rest(self):
        """All octets until the end."""
        parts = []
        while part := await self.read():
            parts.append(part)
        return b"".join(parts)

    async def until(self, mark):
        """Octets up to and with `mark`."""
        data = b""
        while mark not in data:
            part = await self.read()
            if not part:
                raise Cut(data)
            data += part
        cut = data.index(mark) + len(mark)
        self.kept = data[cut:]
        return data[:cut]

    async def response(self, method="GET"):
        """The next answer; Cut if it does not come whole."""
        try:
            return await self._response(_answered(method))
        except h11.RemoteProtocolError as error:
            raise Cut from error

    async def _response(self, reading):
        head, interim, body = None, [], []
        while True:
            event = reading.next_event()
            if event is h11.NEED_DATA:
                reading.receive_data(await self.read())
            elif isinstance(event, h11.InformationalResponse):
                interim.append(event.status_code)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                raise Cut
        self.kept = reading.trailing_data[0] + self.kept
        headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        return Response(head.status_code, headers, b"".join(body), tuple(interim))

    async def ask(self, request=GET):
        await self.send(request)
        return await self.response(request.split(b" ", 1)[0].decode())

    async def closed(self):
        """Whether the connection ends with nothing more to read."""
        return await self.rest() == b""


def _answered(method):
    reading = h11.Connection(h11.CLIENT)
    reading.send(h11.Request(method=method, target="/", headers=[("Host", "a.test")]))
    reading.send(h11.EndOfMessage())
    return reading

"""Servers behind the router, well- or ill-behaved: each connection runs a script `async def script(peer)`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from contextlib import asynccontextmanager
from typing import NamedTuple

import h11

from tidegate.tasks import Tasks

DEADLINE = 10.0


class Request(NamedTuple):
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def field(self, name):
        """All values of a field, joined; None if it is not there."""
        found = [value for given, value in self.headers if given.lower() == name.lower()]
        return ", ".join(found) if found else None


def ok(body=b"ok", extra=b""):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), extra, body)


class Peer:
    """One connection as the script sees it; `number` counts the origin's connections from 1."""

    def __init__(self, origin, reader, writer, number):
        self.origin = origin
        self.reader = reader
        self.writer = writer
        self.number = number
        self.kept = b""

    async def head(self):
        """Octets up to the end of the next request head, or None if there is none."""
        try:
            return await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def request(self):
        """The next request, body and all, or None if there is none."""
        head = await self.head()
        if head is None:
            return None
        reading = h11.Connection(h11.SERVER)
        reading.receive_data(head)
        asked = reading.next_event()
        body = []
        while (event := reading.next_event()) is not None:
            if event is h11.NEED_DATA:
                reading.receive_data(await self.reader.read(65536))
            elif isinstance(event, h11.Data):
                body.append(bytes(event.data))
            else:
                break
        assert isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED
        fields = [(name.decode(), value.decode("latin-1")) for name, value in asked.headers.raw_items()]
        request = Request(asked.method.decode(), asked.target.decode(), fields, b"".join(body))
        self.origin.requests.append(request)
        return request

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    def reset(self):
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def ended(self):
        """Read and drop until the router is gone."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass


class Origin:
    """What it was asked, how often it was connected to, the connections that are open."""

    def __init__(self, script):
        self.script = script
        self.requests = []
        self.connections = 0
        self.open = 0
        self.peers: set[Peer] = set()
        self.host = ""  # of the route before it, where there is one
        self.address = ("127.0.0.1", 0)

    async def serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        peer = Peer(self, reader, writer, self.connections)
        self.peers.add(peer)
        try:
            await self.script(peer)
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            self.peers.discard(peer)
            writer.close()


async def polite(peer):
    """Answers every request with `ok`."""
    while await peer.request() is not None:
        await peer.send(ok())


def saying(*answers, close=False):
    """A script that reads a request and sends each answer in turn, the last one for ever."""

    async def script(peer):
        turn = 0
        while (await peer.request()) is not None:
            await peer.send(answers[min(turn, len(answers) - 1)])
            turn += 1
            if close:
                return

    return script


@asynccontextmanager
async def serving(script=polite, **options):
    """An origin on port 0 until the block ends; its connections are cut then."""
    origin = Origin(script)
    async with Tasks("origin") as tasks:
        scripts = set()

        def accepted(reader, writer):
            if not server.is_serving():  # it was in the backlog when the block ended
                writer.transport.abort()
                return
            task = tasks.spawn("connection", origin.serve(reader, writer))
            scripts.add(task)
            task.add_done_callback(scripts.discard)

        place = {} if "sock" in options else {"host": "127.0.0.1", "port": 0}
        server = await asyncio.start_server(accepted, **place, **options)
        origin.address = server.sockets[0].getsockname()[:2]
        try:
            yield origin
        finally:
            server.close()
            for task in list(scripts):
                task.cancel()


def refusing():
    """An address of loopback where nobody listens: bound, so that nobody else can take the port."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    taken.bind(("127.0.0.1", 0))
    return taken

"""Clients that forgive nothing: what broke under a request, or under a connection that is to live on, has failed.

A request that went out on a connection and was not answered there is a failure, also where the connection had been used before and
a browser would try again. A connection whose end has arrived before the request leaves is replaced: no server can do more than say so.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import Counter
from collections.abc import Callable

from bench.macro import websockets
from bench.macro.summary import percentile

ANSWER_SECONDS = 10.0
PIECE = 65536


class Tally:
    """What clients of one kind met."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.faults: Counter[str] = Counter()

    def figures(self, kind: str) -> dict[str, float]:
        found = {f"{kind}_requests": float(len(self.latencies)), f"{kind}_failed": float(self.faults.total())}
        if self.latencies:
            found[f"{kind}_p99_ms"] = percentile(self.latencies, 0.99) * 1e3
            found[f"{kind}_worst_ms"] = max(self.latencies) * 1e3
        return found


class Connection:
    """One connection to 127.0.0.1 that is asked one thing at a time. `head` and `body` are those of the last whole answer."""

    def __init__(self, port: int) -> None:
        self.head = b""
        self.body = b""
        self._port = port
        self._socket: socket.socket | None = None

    async def ask(self, request: bytes) -> int:
        """The status of a whole answer. Raises OSError or EOFError where there is none; opens a connection if none is open."""
        if self._socket is not None and self._over():
            self.close()
        loop = asyncio.get_running_loop()
        if self._socket is None:
            self._socket = socket.socket()
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(self._socket, ("127.0.0.1", self._port))
        await loop.sock_sendall(self._socket, request)
        head, body = await self._head(loop)
        fields = head.lower()
        length = int(fields.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        while len(body) < length:
            body += await self._some(loop)
        self.head, self.body = head, body
        if b"connection: close" in fields:
            self.close()
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _over(self) -> bool:
        assert self._socket is not None
        try:
            self._socket.recv(1, socket.MSG_PEEK)  # its end, or bytes that nobody asked for
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    async def _head(self, loop: asyncio.AbstractEventLoop) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await self._some(loop)
        head, _, body = data.partition(b"\r\n\r\n")
        return head + b"\r\n", body

    async def _some(self, loop: asyncio.AbstractEventLoop) -> bytes:
        assert self._socket is not None
        if not (data := await loop.sock_recv(self._socket, PIECE)):
            raise EOFError
        return data


class Requests:
    """`clients` that ask for `host` in turn until `stop`, each pausing `pause()` seconds between an answer and its next request; on
    one connection, or on a `fresh` one each time. Every fourth request is a POST, which nobody on the way may send again."""

    def __init__(self, port: int, host: str, *, clients: int, pause: Callable[[], float], fresh: bool = False) -> None:
        self.tally = Tally()
        self._port = port
        fields = f"Host: {host}\r\n" + ("Connection: close\r\n" if fresh else "")
        self._get = f"GET / HTTP/1.1\r\n{fields}\r\n".encode()
        self._post = f"POST / HTTP/1.1\r\n{fields}Content-Length: 1000\r\n\r\n".encode() + bytes(1000)
        self._clients = clients
        self._pause = pause
        self._stop = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._clients):
                group.create_task(self._one())

    def stop(self) -> None:
        self._stop.set()

    async def _one(self) -> None:
        connection, count = Connection(self._port), random.randrange(4)
        await _pause(self._stop, random.random() * self._pause())
        while not self._stop.is_set():
            count += 1
            await self._ask(connection, self._get if count % 4 else self._post)
            await _pause(self._stop, self._pause())
        connection.close()

    async def _ask(self, connection: Connection, request: bytes) -> None:
        began, fault = time.monotonic(), ""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await connection.ask(request)
            fault = "" if status == 200 else str(status)
        except (OSError, EOFError, TimeoutError) as why:
            connection.close()
            fault = type(why).__name__
        self.tally.latencies.append(time.monotonic() - began)
        if fault:
            self.tally.faults[fault] += 1


class Lives:
    """When long-lived things were opened, and which of them ended before they had to. `turns` are the reloads so far, each with the
    moments when it was asked for and when it was done: what was opened before the end may be cut `grace` seconds after the beginning."""

    def __init__(self, turns: list[tuple[float, float]], grace: float) -> None:
        self.opened = 0
        self.whole = 0  # ended as they should, or by the end of the bench
        self.early = 0
        self.late = 0  # cut, but not before their time
        self._turns = turns
        self._grace = grace

    def cut(self, began: float) -> None:
        first = next((begun for begun, done in self._turns if done > began), None)
        if first is not None and time.monotonic() >= first + self._grace - 1.0:
            self.late += 1
        else:
            self.early += 1


class Downloads:
    """Clients that take `size` bytes of `path` over `seconds`, again and again."""

    def __init__(
        self, port: int, host: str, path: str, lives: Lives, *, clients: int, size: int, seconds: float
    ) -> None:
        self.lives = lives
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        self._clients = clients
        self._size = size
        self._pause = seconds * PIECE / size
        self._stop = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self._clients):
                group.create_task(self._one(number / self._clients * self._pause * self._size / PIECE))

    def stop(self) -> None:
        self._stop.set()

    async def _one(self, first: float) -> None:
        await _pause(self._stop, first)
        while not self._stop.is_set():
            began = time.monotonic()
            self.lives.opened += 1
            try:
                await self._download()
                self.lives.whole += 1
            except (OSError, EOFError, TimeoutError):
                self.lives.cut(began)

    async def _download(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=PIECE)
        try:
            writer.write(self._request)
            async with asyncio.timeout(ANSWER_SECONDS):
                if not (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200"):
                    raise ConnectionError
            left = self._size
            while left > 0 and not self._stop.is_set():
                async with asyncio.timeout(ANSWER_SECONDS):
                    left -= len(await reader.readexactly(min(PIECE, left)))
                await _pause(self._stop, self._pause)
        finally:
            writer.transport.abort()


class Sockets:
    """Clients with a WebSocket that echoes ten times a second; one that is cut opens another."""

    def __init__(self, port: int, host: str, lives: Lives, *, clients: int) -> None:
        self.lives = lives
        self._port = port
        self._host = host
        self._clients = clients
        self._stop = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._clients):
                group.create_task(self._one())

    def stop(self) -> None:
        self._stop.set()

    async def _one(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.lives.opened += 1
            try:
                session = await websockets.Session.open(self._port, self._host)
            except (OSError, EOFError, TimeoutError):
                self.lives.cut(began)
                await _pause(self._stop, 0.1)
                continue
            while not self._stop.is_set() and (lives := await session.ask(b"still there")):
                await _pause(self._stop, 0.1)
            session.close()
            if self._stop.is_set() or lives:
                self.lives.whole += 1
            else:
                self.lives.cut(began)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Until the time is over, or `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return

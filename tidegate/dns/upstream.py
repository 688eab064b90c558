"""One upstream server: asks over pooled UDP sockets, and over TCP what was cut.

Against forged answers (RFC 5452): each socket is connected, so the kernel drops what others send; it has a random port
and is renewed after some queries; ids are random; an answer whose question is not the one asked is counted and left
lying, the query stays open.
"""

from __future__ import annotations

import asyncio
import secrets
import socket

from tidegate.dns import message, wire
from tidegate.dns.message import Message
from tidegate.model import Address

POOL = 32  # sockets, so ports, at a time
QUERIES_PER_SOCKET = 200  # then another port
MAX_OPEN = 1024  # queries without an answer yet; more are refused, not queued
_ANSWER_SIZE = 4096


class Upstream:
    """`run` owns the sockets; `ask` works while it runs. `rejected` counts answers to questions nobody asked."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.rejected = 0
        self._ports: list[_Port] = []
        self._open = 0

    async def run(self) -> None:
        """Keep the pool until cancelled."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for port in self._ports:
                port.close()
            self._ports.clear()

    async def ask(self, query: bytes, timeout_seconds: float) -> Message | None:
        """The answer to `query` (its id is ours to choose); None after the time, or where nobody listens."""
        if self._open >= MAX_OPEN:
            return None
        self._open += 1
        try:
            async with asyncio.timeout(timeout_seconds):
                found = await self._ask_port(query)
                return await self._ask_stream(query) if found is not None and found.truncated else found
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            return None
        finally:
            self._open -= 1

    async def _ask_port(self, query: bytes) -> Message | None:
        port = self._port()
        ident, answer = port.send(query)
        try:
            return await answer
        finally:
            port.forget(ident)

    async def _ask_stream(self, query: bytes) -> Message | None:
        reader, writer = await asyncio.open_connection(self.address.host, self.address.port)
        try:
            asked = secrets.token_bytes(2) + query[2:]
            writer.write(len(asked).to_bytes(2) + asked)
            size = int.from_bytes(await reader.readexactly(2))
            return self.check(await reader.readexactly(size), asked)
        finally:
            writer.close()

    def check(self, data: bytes, asked: bytes) -> Message | None:
        """The message in `data` if it answers `asked`, octet for octet of the question."""
        found = message.read(data)
        if found is None or data[:2] != asked[:2] or not asked.startswith(found.question, 12):
            self.rejected += 1
            return None
        return found

    def _port(self) -> _Port:
        """A socket of the pool, at random, as long as it has queries left to give."""
        if len(self._ports) < POOL:
            port = _Port(self)
            self._ports.append(port)
            return port
        index = secrets.randbelow(POOL)
        port = self._ports[index]
        if port.is_used_up:
            port.retire()
            port = self._ports[index] = _Port(self)
        return port


class _Port:
    """One connected socket and the queries open on it, by id."""

    def __init__(self, upstream: Upstream) -> None:
        address = upstream.address
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._upstream = upstream
        self._open: dict[bytes, tuple[bytes, asyncio.Future[Message | None]]] = {}
        self._sent = 0
        self._is_retired = False  # set when replaced: closes with its last open query
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        try:
            self._sock.connect((address.host, address.port))
        except OSError:
            self._sock.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock.fileno(), self._on_readable)

    @property
    def is_used_up(self) -> bool:
        return self._sent >= QUERIES_PER_SOCKET

    def send(self, query: bytes) -> tuple[bytes, asyncio.Future[Message | None]]:
        """Send `query` under an id that is free here; the id and the answer to come. Raises OSError."""
        ident = secrets.token_bytes(2)
        while ident in self._open:
            ident = secrets.token_bytes(2)
        asked = ident + query[2:]
        self._sock.send(asked)
        self._sent += 1
        answer: asyncio.Future[Message | None] = self._loop.create_future()
        self._open[ident] = asked, answer
        return ident, answer

    def forget(self, ident: bytes) -> None:
        """Nobody waits for `ident` any more."""
        self._open.pop(ident, None)
        if self._is_retired and not self._open:
            self.close()

    def retire(self) -> None:
        """Close as soon as nothing is open."""
        self._is_retired = True
        if not self._open:
            self.close()

    def close(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()

    def _on_readable(self) -> None:
        for _ in range(16):  # then the loop's turn
            try:
                data = self._sock.recv(_ANSWER_SIZE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # ICMP: nobody listens there
                self._fail()
                return
            self._settle(data)

    def _settle(self, data: bytes) -> None:
        asked, answer = self._open.get(data[:2], (b"", None))
        if answer is None:
            self._upstream.rejected += 1
            return
        found = self._upstream.check(data, asked)
        if found is not None and not answer.done():
            answer.set_result(found)

    def _fail(self) -> None:
        for _, answer in self._open.values():
            if not answer.done():
                answer.set_result(None)


def query_for(query: wire.Query) -> bytes:
    """What we ask upstream for `query`: lower case, so that it meets in the cache and any server repeats it as it is;
    RD set, DO and CD as asked, our own EDNS size. The id is left zero."""
    flags = wire.FLAG_RD | query.cd * wire.FLAG_CD
    tail = query.question[len(query.name) :]
    return b"\0\0" + flags.to_bytes(2) + b"\0\1\0\0\0\0\0\1" + query.name + tail + wire.option_record(query.do)

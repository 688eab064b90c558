"""TCP connections of resolvers (RFC 7766, 9210).

A connection answers what it has read in turns: at most `TURN_QUERIES` queries and `TURN_OCTETS` of replies, written in one piece;
between two turns the loop serves others. It reads no more while queries wait for their turn, while the client does not take its
replies, or while too many of its queries are being forwarded; so what one client can make us hold is one read, one turn and the
transport's buffer. Forwarded replies follow as they come, in any order.

It ends when the client has ended and has all its replies, when it has been idle too long (less long the more there are), when
a message takes too long to come, when a client takes nothing any more, and when a newcomer needs its place and it is the one that
has been silent longest.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Iterator
from typing import cast

from tidegate.dns.desk import Desk, Send
from tidegate.dns.stream import Framing, framed

MAX_STREAMS = 1024
MAX_STREAM_QUERIES = 128  # forwarded queries one connection may have open; then it is not read
TURN_QUERIES = 64  # as many as datagrams.batch.DEPTH, for the same reason
TURN_OCTETS = 65536
IDLE_SECONDS = 10.0  # RFC 7766 6.2.3 asks for "a few seconds"; Knot's default
CROWDED = (
    (0.8, 0.5),
    (0.5, 2.0),
)  # share of MAX_STREAMS in use -> seconds, the first that fits (Unbound does the like)
MESSAGE_SECONDS = 5.0  # from a message's first octet to its last


class Streams:
    """All connections of one server, the one that was silent longest first."""

    def __init__(self) -> None:
        self._all: dict[Stream, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Stream]:
        return iter(list(self._all))

    def admit(self, stream: Stream) -> bool:
        """Take `stream` in, in another's place if need be; False if all others are at work."""
        if len(self._all) >= MAX_STREAMS:
            silent = next((other for other in self._all if not other.is_busy), None)
            if silent is None:
                return False
            silent.abort()
        self._all[stream] = None
        return True

    def touch(self, stream: Stream) -> None:
        """`stream` is not silent."""
        if stream in self._all:
            del self._all[stream]
            self._all[stream] = None

    def remove(self, stream: Stream) -> None:
        self._all.pop(stream, None)

    def idle_seconds(self) -> float:
        """How long a connection may be silent, as crowded as it is."""
        used = len(self._all) / MAX_STREAMS
        return next((seconds for share, seconds in CROWDED if used >= share), IDLE_SECONDS)


class Stream(asyncio.Protocol):
    """One connection."""

    def __init__(self, desk: Desk, streams: Streams, loop: asyncio.AbstractEventLoop) -> None:
        self._desk = desk
        self._streams = streams
        self._loop = loop
        self._framing = Framing()
        self._came = 0.0  # the desk's time at which something was read last
        self._transport: asyncio.Transport | None = None  # from connection_made to connection_lost or `abort`
        self._source = b""
        self._local = b""
        self._waiting: deque[bytes] = deque()  # messages read, in the order they came
        self._turn: asyncio.Handle | None = None  # set while a turn is due
        self._open = 0  # forwarded queries without a reply yet
        self._is_ended = False  # set by the client's FIN, or by `end`: reply to what is open, then close
        self._is_choked = False  # set while the client does not read its replies
        self.deadline = 0.0  # loop time at which `sweep` ends the connection

    @property
    def is_busy(self) -> bool:
        """Has it replies to give?"""
        return bool(self._open or self._waiting) and not self._is_choked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # what a TCP server makes; uvloop's does not inherit from it
        if not self._streams.admit(self):
            self._desk.dropped["streams"] += 1
            transport.abort()
            return
        self._transport = transport
        self._source = _packed(transport.get_extra_info("peername"))
        self._local = _packed(transport.get_extra_info("sockname"))
        self._rest()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  why it broke is the peer's business
        self._transport = None
        self._waiting.clear()
        self._streams.remove(self)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        began = self._framing.is_partial
        self._came = self._desk.clock()
        messages = self._framing.feed(data)
        if messages is None:
            self._desk.dropped["malformed"] += 1
            self.abort()
            return
        self._waiting.extend(messages)
        self._streams.touch(self)
        if not self._framing.is_partial:
            self._rest()
        elif messages or not began:
            self.deadline = self._loop.time() + MESSAGE_SECONDS
        self._work()

    def eof_received(self) -> bool:
        """Half-closed: what is open is still answered (RFC 7766 6.2.3)."""
        self._is_ended = True
        return bool(self._open or self._waiting)

    def pause_writing(self) -> None:
        self._is_choked = True
        self._go_on()

    def resume_writing(self) -> None:
        self._is_choked = False
        self._rest()
        self._go_on()

    def sweep(self, now: float) -> None:
        """End the connection if its time is up. Open queries hold an idle one for as long as they may last."""
        if now >= self.deadline and not self.is_busy:
            self.abort()

    def abort(self) -> None:
        """End at once, whatever is unsaid."""
        transport, self._transport = self._transport, None
        if transport is not None:
            self._waiting.clear()
            self._streams.remove(self)
            transport.abort()

    def retire(self) -> None:
        """Read no more; answer what has been read, close when open queries have their replies and what is written has gone."""
        self._is_ended = True
        if self._transport is not None:
            self._transport.pause_reading()
        while self._may_take():
            self._work()
        self._go_on()

    def end(self) -> None:
        """Close after what is written has gone."""
        self._is_ended = True
        if self._transport is not None:
            self._transport.close()

    def _work(self) -> None:
        """One turn."""
        self._turn = None
        replies: list[bytes] = []
        size = 0
        for _ in range(TURN_QUERIES):
            if not self._may_take() or size >= TURN_OCTETS:
                break
            reply = self._take(self._waiting.popleft())
            if reply is not None:
                replies.append(reply)
                size += len(reply)
        self._replied(replies)
        if replies:
            self._desk.durations["tcp"].add(self._desk.clock() - self._came, len(replies))
        self._go_on()

    def _may_take(self) -> bool:
        return bool(self._waiting) and not self._is_choked and self._open < MAX_STREAM_QUERIES

    def _take(self, message: bytes) -> bytes | None:
        return self._desk.take(message, self._desk.zone.asker(self._source, self._local, stream=True), self._later)

    def _later(self) -> Send:
        self._open += 1
        return self._reply_late

    def _reply_late(self, reply: bytes) -> None:
        self._open -= 1
        self._replied([reply])
        self._go_on()

    def _replied(self, replies: list[bytes]) -> None:
        if replies and self._transport is not None:
            self._transport.write(b"".join(map(framed, replies)))

    def _go_on(self) -> None:
        """Arrange what comes next: another turn, reading or not, or the end."""
        if self._transport is None:
            return
        if self._turn is None and self._may_take():
            self._turn = self._loop.call_soon(self._work)
        if self._is_ended:
            if not self._open and not self._waiting:
                self._transport.close()
        elif self._waiting or self._is_choked or self._open >= MAX_STREAM_QUERIES:
            self._transport.pause_reading()
        elif not self._transport.is_reading():
            self._transport.resume_reading()

    def _rest(self) -> None:
        """Be idle from now on, as far as deadlines go."""
        self.deadline = self._loop.time() + self._streams.idle_seconds()


def _packed(address: tuple[str, int]) -> bytes:
    host = address[0].partition("%")[0]
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)

"""HOT: one upstream server: asks over pooled UDP sockets and over TCP what was cut, or over TLS everything.

Against forged answers (RFC 5452): each socket is connected, so the kernel drops what others send; it has a random port
and is renewed after some queries; ids are random; an answer whose question is not the one asked, to the case of its
letters, is counted and left lying, the query stays open. An answer that comes too late for who asked still tells how
long this upstream takes.

Queries of one turn of the loop leave together, by one socket drawn for them: nobody outside can tell which it is, and nobody
but who could see the queries knows which of them went together (docs/decisions/0125).
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import message, wire
from tidegate.dns.bundle import DEPTH, Bundle, bundle
from tidegate.dns.entropy import Entropy
from tidegate.dns.message import Message
from tidegate.dns.standing import Standing
from tidegate.dns.tally import Durations
from tidegate.model import Nameserver

POOL = 64  # sockets, so ports, at a time
QUERIES_PER_SOCKET = 256  # then another port
MAX_OPEN = 1024  # queries without an answer yet; more are refused, not queued
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds
TIMEOUT, ERROR = "timeout", "error"  # in place of an rcode
NOT_SERVING = frozenset([wire.FORMERR, wire.NOTIMP, wire.REFUSED])  # says more of the server than of the name

_DEPTH = DEPTH

Done = Callable[["Try", "Message | None"], None]


class Try:
    """One question at one upstream. `done` is called once; with None where no answer came in time or will come."""

    __slots__ = ("asked", "cut", "done", "ident", "is_settled", "port", "sent_at", "upstream")

    def __init__(self, upstream: Upstream, asked: bytes, done: Done, now: float) -> None:
        self.upstream = upstream
        self.asked = asked  # as sent, but for the id
        self.done = done
        self.ident = b""  # under which it is out now
        self.port: Port | None = None  # where it went by UDP
        self.cut: Message | None = None  # the answer by UDP that has to be had again by TCP
        self.sent_at = now
        self.is_settled = False


class Stream(Protocol):
    """A lasting connection to the upstream."""

    def ask(self, asking: Try) -> bool:
        """Send it as soon as there is a connection; False if there is no room."""
        ...

    def forget(self, asking: Try) -> None: ...

    async def run(self) -> None: ...

    def close(self) -> None: ...


class Upstream:
    """`run` owns the sockets; `ask` works while it runs. `rejected` counts answers to questions nobody asked;
    `durations` has what became of all tries, those without an answer as well, by rcode, `timeout` or `error`."""

    def __init__(
        self, server: Nameserver, stream: Stream, seconds: float, entropy: Entropy, *, mixed_case: bool = False
    ) -> None:
        self.server = server
        self.standing = Standing()
        self.rejected = 0
        self.open = 0
        self.durations: dict[str, Durations] = {}
        self._stream = stream
        self.seconds = seconds
        self._entropy = entropy
        self._is_mixed = mixed_case
        self._is_tls = server.tls
        self._is_closed = False  # set when it is an upstream no longer
        self._ports: list[Port] = []
        self.bundle: Bundle = bundle()
        self._leaving: list[Try] = []  # what is in the bundle, in its order
        self._way_out: Port | None = None  # the socket they leave by, while there are any
        self._tries: deque[Try] = deque()  # in the order of their time-outs
        self._timer: asyncio.TimerHandle | None = None  # for the first of them
        self._loop: asyncio.AbstractEventLoop | None = None  # from the first query
        self._clock: Callable[[], float] = _no_clock  # the loop's, from the first query

    async def run(self) -> None:
        """Keep the sockets until cancelled."""
        try:
            await self._stream.run()
        finally:
            self.close()

    def close(self) -> None:
        """Give everything back, for good; open questions get None."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._stream.close()
        self._leaving.clear()
        self._way_out = None
        for port in self._ports:
            port.close()
        self._ports.clear()
        for asking in list(self._tries):
            if not asking.is_settled:
                self._end(asking, None)
        self._tries.clear()

    def ask(self, query: bytes, done: Done) -> bool:
        """Send `query`, whose id is ours to choose, in the loop's next turn; False if it cannot be sent, and `done` is never
        called."""
        if self.open >= MAX_OPEN or self._is_closed:
            return False
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._clock = self._loop.time
        now = self._clock()
        asking = Try(self, self._cased(query) if self._is_mixed else query, done, now)
        self.standing.asked(now)
        if not (self._stream.ask(asking) if self._is_tls else self._send(asking)):
            self._note(ERROR, 0.0)
            self.standing.failed(now)
            return False
        self.open += 1
        self._watch(asking)
        return True

    def check(self, data: bytes, asking: Try) -> Message | None:
        """The message in `data` if it answers `asking`, octet for octet of the question."""
        found = message.read(data)
        if found is None or not raw.stands(asking.asked, 12, found.question):
            self.rejected += 1
            return None
        return found

    def settle(self, asking: Try, found: Message) -> None:
        """`found` answers `asking`. What was cut on its way by UDP is asked for again by TCP."""
        if found.truncated and asking.cut is None and not self._is_tls:
            asking.cut = found
            if self._stream.ask(asking):
                return
        seconds = self._clock() - asking.sent_at
        self._note(wire.RCODES.get(found.rcode, "other"), seconds)
        if found.rcode in NOT_SERVING:
            self.standing.refused()
        else:
            self.standing.answered(seconds)
        self._end(asking, found)

    def fail(self, asking: Try, outcome: str = ERROR) -> None:
        """No answer will come; one that was cut is better than none."""
        now = self._clock()
        self._note(outcome, now - asking.sent_at)
        self.standing.failed(now)
        self._end(asking, asking.cut)

    def _send(self, asking: Try) -> bool:
        while self.bundle.count == _DEPTH:
            self._leave()
        port = self._way_out
        if port is None:
            try:
                port = self._port()
            except OSError:  # no route, no descriptors: as good as no answer
                return False
            self._way_out = port
            if self._loop is not None:
                self._loop.call_soon(self._flush)
        self.bundle.add(port.admit(asking), asking.asked)
        self._leaving.append(asking)
        return True

    def _flush(self) -> None:
        self._leave()
        self._way_out = None

    def _leave(self) -> None:
        """Send what is in the bundle."""
        port = self._way_out
        if port is None:
            return
        tries = self._leaving
        self._leaving = []
        for number in self.bundle.send(port.sock):
            asking = tries[number]
            if not asking.is_settled:
                port.forget(asking)
                self.fail(asking)

    def _end(self, asking: Try, found: Message | None) -> None:
        asking.is_settled = True
        self.open -= 1
        tries = self._tries
        while tries:
            first = tries[0]
            if not first.is_settled:
                break
            tries.popleft()
        asking.done(asking, found)

    def _watch(self, asking: Try) -> None:
        self._tries.append(asking)
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_at(asking.sent_at + self.seconds, self._on_timer)

    def _on_timer(self) -> None:
        """Fail what has waited long enough. All tries wait equally long, so the first is always the next."""
        self._timer = None
        due = self._clock() - self.seconds + 0.001
        tries = self._tries
        while tries:
            first = tries[0]
            if not first.is_settled and first.sent_at > due:
                break
            tries.popleft()
            if not first.is_settled:
                self._forget(first)
                self.fail(first, TIMEOUT)
        if tries and self._timer is None and self._loop is not None:
            self._timer = self._loop.call_at(tries[0].sent_at + self.seconds, self._on_timer)

    def _forget(self, asking: Try) -> None:
        if asking.port is not None:
            asking.port.forget(asking)
        if asking.port is None or asking.cut is not None:
            self._stream.forget(asking)

    def _note(self, outcome: str, seconds: float) -> None:
        found = self.durations.get(outcome)
        if found is None:
            found = self.durations[outcome] = Durations(BUCKETS)
        found.add(seconds)

    def _cased(self, query: bytes) -> bytes:
        end = wire.name_end(query, 12)
        return query[:12] + self._entropy.mixed_case(query[12:end]) + query[end:]

    def _port(self) -> Port:
        """A socket of the pool, at random, as long as it has queries left to give. Raises OSError."""
        if len(self._ports) < POOL:
            port = Port(self, self._entropy)
            self._ports.append(port)
            return port
        index = self._entropy.below(POOL)
        port = self._ports[index]
        if port.sent >= QUERIES_PER_SOCKET:
            fresh = self._ports[index] = Port(self, self._entropy)
            port.retire()
            return fresh
        return port


class Port:
    """One connected socket and the queries open on it, by id."""

    def __init__(self, upstream: Upstream, entropy: Entropy) -> None:
        server = upstream.server
        self.sent = 0
        self._upstream = upstream
        self._entropy = entropy
        self._open: dict[bytes, Try] = {}
        self._is_retired = False  # set when replaced: closes with its last open query
        self.sock = socket.socket(socket.AF_INET6 if ":" in server.host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.sock.setblocking(False)
            self.sock.connect((server.host, server.port))
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self.sock.fileno(), self._on_readable)
        except OSError:
            self.sock.close()
            raise

    def admit(self, asking: Try) -> bytes:
        """The id under which it leaves by here, which is free."""
        ident = self._entropy.ident()
        while ident in self._open:
            ident = self._entropy.ident()
        self.sent += 1
        asking.port = self
        asking.ident = ident
        self._open[ident] = asking
        return ident

    def forget(self, asking: Try) -> None:
        """Nobody waits for it any more."""
        self._open.pop(asking.ident, None)
        if self._is_retired and not self._open:
            self.close()

    def retire(self) -> None:
        """Close as soon as nothing is open."""
        self._is_retired = True
        if not self._open:
            self.close()

    def close(self) -> None:
        if self.sock.fileno() >= 0:
            self._loop.remove_reader(self.sock.fileno())
            self.sock.close()

    def _on_readable(self) -> None:
        came = self._upstream.bundle
        try:
            count = came.receive(self.sock)
        except OSError:  # ICMP: nobody listens there
            self._fail()
            return
        for index in range(count):
            self._take(came.data(index))

    def _take(self, data: bytes) -> None:
        asking = self._open.get(raw.part(data, 0, 2))
        if asking is None:
            self._upstream.rejected += 1
            return
        found = self._upstream.check(data, asking)
        if found is not None:
            self.forget(asking)
            self._upstream.settle(asking, found)

    def _fail(self) -> None:
        for asking in list(self._open.values()):
            self.forget(asking)
            self._upstream.fail(asking)


def _no_clock() -> float:
    raise AssertionError("nothing is open before the first query")


def query_for(key: bytes) -> bytes:
    """What we ask upstream for a key of the cache: lower case, so that it meets in the cache and any server repeats it
    as it is; RD set, DO and CD as asked, our own EDNS size. The id is left zero."""
    flags = key[-1]
    return b"".join((_HEADS[flags], raw.part(key, 0, len(key) - 1), _TAILS[flags]))


# By the flags of a key: 1 is DO, 2 is CD.
_HEADS = tuple(
    b"\0\0" + (wire.FLAG_RD | cd).to_bytes(2, "big") + b"\0\1\0\0\0\0\0\1" for cd in (0, 0, wire.FLAG_CD, wire.FLAG_CD)
)
_TAILS = tuple(wire.option_record(do) for do in (False, True, False, True))

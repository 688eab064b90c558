"""HOT: the desk: where UDP and TCP bring their queries, and which way each goes.

A query takes the short cut (`Zone.answer`), else the long way: parse, own zone, cache, forwarder. Only a forwarded
query outlives the callback it came in, and no task is made for it. A fault in one query is counted and costs that
query, never the socket.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import chain, wire
from tidegate.dns.account import Account
from tidegate.dns.chain import Chain
from tidegate.dns.copies import Copies
from tidegate.dns.gate import Gate
from tidegate.dns.querylog import QueryLog
from tidegate.dns.tally import Durations
from tidegate.dns.view import Asker
from tidegate.dns.zone import Zone
from tidegate.telemetry import logger

log = logger("dns")

Send = Callable[[bytes], None]

# Where a reply came from, as the query log says it.
OWN_ZONE, CACHE, FORWARD, REFUSAL = "own-zone", "cache", "forward", "refused"
_OWN_ZONE, _REFUSAL = OWN_ZONE, REFUSAL


class Forwarder(Protocol):
    """Who resolves foreign names."""

    def copies(self, shape: int) -> Copies | None:
        """What the cache has ready to go out now, in a zone of this shape."""
        ...

    def recall(self, data: bytes, asker: Asker, shape: int) -> bytes | None:
        """The reply from the cache to a well-formed query, if its name was foreign in a zone of this shape."""
        ...

    def take(self, query: wire.Query, room: int, shape: int, send: Callable[[], Send]) -> bytes | None:
        """The reply to a query for a foreign name; None if it is to come: then `send()` has been called for the way
        back, which is used in any case and in time."""
        ...

    @property
    def answering(self) -> str:
        """Whose answer is being sent, while a way back is used; empty where it is no upstream's."""
        ...

    def reload(self) -> bool:
        """Learn whom to ask; from here on names can be resolved. True if something is new."""
        ...

    async def run(self) -> None:
        """Own the upstream sockets until cancelled."""
        ...

    def counters(self) -> dict[str, int]: ...

    def report(self, account: Account) -> None:
        """Tell what happened."""
        ...


class Errand:
    """One query on the long way: who asked, how long it was in octets, when it came (of `Desk.clock`), and the way back once it
    waits. Called with the reply that came."""

    __slots__ = ("_desk", "_send", "_to_send", "asker", "began", "query", "size")

    def __init__(
        self, desk: Desk, query: wire.Query, asker: Asker, size: int, began: float, to_send: Callable[[], Send]
    ) -> None:
        self.query = query
        self.asker = asker
        self.size = size
        self.began = began
        self._desk = desk
        self._to_send = to_send
        self._send: Send | None = None  # from `waits`

    def waits(self) -> Send:
        """The reply is to come: the way back for it."""
        self._send = self._to_send()
        self._desk.opened()
        return self

    def __call__(self, reply: bytes) -> None:
        assert self._send is not None, "only who waits gets a reply later"
        self._send(self._desk.arrived(self, reply))


class Desk:
    """Takes queries from the sockets and sees that each gets its reply, at once or later through `send`. Strangers come
    through `gate`, if there is one.

    `durations` are the times of replies, by protocol; those that go out at once are added by the socket that sends them.
    """

    def __init__(
        self,
        zone: Zone,
        forwarder: Forwarder | None,
        log: QueryLog | None = None,
        clock: Callable[[], float] = time.perf_counter,
        gate: Gate | None = None,
    ) -> None:
        self.zone = zone
        self.log = log
        self.clock = clock
        self.gate = gate
        self.dropped: Counter[str] = Counter()  # reason -> queries without a reply
        self.blocked = 0  # queries for foreign names of who may not have them
        self.durations = {"udp": Durations(), "tcp": Durations()}
        self._open = 0  # forwarded queries without a reply yet
        self._idle = asyncio.Event()  # set while there are none
        self._idle.set()
        self._forwarder = forwarder

    def take(self, data: bytes, asker: Asker, send: Callable[[], Send]) -> bytes | None:
        """The reply to `data`; None if there is none, or not yet: then `send()` is called for the way back.

        Never raises: a fault of ours in one query is logged, counted and answered by silence.
        """
        try:
            held = self.gate.held(data, asker) if asker.limited and self.gate is not None else None
            if held is not None:
                return held or None
            if self.log is not None:
                return self._noted(self.log, data, asker, send)
            return self.zone.answer(data, asker) or self.long_way(data, asker, send)
        except Exception:  # noqa: BLE001  the socket must outlive any fault in one query
            self.fault("query not answered")
            return None

    def long_way(self, data: bytes, asker: Asker, send: Callable[[], Send]) -> bytes | None:
        """As `take`, for what is not prepared. May raise."""
        began = self.clock()
        if self._forwarder is not None:
            reply = self._forwarder.recall(data, asker, self.zone.shape)
            if reply is not None:
                if self.log is not None:
                    self.log.note(reply, asker, CACHE, reply[3] & 15, self.clock() - began)
                return self._recalled(data, asker, reply)
        query = wire.parse(data)
        if query is None:
            self.dropped["malformed"] += 1
            return None
        if query.cookie and self.zone.jar is not None:
            query.options = self.zone.jar.option(query.cookie, asker.source)
        errand = Errand(self, query, asker, len(data), began, send)
        if query.rcode:
            return self._refusal(errand, query.rcode, wire.reason(query))
        if not query.question:
            return self._cookie_alone(errand)
        leaving = self.zone.leaving(query)
        if leaving is not None and self._forwarder is not None and asker.recursion and query.rd:
            return self._follow(self._forwarder, errand, leaving)
        reply = self.zone.resolve(query, asker)
        if reply is not None:
            return self._settled(errand, reply, OWN_ZONE, reply[3] & 15)
        return self._foreign(errand)

    def copies(self) -> Copies | None:
        """Foreign answers that can go out as they are, until the callback ends."""
        return None if self._forwarder is None else self._forwarder.copies(self.zone.shape)

    async def settle(self, seconds: float) -> None:
        """Wait until every query that was taken has its reply, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    def opened(self) -> None:
        """A reply is to come."""
        self._open += 1
        if self._open == 1:
            self._idle.clear()

    def arrived(self, errand: Errand, reply: bytes) -> bytes:
        """It has come, and goes out now."""
        self._open -= 1
        if not self._open:
            self._idle.set()
        found = self._settled(errand, reply, FORWARD, reply[3] & 15)
        durations = self.durations[errand.asker.protocol]
        durations.add(self.clock() - errand.began)
        return found

    def fault(self, what: str) -> None:
        """Note the fault of ours that is being handled."""
        self.dropped["fault"] += 1
        log.exception(what)  # noqa: LOG004  called from handlers only

    def _noted(self, notes: QueryLog, data: bytes, asker: Asker, send: Callable[[], Send]) -> bytes | None:
        """As `take`, where queries are logged: the long way notes its own."""
        began = self.clock()
        reply = self.zone.answer(data, asker)
        if reply is None:
            return self.long_way(data, asker, send)
        notes.note(reply, asker, OWN_ZONE, reply[3] & 15, self.clock() - began)
        return reply

    def _foreign(self, errand: Errand) -> bytes | None:
        """Names of others: only for those who may, and only on request (no looking into the cache, RFC 8906)."""
        query, asker = errand.query, errand.asker
        if self._forwarder is None or not query.rd:
            return self._refusal(errand, wire.REFUSED, wire.EDE_NOT_AUTHORITATIVE)
        if not asker.recursion:
            return self._refusal(errand, wire.REFUSED, wire.EDE_PROHIBITED)
        if query.qtype == wire.ANY:
            return self._refusal(errand, wire.REFUSED, wire.EDE_NOT_SUPPORTED)
        room = wire.limit(query, asker.stream)
        reply = self._forwarder.take(query, room, self.zone.shape, errand.waits)
        return None if reply is None else self._settled(errand, reply, CACHE, reply[3] & 15)

    def _follow(self, forwarder: Forwarder, errand: Errand, leaving: Chain) -> bytes | None:
        """A name of ours that stands for a foreign one: ask for that, and put its answer behind our records."""
        query = errand.query
        room = wire.limit(query, errand.asker.stream)

        def later() -> Send:
            way_back = errand.waits()
            return lambda found: way_back(chain.joined(query, leaving, found, room))

        asked = chain.onward(query, leaving.name)
        found = forwarder.take(asked, wire.STREAM_SIZE, self.zone.shape, later)
        if found is None:
            return None
        reply = chain.joined(query, leaving, found, room)
        return self._settled(errand, reply, CACHE, reply[3] & 15)

    def _recalled(self, data: bytes, asker: Asker, reply: bytes) -> bytes:
        """As `_settled` for what the cache had ready, of which only the octets are known."""
        end = raw.zero_at(data, 12)
        tally = self.zone.tallies.of(data[end + 1] << 8 | data[end + 2], reply[3] & 15)
        tally.add(asker.lane)
        do = bool(data[11]) and bool(data[end + 12] & 0x80)
        meter = self.zone.tcp_meter if asker.stream else self.zone.udp_meter
        meter.add(len(data), len(reply), do)
        return reply

    def _cookie_alone(self, errand: Errand) -> bytes:
        """A client asks for nothing but our cookie (RFC 7873 5.4); without a jar a query with no question is none."""
        return self._refusal(errand, wire.NOERROR if self.zone.jar is not None else wire.FORMERR)

    def _refusal(self, errand: Errand, rcode: int, ede: int | None = None) -> bytes:
        reply = wire.reply(errand.query, rcode, ra=errand.asker.recursion, ede=ede)
        return self._settled(errand, reply, REFUSAL, rcode)

    def _settled(self, errand: Errand, reply: bytes, source: str, rcode: int) -> bytes:
        """The reply, counted and noted; answers of our zone have been tallied there."""
        query, asker = errand.query, errand.asker
        if source is _REFUSAL and not query.rcode and self.zone.recursion and not asker.recursion:
            self.blocked += 1
        if source is not _OWN_ZONE:
            tally = self.zone.tallies.of(query.qtype, rcode)
            tally.add(asker.lane)
        meter = self.zone.tcp_meter if asker.stream else self.zone.udp_meter
        meter.add(errand.size, len(reply), query.do)
        if self.log is not None:
            by = self._forwarder.answering if source == FORWARD and self._forwarder is not None else ""
            self.log.note(reply, asker, source, rcode, self.clock() - errand.began, by)
        return reply

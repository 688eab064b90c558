"""The desk: where UDP and TCP bring their queries, and which way each goes.

A query takes the short cut (`Zone.answer`), else the long way: parse, own zone, cache, forwarder. Only a forwarded
query outlives the callback it came in, and no task is made for it. A fault in one query is counted and costs that
query, never the socket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from tidegate.dns import chain, wire
from tidegate.dns.chain import Chain
from tidegate.dns.view import Asker
from tidegate.dns.zone import Zone
from tidegate.telemetry import logger

log = logger("dns")

Send = Callable[[bytes], None]


class Forwarder(Protocol):
    """Who resolves foreign names."""

    def recall(self, data: bytes, asker: Asker, shape: int) -> bytes | None:
        """The reply from the cache to a well-formed query, if its name was foreign in a zone of this shape."""
        ...

    def take(self, query: wire.Query, room: int, shape: int, send: Callable[[], Send]) -> bytes | None:
        """The reply to a query for a foreign name; None if it is to come: then `send()` has been called for the way
        back, which is used in any case and in time."""
        ...

    async def run(self) -> None:
        """Own the upstream sockets until cancelled."""
        ...

    def counters(self) -> dict[str, int]: ...


class Desk:
    """Takes queries from the sockets and sees that each gets its reply, at once or later through `send`."""

    def __init__(self, zone: Zone, forwarder: Forwarder | None) -> None:
        self.zone = zone
        self.refused: Counter[str] = Counter()  # rcode -> replies that only carry it
        self.dropped: Counter[str] = Counter()  # reason -> queries without a reply
        self._forwarder = forwarder

    def take(self, data: bytes, asker: Asker, send: Callable[[], Send]) -> bytes | None:
        """The reply to `data`; None if there is none, or not yet: then `send()` is called for the way back.

        Never raises: a fault of ours in one query is logged, counted and answered by silence.
        """
        try:
            return self.zone.answer(data, asker) or self._long_way(data, asker, send)
        except Exception:  # noqa: BLE001  the socket must outlive any fault in one query
            self.fault("query not answered")
            return None

    def fault(self, what: str) -> None:
        """Note the fault of ours that is being handled."""
        self.dropped["fault"] += 1
        log.exception(what)  # noqa: LOG004  called from handlers only

    def _long_way(self, data: bytes, asker: Asker, send: Callable[[], Send]) -> bytes | None:
        if self._forwarder is not None:
            reply = self._forwarder.recall(data, asker, self.zone.shape)
            if reply is not None:
                return reply
        query = wire.parse(data)
        if query is None:
            self.dropped["malformed"] += 1
            return None
        if query.rcode:
            return self._refusal(query, query.rcode, asker)
        leaving = self.zone.leaving(query)
        if leaving is not None and self._forwarder is not None and asker.recursion and query.rd:
            return self._follow(self._forwarder, query, leaving, asker, send)
        reply = self.zone.resolve(query, asker)
        return reply if reply is not None else self._foreign(query, asker, send)

    def _foreign(self, query: wire.Query, asker: Asker, send: Callable[[], Send]) -> bytes | None:
        """Names of others: only for those who may, and only on request (no looking into the cache, RFC 8906)."""
        if self._forwarder is None or not asker.recursion or not query.rd or query.qtype == wire.ANY:
            return self._refusal(query, wire.REFUSED, asker)
        room = wire.limit(query, asker.stream)
        return self._forwarder.take(query, room, self.zone.shape, send)

    def _follow(
        self, forwarder: Forwarder, query: wire.Query, leaving: Chain, asker: Asker, send: Callable[[], Send]
    ) -> bytes | None:
        """A name of ours that stands for a foreign one: ask for that, and put its answer behind our records."""
        room = wire.limit(query, asker.stream)

        def later() -> Send:
            way_back = send()
            return lambda found: way_back(chain.joined(query, leaving, found, room))

        asked = chain.onward(query, leaving.name)
        reply = forwarder.take(asked, wire.STREAM_SIZE, self.zone.shape, later)
        return None if reply is None else chain.joined(query, leaving, reply, room)

    def _refusal(self, query: wire.Query, rcode: int, asker: Asker) -> bytes:
        self.refused[wire.RCODES[rcode]] += 1
        return wire.reply(query, rcode, ra=asker.recursion)

"""The gate for queries from strangers by UDP: who may have forged its source gets no more than the rate.

Who is trusted never comes here, nor does TCP, whose source is proven. A server cookie proves it too, so it passes above the
rate; a client that could have one is told to come back with it (BADCOOKIE, RFC 7873 5.2.3), any other to come by TCP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tidegate.dns import wire
from tidegate.dns.cookie import Jar
from tidegate.dns.rate import Rates
from tidegate.dns.view import Asker

SILENCE = b""


class Gate:
    """Holds back what is above `rates`. `clock` gives seconds; `counts` what became of queries above the rate."""

    def __init__(self, rates: Rates, jar: Jar | None, clock: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()
        self._rates = rates
        self._jar = jar
        self._clock = clock

    def held(self, data: bytes, asker: Asker) -> bytes | None:
        """None lets `data` pass; else what it gets instead, which may be `SILENCE`."""
        now = self._clock()
        if self._rates.admits(asker.source, now):
            return None
        query = wire.parse(data)
        if query is None:
            return None  # gets no answer anyway
        if query.cookie and self._jar is not None and self._jar.is_ours(query.cookie, asker.source):
            self.counts["proven"] += 1
            return None
        if query.rcode or not query.question or not self._rates.slips(asker.source, now):
            self.counts["dropped"] += 1
            return SILENCE
        return self._told(query, asker)

    def _told(self, query: wire.Query, asker: Asker) -> bytes:
        if query.cookie and self._jar is not None:
            self.counts["badcookie"] += 1
            query.options = self._jar.option(query.cookie, asker.source)
            return wire.reply(query, wire.BADCOOKIE)
        self.counts["truncated"] += 1
        return wire.assemble(query, wire.FLAG_TC, wire.NOERROR, wire.limit(query, stream=False))

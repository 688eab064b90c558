"""HOT: counts of replies. Counted: every one; guarded by bench/micro/dns_answer.py.

Plain integers, counted where a reply is made and summed when somebody asks (`account`). A *lane* is how a query came:
UDP over IPv4 and IPv6, then TCP over both.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from tidegate.dns import wire

LANES = (("udp", "1"), ("udp", "2"), ("tcp", "1"), ("tcp", "2"))  # protocol and address family as CoreDNS writes them
SIZES = (64, 128, 256, 512, 1232, 4096)  # bounds of the buckets for messages, in octets; one more bucket is above
SECONDS = (5e-05, 0.0001, *(0.00025 * 2**power for power in range(15)))  # of those for times: CoreDNS', and two below

_KINDS = {number: name for name, number in wire.TYPES.items()}


class Tally:
    """How many replies of one kind (question type, rcode) were given, by lane."""

    __slots__ = ("kind", "rcode", "tcp4", "tcp6", "udp4", "udp6")

    def __init__(self, kind: str, rcode: int) -> None:
        self.kind = kind
        self.rcode = rcode
        self.udp4 = self.udp6 = self.tcp4 = self.tcp6 = 0

    def add(self, lane: int) -> None:
        """Count one reply; `lane` is an index into `LANES`."""
        if lane == 0:
            self.udp4 += 1
        elif lane == 1:
            self.udp6 += 1
        elif lane == 2:
            self.tcp4 += 1
        else:
            self.tcp6 += 1

    def lanes(self) -> tuple[int, int, int, int]:
        """The counts in the order of `LANES`."""
        return self.udp4, self.udp6, self.tcp4, self.tcp6

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.lanes())


class Sizes:
    """How many messages fell into each bucket of `SIZES`, and their octets together."""

    __slots__ = ("above", "at64", "at128", "at256", "at512", "at1232", "at4096", "total")

    def __init__(self) -> None:
        self.at64 = self.at128 = self.at256 = self.at512 = self.at1232 = self.at4096 = self.above = self.total = 0

    def add(self, size: int) -> None:
        """Count one message."""
        self.total += size
        if size <= 64:
            self.at64 += 1
        elif size <= 128:
            self.at128 += 1
        elif size <= 256:
            self.at256 += 1
        elif size <= 512:
            self.at512 += 1
        elif size <= 1232:
            self.at1232 += 1
        elif size <= 4096:
            self.at4096 += 1
        else:
            self.above += 1

    def counts(self) -> tuple[int, ...]:
        """The counts per bucket."""
        return self.at64, self.at128, self.at256, self.at512, self.at1232, self.at4096, self.above


class Meter:
    """What went through by one protocol: sizes of queries that got a reply, of replies, and how many had the DO bit."""

    __slots__ = ("do", "queries", "replies")

    def __init__(self) -> None:
        self.queries = Sizes()
        self.replies = Sizes()
        self.do = 0

    def add(self, query: int, reply: int, do: bool) -> None:
        """Count one query and its reply, by their octets."""
        self.queries.add(query)
        self.replies.add(reply)
        if do:
            self.do += 1


class Durations:
    """How many times fell into each bucket of `bounds`, and their sum. Off the hot path: once a batch at most."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """Count `times` queries that took so long each."""
        place = bisect_left(self.bounds, seconds)
        self.counts[place] += times
        self.total += seconds * times


class Tallies:
    """All tallies of a zone: a bounded set, since types that nobody knows are all `other`."""

    def __init__(self) -> None:
        self._by_kind: dict[int, Tally] = {}

    def of(self, qtype: int, rcode: int) -> Tally:
        """The tally of such replies."""
        key = (qtype if qtype in _KINDS else 0) << 8 | rcode
        found = self._by_kind.get(key)
        if found is None:
            found = self._by_kind[key] = Tally(_KINDS.get(qtype, "other"), rcode)
        return found

    def all(self) -> list[Tally]:
        """Those that were asked for so far."""
        return list(self._by_kind.values())

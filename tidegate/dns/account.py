"""What the DNS server tells of itself: counts that are kept where they happen, read once a second, told as growth.

The names are CoreDNS' under our prefix, so that its dashboards need only that changed. No label ever has a name that was
asked for: types and codes are bounded sets, upstreams are those of the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from tidegate.dns import wire
from tidegate.dns.standing import Standing, State
from tidegate.dns.tally import LANES, SIZES, Durations, Meter, Sizes, Tally
from tidegate.telemetry import Metrics

_NO_ANSWER = ("timeout", "error")

_Key = tuple[str, tuple[tuple[str, str], ...]]


class Book(Protocol):
    """What is read of a zone."""

    udp_meter: Meter
    tcp_meter: Meter

    @property
    def tallies(self) -> Tallying: ...


class Tallying(Protocol):
    """All tallies."""

    def all(self) -> list[Tally]: ...


class Asked(Protocol):
    """What is read of an upstream: who it is, how long tries took by rcode, and whether it is asked."""

    @property
    def server(self) -> object: ...

    @property
    def standing(self) -> Standing: ...

    @property
    def durations(self) -> Mapping[str, Durations]: ...


class Account:
    """Gives `metrics` what was added since the last time."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._told: dict[_Key, float] = {}
        self._spread: dict[_Key, tuple[tuple[int, ...], float]] = {}

    def zone(self, book: Book) -> None:
        """Replies by kind and by lane, and the sizes of messages."""
        tallies = book.tallies.all()
        for (kind, rcode), total in _responses(tallies).items():
            self.count("tidegate_dns_responses_total", total, type=kind, rcode=wire.RCODES.get(rcode, "other"))
        for (kind, lane), total in _requests(tallies).items():
            protocol, family = LANES[lane]
            self.count("tidegate_dns_requests_total", total, proto=protocol, family=family, type=kind)
        for protocol, meter in (("udp", book.udp_meter), ("tcp", book.tcp_meter)):
            self._sizes("tidegate_dns_request_size_bytes", meter.queries, protocol)
            self._sizes("tidegate_dns_response_size_bytes", meter.replies, protocol)
        self.count("tidegate_dns_do_requests_total", book.udp_meter.do + book.tcp_meter.do)

    def desk(self, durations: Mapping[str, Durations], dropped: Mapping[str, int], blocked: int = 0) -> None:
        """How long replies took, by protocol, what got none, by reason, and who was refused foreign names."""
        self.count("tidegate_dns_acl_blocked_requests_total", blocked)
        for protocol, found in durations.items():
            self.times("tidegate_dns_request_duration_seconds", found, proto=protocol)
        for reason, total in dropped.items():
            self.count("tidegate_dns_dropped_total", total, reason=reason)

    def forwarder(self, counters: Mapping[str, int], cached: tuple[int, int], upstreams: Iterable[Asked]) -> None:
        """What became of foreign names; `cached` are the cache's entries and octets."""
        for outcome, total in counters.items():
            self.count("tidegate_dns_forward_total", total, outcome=outcome)
        said = counters.get
        hits, stale = said("cached", 0), said("stale", 0)
        self.count("tidegate_dns_cache_hits_total", hits)
        self.count("tidegate_dns_cache_requests_total", hits + stale + said("answered", 0) + said("failed", 0))
        self.count("tidegate_dns_cache_prefetch_total", said("prefetched", 0))
        self.count("tidegate_dns_cache_served_stale_total", stale)
        self.count("tidegate_dns_cache_evictions_total", said("evicted", 0))
        self.count("tidegate_dns_forward_max_concurrent_rejects_total", said("overload", 0))
        self._metrics.gauge("tidegate_dns_cache_entries", cached[0])
        self._metrics.gauge("tidegate_dns_cache_size_bytes", cached[1])
        for each in upstreams:
            self._upstream(each, str(each.server))

    def _upstream(self, asked: Asked, to: str) -> None:
        """Tries by what came of them, those without an answer too: an outage must not be invisible."""
        silent = 0
        for outcome, found in asked.durations.items():
            name = "tidegate_dns_proxy_request_duration_seconds"
            self.spread(name, found.bounds, found.counts, found.total, to=to, rcode=outcome)
            silent += sum(found.counts) if outcome in _NO_ANSWER else 0
        self.count("tidegate_dns_proxy_healthcheck_failures_total", silent, to=to)
        self._metrics.gauge("tidegate_dns_proxy_up", int(asked.standing.state is State.UP), to=to)

    def times(self, name: str, found: Durations, **labels: str) -> None:
        """A histogram of times stands at `found`."""
        self.spread(name, found.bounds, found.counts, found.total, **labels)

    def _sizes(self, name: str, sizes: Sizes, protocol: str) -> None:
        self.spread(name, SIZES, sizes.counts(), sizes.total, proto=protocol)

    def count(self, name: str, total: float, **labels: str) -> None:
        """A count that only grows stands at `total`."""
        key = (name, tuple(labels.items()))
        added = total - self._told.get(key, 0)
        if added:
            self._told[key] = total
            self._metrics.count(name, added, **labels)

    def spread(self, name: str, bounds: Sequence[float], counts: Sequence[int], total: float, **labels: str) -> None:
        """A histogram stands at `counts`."""
        key = (name, tuple(labels.items()))
        before, sum_before = self._spread.get(key, ((0,) * len(counts), 0.0))
        added = [new - old for old, new in zip(before, counts, strict=True)]
        if any(added):
            self._spread[key] = (tuple(counts), total)
            self._metrics.spread(name, bounds, added, total - sum_before, **labels)


def _responses(tallies: Iterable[Tally]) -> dict[tuple[str, int], int]:
    return {(each.kind, each.rcode): each.count for each in tallies}


def _requests(tallies: Iterable[Tally]) -> dict[tuple[str, int], int]:
    """Kind and lane -> replies of any code."""
    found: dict[tuple[str, int], int] = {}
    for each in tallies:
        for lane, count in enumerate(each.lanes()):
            found[each.kind, lane] = found.get((each.kind, lane), 0) + count
    return found

"""The traffic of one version of a service between two looks, from what the routers of all nodes counted: requests per second, requests
in flight, and how long the slowest twentieth took. Counters that restarted with their node begin its span anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from tidegate.control.figures import Counted
from tidegate.control.metrics import BUCKETS
from tidegate.control.traffic import Traffic
from tidegate.elasticity import Metric
from tidegate.routing import RoutingTable
from tidegate.value import Value

SHARE = 0.95
_LEAST_SECONDS = 0.5  # workers report once a second


class Paced(Value):
    """Figures since the last look, of all nodes together; `new` are nodes whose span begins only now, which are not in them."""

    figures: dict[Metric, float] = {}
    new: tuple[str, ...] = ()


class _Mark(Value):
    """One node at its last report: what it had counted, and of the span before requests per second and requests by their time;
    None where the span begins here."""

    counted: Counted
    span: tuple[float, tuple[int, ...]] | None = None


class Pace:
    """Remembers what was counted at the last look, by service and version, then by node. `traffic` is that of our own routers."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._marks: dict[tuple[str, str], dict[str, _Mark]] = {}

    def of(self, service: str, version: str, counted: Mapping[str, Counted]) -> Paced:
        """Figures since the last call, from what each node counted; none at the first. Of a node that did not report anew, the last ones."""
        marks = self._marks.setdefault((service, version), {})
        marks |= {node: _after(marks.get(node), now) for node, now in counted.items()}
        spans = {node: marks[node].span for node in counted}
        known = [span for span in spans.values() if span is not None]
        new = tuple(sorted(node for node, span in spans.items() if span is None))
        flying = sum(each.in_flight for each in counted.values())
        return Paced(figures=_together(known, flying) if known else {}, new=new)

    def waiting(self, service: str, table: RoutingTable) -> int:
        """Requests to our own routers on routes to this service alone: while nobody of it runs, these are all held."""
        routes = (
            id_ for id_, route in table.routes.items() if {backend.service for backend in route.backends} == {service}
        )
        flying = self._traffic.in_flight()
        return sum(flying.get(("route", (id_,)), 0) for id_ in routes)

    def forget(self, service: str) -> None:
        """The service is not looked at any more."""
        for key in [key for key in self._marks if key[0] == service]:
            del self._marks[key]


def percentile(counts: Sequence[int], share: float) -> float:
    """The time in seconds that `share` of the counted took at most, within its bucket as if evenly spread; the last bound for
    what is above it, 0 for nothing."""
    wanted, below, low = share * sum(counts), 0, 0.0
    for count, high in zip(counts, BUCKETS, strict=False):
        if count and below + count >= wanted:
            return low + (high - low) * (wanted - below) / count
        below, low = below + count, high
    return BUCKETS[-1] if sum(counts) else 0.0


def _after(mark: _Mark | None, now: Counted) -> _Mark:
    """The mark after a node said this."""
    if mark is None:
        return _Mark(counted=now)
    before = mark.counted
    grown = tuple(new - old for new, old in zip_longest(now.buckets, before.buckets, fillvalue=0))
    if now.requests < before.requests or now.at < before.at or any(each < 0 for each in grown):
        return _Mark(counted=now)
    seconds = now.at - before.at
    if seconds < _LEAST_SECONDS:
        return mark
    return _Mark(counted=now, span=((now.requests - before.requests) / seconds, grown))


def _together(spans: Sequence[tuple[float, tuple[int, ...]]], flying: int) -> dict[Metric, float]:
    """Nobody waits where nobody came; where requests hang and none was answered, nothing is known of how long they take."""
    found = {Metric.REQUESTS: sum(rate for rate, _ in spans), Metric.IN_FLIGHT: float(flying)}
    grown = [sum(column) for column in zip_longest(*(buckets for _, buckets in spans), fillvalue=0)]
    if found[Metric.REQUESTS]:
        found[Metric.P95] = percentile(grown, SHARE)
    elif not flying:
        found[Metric.P95] = 0.0
    return found

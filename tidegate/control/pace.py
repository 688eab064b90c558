"""The traffic of one version of a service between two looks, from what the workers counted: requests per second, requests in
flight, and how long the slowest twentieth took. Counters that restarted with us begin the span anew."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.control.metrics import BUCKETS
from tidegate.control.traffic import Traffic, histograms
from tidegate.elasticity import Metric
from tidegate.routing import RoutingTable

SHARE = 0.95
_LEAST_SECONDS = 0.5  # workers report once a second


class Pace:
    """Remembers what was counted at the last look, by service and version."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._before: dict[tuple[str, str], tuple[float, int, Sequence[int]]] = {}
        self._last: dict[tuple[str, str], dict[Metric, float]] = {}

    def of(self, service: str, version: str) -> dict[Metric, float]:
        """Figures since the last call; empty at the first. Where no report came since then, the last ones."""
        key = (service, version)
        found, self._before[key] = self._since(key)
        self._last[key] = found
        flying = self._traffic.in_flight().get(("service", key), 0)
        return found and {**found, Metric.IN_FLIGHT: float(flying), **_latency(found, flying)}

    def waiting(self, service: str, table: RoutingTable) -> int:
        """Requests on routes to this service alone: while nobody of it runs, these are all held."""
        routes = (
            id_ for id_, route in table.routes.items() if {backend.service for backend in route.backends} == {service}
        )
        flying = self._traffic.in_flight()
        return sum(flying.get(("route", (id_,)), 0) for id_ in routes)

    def forget(self, service: str) -> None:
        """The service is not looked at any more."""
        for key in [key for key in self._before if key[0] == service]:
            del self._before[key]
            self._last.pop(key, None)

    def _since(self, key: tuple[str, str]) -> tuple[dict[Metric, float], tuple[float, int, Sequence[int]]]:
        now, at = self._counted(key), self._traffic.measured_at()
        before = self._before.get(key)
        if before is None or now[0] < before[1]:
            return {}, (at, *now)
        seconds = at - before[0]
        if seconds < _LEAST_SECONDS:
            return self._last.get(key, {}), before
        requests = now[0] - before[1]
        found = {Metric.REQUESTS: requests / seconds}
        if requests:
            grown = [new - old for new, old in zip(now[1], before[2], strict=True)]
            found[Metric.P95] = percentile(grown, SHARE)
        return found, (at, *now)

    def _counted(self, key: tuple[str, str]) -> tuple[int, Sequence[int]]:
        columns = self._traffic.columns("service", key)
        if columns is None:
            return 0, (0,) * (len(BUCKETS) + 1)
        return columns[0], tuple(histograms(columns)[1])


def percentile(counts: Sequence[int], share: float) -> float:
    """The time in seconds that `share` of the counted took at most, within its bucket as if evenly spread; the last bound for
    what is above it, 0 for nothing."""
    wanted, below, low = share * sum(counts), 0, 0.0
    for count, high in zip(counts, BUCKETS, strict=False):
        if count and below + count >= wanted:
            return low + (high - low) * (wanted - below) / count
        below, low = below + count, high
    return BUCKETS[-1] if sum(counts) else 0.0


def _latency(found: dict[Metric, float], flying: int) -> dict[Metric, float]:
    """Nobody waits where nobody came; where requests hang and none was answered, nothing is known."""
    return {} if Metric.P95 in found or flying else {Metric.P95: 0.0}

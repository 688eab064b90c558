"""What the workers' routers counted, per route and per endpoint: columns of integers, added as they come, rendered when
asked. Kept apart from the registry because there may be ten thousand of them a second.

A column set is `[requests, received, sent, duration_us, *classes, *buckets]` as in `router.counters`. An endpoint that is
gone keeps its series for a while, so that the last scrape sees it, and is then forgotten; a route likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import add

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from tidegate.control.metrics import BUCKETS

CLASSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
COLUMNS = 4 + len(CLASSES) + len(BUCKETS) + 1
FORGET_SECONDS = 900.0
_LABELS = {"route": ("route",), "endpoint": ("service", "version", "endpoint")}


class Traffic:
    """Sums over all workers and all their lives. `clock` is monotonic."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sums: dict[str, dict[tuple[str, ...], list[int]]] = {kind: {} for kind in _LABELS}
        self._seen: dict[tuple[str, tuple[str, ...]], float] = {}
        self._swept = clock()

    def add(self, kind: str, key: tuple[str, ...], columns: Sequence[int]) -> None:
        """Add what one worker counted. Columns of another shape (a worker of another version) are left out."""
        if len(columns) != COLUMNS or kind not in self._sums:
            return
        now = self._clock()
        sums = self._sums[kind]
        before = sums.get(key)
        sums[key] = list(columns) if before is None else list(map(add, before, columns))
        self._seen[kind, key] = now
        if now - self._swept > FORGET_SECONDS / 10:
            self._swept = now
            self._forget(now - FORGET_SECONDS)

    def columns(self, kind: str, key: tuple[str, ...]) -> Sequence[int] | None:
        """The sums of one route or endpoint, or None."""
        return self._sums[kind].get(key)

    def families(self) -> Iterable[Metric]:
        """Everything as metric families."""
        for kind, sums in self._sums.items():
            yield from _families(kind, sums)

    def _forget(self, before: float) -> None:
        for kind, key in [each for each, seen in self._seen.items() if seen < before]:
            del self._seen[kind, key]
            del self._sums[kind][key]


def _families(kind: str, sums: dict[tuple[str, ...], list[int]]) -> Iterator[Metric]:
    labels = _LABELS[kind]
    name = f"tidegate_router_{kind}"
    requests = CounterMetricFamily(f"{name}_requests", f"Requests answered, by {kind}.", labels=[*labels, "code"])
    received = CounterMetricFamily(f"{name}_received_bytes", f"Request body bytes, by {kind}.", labels=labels)
    sent = CounterMetricFamily(f"{name}_sent_bytes", f"Response body bytes, by {kind}.", labels=labels)
    duration = HistogramMetricFamily(
        f"{name}_request_duration_seconds", f"Time from a request's head to its last byte, by {kind}.", labels=labels
    )
    for key, columns in sums.items():
        for code, amount in zip(CLASSES, columns[4 : 4 + len(CLASSES)], strict=True):
            if amount:
                requests.add_metric([*key, code], amount)
        received.add_metric(key, columns[1])
        sent.add_metric(key, columns[2])
        duration.add_metric(key, buckets=_cumulated(columns[4 + len(CLASSES) :]), sum_value=columns[3] / 1e6)
    yield from (requests, received, sent, duration)


def _cumulated(counts: Sequence[int]) -> list[tuple[str, int]]:
    running = 0
    buckets = []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        running += count
        buckets.append((bound, running))
    return buckets

"""Which endpoints the workers' passive health has taken out, as they last told, and how often that happened.

Each worker judges by its own traffic, so an endpoint may be out in one and in service in another. Like a gauge, what a
worker says replaces what it said before, and a worker that has said nothing for `STALE_SECONDS` is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from tidegate.control.gauges import STALE_SECONDS
from tidegate.control.helps import HELPS
from tidegate.control.metrics import MAX_LABEL_SETS
from tidegate.control.traffic import FORGET_SECONDS, LABELS, Key, Known
from tidegate.value import Value

METRIC = "tidegate_router_ejections_total"


class Out(Value, frozen=True):
    """An endpoint that gets nothing from `workers` of the `of` workers that report. `until` is when the last of them offers
    it a request again, in seconds since the epoch, as exact as a report a second is."""

    workers: int
    of: int
    until: float


class Ejections:
    """`clock` is monotonic, `wall` gives seconds since the epoch, `known` tells which endpoints are still in the table."""

    def __init__(
        self,
        clock: Callable[[], float],
        wall: Callable[[], float],
        known: Known = lambda _kind, _keys: set(),
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._known = known
        self._told: dict[tuple[int, int], tuple[float, dict[str, float]]] = {}  # worker -> when, endpoint -> until
        self._totals: dict[Key, tuple[float, int]] = {}  # labels -> when it last grew, number

    def take(
        self, slot: int, pid: int, ejected: Iterable[tuple[str, float]], grown: Iterable[tuple[Key, int]] = ()
    ) -> None:
        """What one worker process says now: (endpoint id, seconds left) of all it has taken out, and by how much the number
        of ejections grew since its last report, by labels."""
        now, wall = self._clock(), self._wall()
        self._told[slot, pid] = (now, {endpoint: wall + max(0.0, seconds) for endpoint, seconds in ejected})
        for key, number in grown:
            if key in self._totals or len(self._totals) < MAX_LABEL_SETS:
                self._totals[key] = (now, self._totals.get(key, (now, 0))[1] + number)

    def out(self) -> dict[str, Out]:
        """By endpoint id; who is not there is in service everywhere."""
        before = self._clock() - STALE_SECONDS
        self._told = {worker: told for worker, told in self._told.items() if told[0] >= before}
        untils: dict[str, list[float]] = {}
        for _, told in self._told.values():
            for endpoint, until in told.items():
                untils.setdefault(endpoint, []).append(until)
        of = len(self._told)
        return {endpoint: Out(workers=len(each), of=of, until=max(each)) for endpoint, each in untils.items()}

    def families(self) -> Iterator[Metric]:
        """The number of ejections as a metric family; forgets endpoints that have left the table a while ago."""
        before = self._clock() - FORGET_SECONDS
        old = [key for key, (when, _) in self._totals.items() if when < before]
        for key in set(old) - self._known("endpoint", old) if old else ():
            del self._totals[key]
        family = CounterMetricFamily(METRIC, HELPS[METRIC], labels=LABELS["endpoint"])
        for key, (_, number) in sorted(self._totals.items()):
            family.add_metric(key, number)
        yield family

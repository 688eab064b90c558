"""Gauges of the workers as they were last told: each report replaces the one before, so what is gone is not shown.

Two processes may serve one slot while the old generation drains: their values add up. A worker that has said nothing for
`STALE_SECONDS` is gone, and so is what it said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric

Labels = tuple[tuple[str, str], ...]
STALE_SECONDS = 25.0  # workers with much traffic report every 10 s


class Gauges:
    """`clock` is monotonic, `helps` the sentence per name."""

    def __init__(self, clock: Callable[[], float], helps: Mapping[str, str]) -> None:
        self._clock = clock
        self._helps = helps
        self._told: dict[tuple[int, int], tuple[float, dict[tuple[str, Labels], float]]] = {}

    def take(self, slot: int, pid: int, samples: Iterable[tuple[str, Labels, float]]) -> None:
        """All gauges of one worker process."""
        values = {(name, tuple(sorted(labels))): value for name, labels, value in samples}
        self._told[slot, pid] = (self._clock(), values)

    def values(self) -> dict[str, dict[Labels, float]]:
        """Name -> labels -> value, of the workers that still speak."""
        before = self._clock() - STALE_SECONDS
        self._told = {worker: told for worker, told in self._told.items() if told[0] >= before}
        found: dict[str, dict[Labels, float]] = {}
        for _, values in self._told.values():
            for (name, labels), value in values.items():
                series = found.setdefault(name, {})
                known = series.get(labels, 0.0)
                series[labels] = max(known, value) if name.endswith("_version") else known + value
        return found

    def families(self) -> Iterable[Metric]:
        """Everything as metric families."""
        for name, series in sorted(self.values().items()):
            names = [label for label, _ in next(iter(series))]
            family = GaugeMetricFamily(name, self._helps.get(name, ""), labels=names)
            for labels, value in sorted(series.items()):
                family.add_metric([each for _, each in labels], value)
            yield family

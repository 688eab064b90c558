"""Counts for control and the workers, rendered for Prometheus.

The data plane counts plain integers and sends what changed; `Registry` sums, so a counter outlives the worker that
counted. A metric's label sets are bounded: those over the bound are counted and dropped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tidegate.value import Value

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
MAX_LABEL_SETS = 20_000  # per metric: 10 000 endpoints twice over
_END = b"# EOF\n"  # of OpenMetrics
DROPPED = "tidegate_control_dropped_samples_total"

Labels = tuple[tuple[str, str], ...]


class CounterDelta(Value, frozen=True):
    """What a counter of a worker grew by. `labels` are (name, value), sorted by name."""

    name: str
    amount: float
    labels: Labels = ()


class Histogram:
    """Counts per bucket (the last is above all bounds) and the sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = BUCKETS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0


class Registry:
    """Implements `telemetry.Metrics`. `helps` is the sentence per metric name; a name without one says nothing."""

    def __init__(self, helps: dict[str, str] | None = None) -> None:
        self._helps = helps or {}
        self._counters: dict[str, dict[Labels, float]] = {}
        self._gauges: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, Histogram]] = {}
        self._sources: list[Callable[[], Iterable[Metric]]] = []
        self._lines: list[Callable[[bool], Iterator[bytes]]] = []
        self._collectors = CollectorRegistry()
        self._collectors.register(_Families(self))

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        self._add(name, _sorted(labels), amount)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        series = self._gauges.setdefault(name, {})
        key = _sorted(labels)
        if self._fits(name, series, key):
            series[key] = value

    def forget(self, name: str, **labels: str) -> None:
        """Drop one series of a gauge: what it spoke of is gone."""
        self._gauges.get(name, {}).pop(_sorted(labels), None)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add to a histogram."""
        histogram = self._histogram(name, _sorted(labels))
        if histogram is not None:
            histogram.counts[bisect_left(histogram.bounds, value)] += 1
            histogram.total += value

    def spread(self, name: str, bounds: Sequence[float], counts: Sequence[int], total: float, **labels: str) -> None:
        """Add many observations to a histogram that has these bounds."""
        histogram = self._histogram(name, _sorted(labels), bounds)
        if histogram is None:
            return
        if len(counts) != len(histogram.counts):  # a worker of another generation, with other buckets
            self._drop(name)
            return
        histogram.counts = [old + new for old, new in zip(histogram.counts, counts, strict=True)]
        histogram.total += total

    def merge(self, deltas: Iterable[CounterDelta]) -> None:
        """Add what a worker counted since its last report."""
        for delta in deltas:
            self._add(delta.name, delta.labels, delta.amount)

    def value(self, name: str, **labels: str) -> float | None:
        """A counter or gauge as it stands, or None."""
        key = _sorted(labels)
        return self._counters.get(name, {}).get(key, self._gauges.get(name, {}).get(key))

    def text(self) -> bytes:
        """Everything in the Prometheus text format."""
        return b"".join(self.exposed("")[0])

    def exposed(self, accept: str) -> tuple[Iterator[bytes], str]:
        """Everything in parts, and its media type: OpenMetrics for who accepts it, else the Prometheus text format."""
        encode, kind = choose_encoder(accept)
        return self._parts(encode, openmetrics="openmetrics" in kind), kind

    def _parts(self, encode: Callable[[CollectorRegistry], bytes], *, openmetrics: bool) -> Iterator[bytes]:
        yield encode(self._collectors).removesuffix(_END)
        for source in self._lines:
            yield from source(openmetrics)
        if openmetrics:
            yield _END

    def also(self, source: Callable[[], Iterable[Metric]]) -> None:
        """Render these families too."""
        self._sources.append(source)

    def also_lines(self, source: Callable[[bool], Iterator[bytes]]) -> None:
        """Write these lines too; `source(openmetrics)` gives them in parts."""
        self._lines.append(source)

    def families(self) -> Iterator[Metric]:
        """Everything as metric families."""
        for source in self._sources:
            yield from source()
        for name, counters in sorted(self._counters.items()):
            yield self._counter_family(name, counters)
        for name, gauges in sorted(self._gauges.items()):
            gauge = GaugeMetricFamily(name, self._helps.get(name, ""), labels=_names(gauges))
            for labels, value in sorted(gauges.items()):
                gauge.add_metric([each for _name, each in labels], value)
            yield gauge
        for name, histograms in sorted(self._histograms.items()):
            yield self._histogram_family(name, histograms)

    def _counter_family(self, name: str, series: dict[Labels, float]) -> Metric:
        family = CounterMetricFamily(name, self._helps.get(name, ""), labels=_names(series))
        for labels, value in sorted(series.items()):
            family.add_metric([each for _name, each in labels], value)
        return family

    def _histogram_family(self, name: str, series: dict[Labels, Histogram]) -> Metric:
        family = HistogramMetricFamily(name, self._helps.get(name, ""), labels=_names(series))
        for labels, histogram in sorted(series.items()):
            buckets, running = [], 0
            for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
                running += count
                buckets.append((bound, running))
            family.add_metric([each for _name, each in labels], buckets=buckets, sum_value=histogram.total)
        return family

    def _add(self, name: str, labels: Labels, amount: float) -> None:
        series = self._counters.setdefault(name, {})
        if self._fits(name, series, labels):
            series[labels] = series.get(labels, 0.0) + amount

    def _histogram(self, name: str, labels: Labels, bounds: Sequence[float] = BUCKETS) -> Histogram | None:
        series = self._histograms.setdefault(name, {})
        if not self._fits(name, series, labels):
            return None
        return series.setdefault(labels, Histogram(bounds))

    def _fits(self, name: str, series: dict[Labels, float] | dict[Labels, Histogram], labels: Labels) -> bool:
        if labels in series or len(series) < MAX_LABEL_SETS:
            return True
        self._drop(name)
        return False

    def _drop(self, name: str) -> None:
        dropped = self._counters.setdefault(DROPPED, {})
        key = (("metric", name),)
        dropped[key] = dropped.get(key, 0.0) + 1


class _Families(Collector):
    """Shows a registry to prometheus_client, which only renders."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        return self._registry.families()

    def describe(self) -> Iterable[Metric]:
        return ()


def _sorted(labels: dict[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def _names(series: dict[Labels, float] | dict[Labels, Histogram]) -> list[str]:
    first: Labels = next(iter(series), ())
    return [name for name, _value in first]

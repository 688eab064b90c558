"""Medians over rounds and ratios between peers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from bench.macro.sample import Sample, Value


class Row(Value):
    """One peer in one case: the median of each value over its rounds, their sum, and the number of rounds."""

    bench: str
    case: str
    peer: str
    rounds: int
    values: dict[str, float]
    totals: dict[str, float] = {}


def rows(samples: Iterable[Sample]) -> list[Row]:
    """One row for each bench, case and peer, in the order they first appear."""
    groups: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.bench, sample.case, sample.peer), []).append(sample)
    return [
        Row(bench=bench, case=case, peer=peer, rounds=len(group), values=_medians(group), totals=_totals(group))
        for (bench, case, peer), group in groups.items()
    ]


def ratio(samples: Iterable[Sample], *, bench: str, case: str, value: str, peer: str, to: str) -> float | None:
    """Median over rounds of `peer`'s value divided by `to`'s *in the same round*; None where no round has both.

    Dividing within a round first is what makes a shared machine bearable: both saw the same minute.
    """
    pairs: dict[int, dict[str, float]] = {}
    for sample in samples:
        if (sample.bench, sample.case) == (bench, case) and value in sample.values and sample.peer in (peer, to):
            pairs.setdefault(sample.round, {})[sample.peer] = sample.values[value]
    found = [pair[peer] / pair[to] for pair in pairs.values() if peer in pair and pair.get(to)]
    return median(found) if found else None


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest of `values` that at least `share` (0..1) of them do not exceed; raises ValueError when empty."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, -(-len(ordered) * round(share * 10000) // 10000) - 1)]


def _medians(group: list[Sample]) -> dict[str, float]:
    names = dict.fromkeys(name for sample in group for name in sample.values)
    return {name: median(s.values[name] for s in group if name in s.values) for name in names}


def _totals(group: list[Sample]) -> dict[str, float]:
    names = dict.fromkeys(name for sample in group for name in sample.values)
    return {name: sum(s.values.get(name, 0.0) for s in group) for name in names}

"""Whether a candidate is slow: its mean and its slowest hundredth, against the stable side's over the same time.

A fault has to be sure twice. Request by request: the end of an interval lies beyond the bound. And slice by slice: the interval
of the slices does, and so do both halves of the window. The first is blind to requests that are slow together (a host that is busy
for a second, a pause of a collector), and the second to what a slice hides. What is only sure by the first is held against nobody, but while
there are fewer than LEAST_SLICES slices it holds the release. And where containers of the stable side differ among themselves, it is
the slow one of them that the candidate has to be slower than: one container says nothing of a version that it does not say of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt

from tidegate.release.gates import LatencyGate, Outcome, Verdict
from tidegate.release.samples import (
    LIKELY,
    Counts,
    Slice,
    Window,
    above,
    deviations,
    mean,
    quantile_bound,
    spread,
    summed,
    surely_slower,
    variance,
    wilson,
)
from tidegate.release.wording import duration, few, verdict
from tidegate.value import Value

LEAST_SLICES = 6
_SLOWEST = 0.01
_ODD = 10  # one in so many containers of the stable side may be slower than what is compared with


class _Compared(Value):
    """Both sides, what the stable one is called, and the slices that bear witness; `beside`: the stable side is in them."""

    candidate: Counts
    stable: Counts | None
    called: str
    bounds: tuple[float, ...]
    slices: tuple[Slice, ...]
    stables: tuple[Counts, ...]
    beside: bool


def judge_latency(gate: LatencyGate, window: Window) -> Verdict:
    """The first rule that is broken, or the numbers of all."""
    if window.candidate.answered < gate.samples:
        return few(gate, window.candidate.answered, gate.samples, window.candidate)
    compared = _settled(gate, window) or _whole(gate, window)
    fault = _limited(gate, compared)
    if fault:
        return _fault(gate, compared, fault)
    if compared.stable is None or compared.stable.answered < gate.samples:
        return few(gate, compared.candidate.answered, gate.samples, None)
    text = _means(compared)
    if _slower(gate, compared):
        return _fault(gate, compared, f"{text}: more than {gate.mean_ratio:g} times as long")
    text = f"{text}; p99 {_within(compared.candidate, window.bounds)}, "
    text += f"{compared.called} {_within(compared.stable, window.bounds)}"
    bound = _bound(gate, compared)
    if bound < inf and _later(compared, bound):
        late = above(compared.candidate, window.bounds, bound)
        return _fault(
            gate, compared, f"{text}; {late} of {compared.candidate.answered} took longer than {duration(bound)}"
        )
    return verdict(gate, Outcome.PASS, text, sure=_surely_not_slower(gate, compared))


def _settled(gate: LatencyGate, window: Window) -> _Compared | None:
    """By the slices, where there are enough."""
    slices = tuple(each for each in window.slices if each.candidate.answered)
    settled = window.settled
    if len(slices) < LEAST_SLICES or settled.candidate.answered < gate.samples:
        return None
    return _compared(gate, settled, slices)


def _whole(gate: LatencyGate, window: Window) -> _Compared:
    return _compared(gate, window, ())


def _compared(gate: LatencyGate, window: Window, slices: tuple[Slice, ...]) -> _Compared:
    stable, called = window.compared(gate.samples)
    beside = stable is window.stable
    stables = [each for each in window.stables if each.answered >= gate.samples] if beside and slices else []
    return _Compared(
        candidate=window.candidate,
        stable=stable,
        called=called,
        bounds=window.bounds,
        slices=slices,
        stables=tuple(stables),
        beside=beside,
    )


def _fault(gate: LatencyGate, compared: _Compared, text: str) -> Verdict:
    if compared.slices:
        return verdict(gate, Outcome.FAIL, text)
    return verdict(gate, Outcome.INCONCLUSIVE, f"{text}; watched for too short a time to be sure")


def _limited(gate: LatencyGate, compared: _Compared) -> str:
    """What is wrong with the candidate's p99 whatever the stable side does."""
    if not gate.limit_seconds:
        return ""
    limit = next((bound for bound in compared.bounds if bound >= gate.limit_seconds), inf)
    if limit == inf or not _often_late(compared, limit, _SLOWEST):
        return ""
    late = above(compared.candidate, compared.bounds, limit)
    text = f"{late} of {compared.candidate.answered} requests took longer than the limit of {duration(limit)}"
    return f"{text}: p99 lies above it"


def _slower(gate: LatencyGate, compared: _Compared) -> bool:
    """The rule of the mean."""
    candidate, stable = compared.candidate, compared.stable
    assert stable is not None
    if mean(candidate) - mean(stable) <= gate.mean_slower_seconds:
        return False
    if not surely_slower(candidate, stable, compared.bounds, gate.mean_ratio):
        return False
    moves = [_seconds(each.candidate) for each in compared.slices]
    others = [_seconds(each.stable) for each in compared.slices] if compared.beside else []
    if mean(candidate) <= gate.mean_ratio * _worst([mean(each) for each in compared.stables]):
        return False
    gap = mean(candidate) - gate.mean_ratio * mean(stable)
    return gap > _error(moves, others, gate.mean_ratio) and all(
        mean(one) > gate.mean_ratio * mean(other) for one, other in _halves(compared)
    )


def _later(compared: _Compared, bound: float) -> bool:
    """The rule of the slowest hundredth."""
    candidate, stable, bounds = compared.candidate, compared.stable, compared.bounds
    assert stable is not None
    usual = above(stable, bounds, bound) / stable.answered
    most = [wilson(above(each, bounds, bound), each.answered)[1] for each in (stable, *compared.stables)]
    if not _often_late(compared, bound, max(_SLOWEST, most[0], _worst(most[1:]))):
        return False
    moves = [_lates(each.candidate, bounds, bound) for each in compared.slices]
    others = [_lates(each.stable, bounds, bound) for each in compared.slices] if compared.beside else []
    more = above(candidate, bounds, bound) / candidate.answered - usual
    return more > _error(moves, others, 1.0)


def _often_late(compared: _Compared, bound: float, share: float) -> bool:
    """Whether surely more than this share of the candidate's requests took longer than a bound."""
    candidate, bounds = compared.candidate, compared.bounds
    late = above(candidate, bounds, bound)
    if wilson(late, candidate.answered)[0] <= share:
        return False
    moves = [_lates(each.candidate, bounds, bound) for each in compared.slices]
    if late / candidate.answered - share <= _error(moves, [], 1.0):
        return False
    return all(above(one, bounds, bound) > share * one.answered for one, _ in _halves(compared))


def _worst(figures: list[float]) -> float:
    """The highest, but for the odd ones of many; 0 of none."""
    return sorted(figures)[-1 - len(figures) // _ODD] if figures else 0.0


def _surely_not_slower(gate: LatencyGate, compared: _Compared) -> bool:
    candidate, usual = compared.candidate, mean(compared.stable or Counts())
    most = mean(candidate) + LIKELY * sqrt(variance(candidate, compared.bounds) / candidate.answered)
    return most <= max(gate.mean_ratio * usual, usual + gate.mean_slower_seconds)


def _error(moves: Sequence[tuple[float, int]], others: Sequence[tuple[float, int]], ratio: float) -> float:
    """Half the interval of a difference by its slices; of none, nothing is known and nothing taken off."""
    if not moves:
        return 0.0
    mine, theirs = deviations(moves), deviations(others) if others else [0.0] * len(moves)
    return spread([one - ratio * other for one, other in zip(mine, theirs, strict=True)])


def _halves(compared: _Compared) -> list[tuple[Counts, Counts]]:
    """Both sides in the earlier and in the later half of the slices."""
    half = len(compared.slices) // 2
    parts = (compared.slices[:half], compared.slices[half:]) if half else ()
    stable = compared.stable or Counts()
    return [
        (
            summed(each.candidate for each in part),
            summed(each.stable for each in part) if compared.beside else stable,
        )
        for part in parts
    ]


def _seconds(counts: Counts) -> tuple[float, int]:
    return counts.answered_us / 1e6, counts.answered


def _lates(counts: Counts, bounds: tuple[float, ...], bound: float) -> tuple[float, int]:
    return above(counts, bounds, bound), counts.answered


def _bound(gate: LatencyGate, compared: _Compared) -> float:
    """The first bound of a bucket from which on a request is late; infinite where there is none."""
    assert compared.stable is not None
    p99 = quantile_bound(compared.stable, compared.bounds, 1 - _SLOWEST)
    allowed = max(p99 * gate.ratio, p99 + gate.slower_seconds)
    return next((each for each in compared.bounds if each >= allowed), inf)


def _means(compared: _Compared) -> str:
    candidate, stable = compared.candidate, compared.stable or Counts()
    text = f"mean {duration(mean(candidate))} of {candidate.answered} requests"
    return f"{text}, {compared.called} {duration(mean(stable))} of {stable.answered}"


def _within(counts: Counts, bounds: tuple[float, ...]) -> str:
    bound = quantile_bound(counts, bounds, 1 - _SLOWEST)
    return f"within {duration(bound)}" if bound < inf else f"above {duration(bounds[-1])}"

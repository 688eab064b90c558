"""From proposals to a count that does not flap: what was right a while ago, how fast it may go.

What was right at any time within `in_window_seconds` is not undone by scaling in; what was right within `out_window_seconds`
bounds scaling out. Advice is kept as runs (so many from this time on), which is all that the two windows need.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from tidegate.elasticity import ScalingPolicy
from tidegate.scaling.record import KEPT_ADVICE, Advice, Decision, Record
from tidegate.scaling.seen import Sight
from tidegate.scaling.targets import Proposal, propose
from tidegate.scaling.words import figures, replicas

RATE_SECONDS = 15.0
RATE_FACTOR, RATE_NUMBER = 2, 4  # in that time at most twice as many, or 4 more


def targeted(policy: ScalingPolicy, sight: Sight, record: Record, now: float) -> tuple[Record, Decision]:
    """What the targets say at this look, not yet kept within least and most."""
    proposals = [propose(each, sight, now) for each in policy.targets]
    seen = figures({each.metric: each.value for each in proposals if each.value is not None})
    best = _best(proposals)
    if best is None or best.wanted is None:
        return record, _kept(sight, now, "; ".join(each.why for each in proposals), seen)
    failed = [each.why for each in proposals if each.wanted is None]
    if failed and best.wanted < sight.current:
        return record, _kept(sight, now, f"{best.why}, but nothing leaves while {'; '.join(failed)}", seen)
    record = advised(record, best.wanted, now, policy)
    wanted, why = _steady(policy, sight, record, best, now)
    return record, Decision(when=now, current=sight.current, wanted=wanted, why=why, figures=seen)


def _best(proposals: Iterable[Proposal]) -> Proposal | None:
    """The one that wants the most."""
    return max((each for each in proposals if each.wanted is not None), key=lambda each: each.wanted or 0, default=None)


def _kept(sight: Sight, now: float, why: str, seen: dict[str, float]) -> Decision:
    return Decision(when=now, current=sight.current, wanted=sight.current, why=why, figures=seen)


def advised(record: Record, wanted: int, now: float, policy: ScalingPolicy) -> Record:
    """`record` with what is right from now on; what no window reaches any more is forgotten."""
    longest = max(policy.in_window_seconds, policy.out_window_seconds)
    runs = record.advice
    if not runs or runs[-1].wanted != wanted:
        runs = (*runs, Advice(since=now, wanted=wanted))
    alive = _within(runs, now - longest)[-KEPT_ADVICE:]
    return replace(record, advice=tuple(alive))


def _within(runs: Sequence[Advice], since: float) -> Sequence[Advice]:
    """Runs that hold at some time after `since`: each ends where the next one begins."""
    first = max((at for at, run in enumerate(runs) if run.since <= since), default=0)
    return runs[first:]


def _steady(policy: ScalingPolicy, sight: Sight, record: Record, best: Proposal, now: float) -> tuple[int, str]:
    up = min(run.wanted for run in _within(record.advice, now - policy.out_window_seconds))
    down = max(run.wanted for run in _within(record.advice, now - policy.in_window_seconds))
    wanted = sight.current
    if wanted < up:
        wanted = up
    elif wanted > down:
        wanted = down
    if wanted > sight.current:
        return _limited(sight, record, wanted, best.why, now)
    if best.wanted is not None and best.wanted < wanted:
        span = f"{policy.in_window_seconds:g} s"
        return wanted, f"{best.why}, but within the last {span} {replicas(down)} {'was' if down == 1 else 'were'} right"
    if best.wanted is not None and best.wanted > wanted:
        return wanted, f"{best.why}, but not for {policy.out_window_seconds:g} s yet"
    return wanted, best.why


def _limited(sight: Sight, record: Record, wanted: int, why: str, now: float) -> tuple[int, str]:
    """No faster than the rate: counted from how many there were a while ago."""
    recent = [each for each in record.changes if each.when > now - RATE_SECONDS]
    before = sight.current - sum(each.wanted - each.current for each in recent)
    most = max(before * RATE_FACTOR, before + RATE_NUMBER)
    if wanted <= most:
        return wanted, why
    return max(sight.current, most), f"{why}, at most {most} within {RATE_SECONDS:g} s"

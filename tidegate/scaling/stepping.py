"""Bounds, as in the original system: above one for `periods` periods in a row, `step` replicas more; below one, fewer.

Three guards that the original lacked. Of several metrics one is enough to scale out, all must agree to scale in. Replicas
leave only as far as those that stay would have at most nine tenths of the upper bound: without that a service could go out
and in by turns for ever, which the original's own documentation warns of. And none is added while those that are on their way would be
enough: where they never get ready, there would be more and more of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tidegate.elasticity import Bound, Metric, ScalingPolicy
from tidegate.scaling.periods import closed, means, observed, over, settled
from tidegate.scaling.record import Decision, Record, Streak
from tidegate.scaling.seen import Sight
from tidegate.scaling.words import amount, figure, figures, name, replicas

ROOM = 0.9  # of the upper bound, for those that stay


def stepped(policy: ScalingPolicy, sight: Sight, record: Record, now: float) -> tuple[Record, Decision]:
    """What the bounds say at this look, not yet kept within least and most."""
    record = observed(policy, sight, record, now)
    if not over(policy, record, now):
        return record, _waits(policy, sight, record, now)
    record = closed(policy, record, now)
    wanted, why = _out(policy, sight, record) or _in(policy, sight, record) or (sight.current, _calm(policy, record))
    seen = {metric: streak.mean for metric, streak in record.streaks.items()}
    return record, Decision(when=now, current=sight.current, wanted=wanted, why=why, figures=figures(seen))


def acted(record: Record, now: float) -> Record:
    """`record` after its decision is taken: streaks begin anew."""
    period = record.period
    return replace(record, streaks={}, period=replace(period, began=now, sums={}, looks={}) if period else None)


def _out(policy: ScalingPolicy, sight: Sight, record: Record) -> tuple[int, str] | None:
    for bound in policy.bounds:
        streak = record.streaks.get(bound.metric, Streak())
        if bound.high is not None and streak.above >= policy.periods:
            why = f"{figure(bound.metric, streak.mean)}, {_row(streak.above, policy)} above {amount(bound.metric, bound.high)}"
            coming = _coming(bound, sight, streak.mean)
            return (sight.current, f"{why}; but {coming}") if coming else (sight.current + policy.step, why)
    return None


def _coming(bound: Bound, sight: Sight, mean: float) -> str:
    """Why what is wanted already would be enough; empty if it would not."""
    ready = sum(each.ready for each in sight.replicas)
    after = mean * ready / sight.current if sight.current else mean
    if ready >= sight.current or bound.high is None or after > bound.high:
        return ""
    return f"{replicas(sight.current - ready)} of {sight.current} not ready, and with all {figure(bound.metric, after)}"


def _in(policy: ScalingPolicy, sight: Sight, record: Record) -> tuple[int, str] | None:
    """Fewer, if every metric with a lower bound agrees and the others are at ease."""
    lows = [each for each in policy.bounds if each.low is not None]
    streaks = {each.metric: record.streaks.get(each.metric, Streak()) for each in policy.bounds}
    if not lows or any(streaks[each.metric].below < policy.periods for each in lows):
        return None
    if missing := [each.metric for each in policy.bounds if each.metric not in record.streaks]:
        return sight.current, f"nothing leaves: {name(missing[0])} is not known"
    said = " and ".join(
        f"{figure(each.metric, streaks[each.metric].mean)} below {amount(each.metric, each.low or 0)}" for each in lows
    )
    said = f"{said}, {_row(min(streaks[each.metric].below for each in lows), policy)}"
    leaving = min(policy.step, max(sight.current - max(policy.least, sight.floor), 0))
    for number in range(leaving, 0, -1):
        tight = _tight(policy.bounds, streaks, sight.current, number)
        if not tight:
            return sight.current - number, said
    if not leaving:
        return sight.current - policy.step, said
    return sight.current, f"{said}; but {_tight(policy.bounds, streaks, sight.current, 1)}"


def _tight(bounds: tuple[Bound, ...], streaks: Mapping[Metric, Streak], current: int, leaving: int) -> str:
    """Why those that stay would have too much; empty if they would not. Nobody stays: nobody has too much."""
    for bound in bounds:
        left = current - leaving
        if bound.high is None or not left:
            continue
        after = max(streaks[bound.metric].mean, streaks[bound.metric].most) * current / left
        if after > ROOM * bound.high:
            what = f"{replicas(left)} would have {figure(bound.metric, after)}"
            return f"{what}, over {ROOM:.0%} of the {amount(bound.metric, bound.high)} at which one is added"
    return ""


def _row(number: int, policy: ScalingPolicy) -> str:
    return (
        f"{number} periods of {policy.period_seconds:g} s in a row"
        if number > 1
        else f"for {policy.period_seconds:g} s"
    )


def _calm(policy: ScalingPolicy, record: Record) -> str:
    """Why a period's end changes nothing."""
    if not record.streaks:
        return f"no figures in a period of {policy.period_seconds:g} s"
    return "; ".join(_standing(bound, record.streaks.get(bound.metric), policy) for bound in policy.bounds)


def _standing(bound: Bound, streak: Streak | None, policy: ScalingPolicy) -> str:
    if streak is None:
        return f"{name(bound.metric)} is not known"
    said = figure(bound.metric, streak.mean)
    if streak.above:
        return f"{said} above {amount(bound.metric, bound.high or 0)} in {streak.above} of {policy.periods} periods"
    if streak.below:
        return f"{said} below {amount(bound.metric, bound.low or 0)} in {streak.below} of {policy.periods} periods"
    low = f"{amount(bound.metric, bound.low)} and " if bound.low is not None else ""
    high = amount(bound.metric, bound.high) if bound.high is not None else "anything"
    return f"{said} between {low}{high}" if low else f"{said} not above {high}"


def _waits(policy: ScalingPolicy, sight: Sight, record: Record, now: float) -> Decision:
    """Within a period nothing is decided."""
    assert record.period is not None
    seen = {metric: mean for metric, (mean, _) in means(policy, sight, now).items()}
    left = record.period.began + policy.period_seconds - now
    if not settled(policy, sight, now):
        why = f"no replica has been ready for {policy.period_seconds:g} s yet"
    elif not seen:
        why = "no replica could be measured"
    else:
        why = "; ".join(_far(bound, seen, record, policy) for bound in policy.bounds)
    why = f"{why}; the period ends in {left:.0f} s"
    return Decision(when=now, current=sight.current, wanted=sight.current, why=why, figures=figures(seen))


def _far(bound: Bound, seen: Mapping[Metric, float], record: Record, policy: ScalingPolicy) -> str:
    said = figure(bound.metric, seen[bound.metric]) if bound.metric in seen else f"{name(bound.metric)} is not known"
    streak = record.streaks.get(bound.metric, Streak())
    if not streak.above and not streak.below:
        return said
    side = (
        f"above {amount(bound.metric, bound.high or 0)}"
        if streak.above
        else f"below {amount(bound.metric, bound.low or 0)}"
    )
    return f"{said}, {streak.above or streak.below} of {policy.periods} periods {side}"

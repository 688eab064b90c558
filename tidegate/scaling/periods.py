"""Periods of bounds: each look adds what the replicas have, the end of a period gives a mean, means beyond a bound make streaks.

A replica is left out for one period after it got ready, since it is warming up and its share of the load is not settled. A
period in which nothing was measured ends every streak: three *in a row* are asked for.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.elasticity import Bound, Metric, ScalingPolicy
from tidegate.scaling.record import Period, Record, Streak
from tidegate.scaling.seen import Replica, Sight

#: A period counts if it did not last longer than this many: else nobody looked for a while.
_LONGEST = 2.0


def settled(policy: ScalingPolicy, sight: Sight, now: float) -> tuple[Replica, ...]:
    """The replicas that count: ready for a period or longer."""
    return tuple(each for each in sight.replicas if each.ready and now >= each.ready_since + policy.period_seconds)


def means(policy: ScalingPolicy, sight: Sight, now: float) -> dict[Metric, float]:
    """The mean of each bounded metric over the settled replicas that have it."""
    counted = settled(policy, sight, now)
    found: dict[Metric, float] = {}
    for bound in policy.bounds:
        values = [each.figures[bound.metric] for each in counted if bound.metric in each.figures]
        if values:
            found[bound.metric] = sum(values) / len(values)
    return found


def observed(policy: ScalingPolicy, sight: Sight, record: Record, now: float) -> Record:
    """`record` with this look in its period; a period is begun where there is none."""
    period = record.period
    if period is None or now < period.began or now > period.began + _LONGEST * policy.period_seconds:
        record = replace(record, streaks={})
        period = Period(began=now)
    sums, looks = dict(period.sums), dict(period.looks)
    for metric, value in means(policy, sight, now).items():
        sums[metric] = sums.get(metric, 0.0) + value
        looks[metric] = looks.get(metric, 0) + 1
    return replace(record, period=replace(period, sums=sums, looks=looks))


def over(policy: ScalingPolicy, record: Record, now: float) -> bool:
    """Whether the open period has ended."""
    return record.period is not None and now >= record.period.began + policy.period_seconds


def closed(policy: ScalingPolicy, record: Record, now: float) -> Record:
    """`record` after the end of its period: streaks grow or end, and the next period begins."""
    assert record.period is not None
    streaks = {each.metric: _streak(each, record, record.period.mean(each.metric)) for each in policy.bounds}
    kept = {metric: streak for metric, streak in streaks.items() if streak is not None}
    return replace(record, period=Period(began=now), streaks=kept)


def _streak(bound: Bound, record: Record, mean: float | None) -> Streak | None:
    if mean is None:
        return None
    before = record.streaks.get(bound.metric, Streak())
    above = bound.high is not None and mean > bound.high
    below = bound.low is not None and mean < bound.low
    return Streak(above=(before.above + 1) * above, below=(before.below + 1) * below, mean=mean)

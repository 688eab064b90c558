"""Periods of bounds: each look adds what the replicas have, the end of a period gives a mean, means beyond a bound make streaks.

A replica is left out for one period after it got ready, since it is warming up and its share of the load is not settled. One of
which nothing is known (its node cannot be asked) counts as idle where the mean is above a bound, and as one at the upper bound where
it is below: a doubt never begins a step. A period in which nothing was measured ends every streak: three *in a row* are asked for.
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


def means(policy: ScalingPolicy, sight: Sight, now: float) -> dict[Metric, tuple[float, float]]:
    """Of each bounded metric the mean over the settled replicas that have it, and what share of all settled ones these are."""
    counted = settled(policy, sight, now)
    found: dict[Metric, tuple[float, float]] = {}
    for bound in policy.bounds:
        values = [each.figures[bound.metric] for each in counted if bound.metric in each.figures]
        if values:
            found[bound.metric] = (sum(values) / len(values), len(values) / len(counted))
    return found


def observed(policy: ScalingPolicy, sight: Sight, record: Record, now: float) -> Record:
    """`record` with this look in its period; a period is begun where there is none."""
    period = record.period
    if period is None or now < period.began or now > period.began + _LONGEST * policy.period_seconds:
        record = replace(record, streaks={})
        period = Period(began=now)
    sums, looks, shares = dict(period.sums), dict(period.looks), dict(period.shares)
    for metric, (value, share) in means(policy, sight, now).items():
        shares[metric] = shares.get(metric, float(looks.get(metric, 0))) + share
        sums[metric] = sums.get(metric, 0.0) + value * share
        looks[metric] = looks.get(metric, 0) + 1
    return replace(record, period=replace(period, sums=sums, looks=looks, shares=shares))


def over(policy: ScalingPolicy, record: Record, now: float) -> bool:
    """Whether the open period has ended."""
    return record.period is not None and now >= record.period.began + policy.period_seconds


def closed(policy: ScalingPolicy, record: Record, now: float) -> Record:
    """`record` after the end of its period: streaks grow or end, and the next period begins."""
    assert record.period is not None
    streaks = {each.metric: _streak(each, record, record.period) for each in policy.bounds}
    kept = {metric: streak for metric, streak in streaks.items() if streak is not None}
    return replace(record, period=Period(began=now), streaks=kept)


def _streak(bound: Bound, record: Record, period: Period) -> Streak | None:
    mean = period.mean(bound.metric)
    if mean is None:
        return None
    least = period.filled(bound.metric, 0.0)
    most = max(mean, period.filled(bound.metric, bound.high if bound.high is not None else bound.low or 0.0))
    before = record.streaks.get(bound.metric, Streak())
    above = bound.high is not None and least > bound.high
    below = bound.low is not None and most < bound.low
    return Streak(above=(before.above + 1) * above, below=(before.below + 1) * below, mean=mean, most=most)

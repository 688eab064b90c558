"""Targets, as the horizontal autoscaler of Kubernetes does it: for each metric as many replicas as bring it to its target.

    ready    takes requests, and was measured since it does; or is older than 300 s
    missing  takes requests, without a figure: counts as one at its target where it would be scaled in, as idle where out
    unready  does not yet, or is not there yet: counts as idle where it would be scaled out, and not at all where in

So a doubt never moves the count farther, and never turns its direction. Figures of the service as a whole (requests, in flight,
a query) are shared by its replicas; a latency is compared as it is. Where they are not those of all nodes they are the least that
it can be: enough to scale out, not to scale in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tidegate.elasticity import OF_REPLICAS, Metric, Target
from tidegate.scaling.seen import Replica, Sight
from tidegate.scaling.words import amount, figure, name
from tidegate.value import Value

TOLERANCE = 0.10
INITIAL_SECONDS = 300.0  # in which a start's own work may still be seen
_SHARED = frozenset((Metric.REQUESTS, Metric.IN_FLIGHT, Metric.QUERY))


class Proposal(Value):
    """What one metric wants: `wanted` None where it could not be had. `value` is its figure for one replica."""

    metric: Metric
    wanted: int | None
    why: str
    value: float | None = None


def propose(target: Target, sight: Sight, now: float) -> Proposal:
    """The proposal of one target."""
    if target.metric in sight.faults:
        why = f"{name(target.metric)} cannot be had: {sight.faults[target.metric]}"
        return Proposal(metric=target.metric, wanted=None, why=why)
    if target.metric in OF_REPLICAS:
        return _of_replicas(target, sight, now)
    value = sight.whole.get(target.metric)
    if value is None or not math.isfinite(value):
        return Proposal(metric=target.metric, wanted=None, why=f"{name(target.metric)} is not known")
    proposal = _shared(target, sight, value) if target.metric in _SHARED else _compared(target, sight, value)
    return _doubted(proposal, sight) if sight.partial and target.metric is not Metric.QUERY else proposal


def _doubted(proposal: Proposal, sight: Sight) -> Proposal:
    """With the traffic of some nodes unknown."""
    if proposal.wanted is None or proposal.wanted >= sight.current:
        return proposal
    return Proposal(metric=proposal.metric, wanted=None, why=f"{name(proposal.metric)} of all nodes is not known")


def _of_replicas(target: Target, sight: Sight, now: float) -> Proposal:
    metric = target.metric
    ready = [each for each in sight.replicas if metric in each.figures and _counts(each, now)]
    missing = [each for each in sight.replicas if each.ready and metric not in each.figures]
    unready = [each for each in sight.replicas if each not in ready and each not in missing]
    waiting = max(0, sight.current - len(sight.replicas))  # wanted, and not even there
    if not ready:
        return Proposal(metric=metric, wanted=None, why=f"{name(metric)} of no ready replica is known")
    values = [each.figures[metric] for each in ready]
    mean = sum(values) / len(values)
    wanted = _wanted(values, target.value, len(missing), len(unready) + waiting, sight.current)
    return Proposal(metric=metric, wanted=wanted, why=_why(target, mean, wanted, sight.current), value=mean)


def _counts(replica: Replica, now: float) -> bool:
    measured = replica.measured_since >= replica.ready_since
    return replica.ready and (measured or now > replica.started_at + INITIAL_SECONDS)


def _wanted(values: Sequence[float], target: float, missing: int, unready: int, current: int) -> int:
    """`GetResourceReplicas` of Kubernetes' replica calculator."""
    ratio = sum(values) / len(values) / target
    idle = unready if ratio > 1 else 0
    if not idle and not missing:
        return current if _near(ratio) else math.ceil(ratio * len(values))
    filled = [*values, *([target if ratio < 1 else 0.0] * missing), *([0.0] * idle)]
    again = sum(filled) / len(filled) / target
    if _near(again) or (ratio < 1) != (again < 1):
        return current
    wanted = math.ceil(again * len(filled))
    return current if (again < 1) == (wanted > current) else wanted


def _shared(target: Target, sight: Sight, value: float) -> Proposal:
    each = value / sight.current if sight.current else value
    near = sight.current > 0 and _near(each / target.value)
    wanted = sight.current if near else math.ceil(value / target.value)
    return Proposal(
        metric=target.metric, wanted=wanted, why=_why(target, each, wanted, sight.current, value), value=each
    )


def _compared(target: Target, sight: Sight, value: float) -> Proposal:
    ready = sum(each.ready for each in sight.replicas)
    if not ready:
        return Proposal(metric=target.metric, wanted=None, why="no replica is ready", value=value)
    ratio = value / target.value
    wanted = sight.current if _near(ratio) else max(1, math.ceil(ratio * ready))
    return Proposal(metric=target.metric, wanted=wanted, why=_why(target, value, wanted, sight.current), value=value)


def _near(ratio: float) -> bool:
    return abs(ratio - 1) <= TOLERANCE + 1e-9


def _why(target: Target, value: float, wanted: int, current: int, whole: float | None = None) -> str:
    total = f" ({amount(target.metric, whole)} in all)" if whole is not None else ""
    said = f"{figure(target.metric, value)}{total} at a target of {amount(target.metric, target.value)}"
    return f"{said}: enough" if wanted == current else f"{said} asks for {wanted}"

"""One look at one service: from what is known and remembered to how many replicas there shall be, and why.

Over both ways of deciding stand, in this order: nothing is concluded while blind; the count lies between least and most; a
service at zero comes back when a request waits for it, and goes to zero only after a time without any; nothing leaves while
a release is under way or where scaling in is switched off.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.elasticity import Metric, ScalingPolicy
from tidegate.scaling.record import Decision, Record, decided
from tidegate.scaling.seen import Sight
from tidegate.scaling.steady import targeted
from tidegate.scaling.stepping import acted, stepped
from tidegate.scaling.words import replicas

_SLOWEST, _FASTEST = 10.0, 0.5  # seconds between looks
_LOOKS = 6  # in a period
_FORGOTTEN = 3  # looks that nobody made: what happened since the last one is not known


def look_seconds(policy: ScalingPolicy) -> float:
    """How often a service with this policy is looked at."""
    span = policy.in_window_seconds if policy.targets else policy.period_seconds
    return min(max(span / _LOOKS, _FASTEST), _SLOWEST)


def decide(policy: ScalingPolicy, sight: Sight, record: Record, now: float) -> tuple[Record, Decision]:
    """The record after this look, and its decision. `now` is seconds since the epoch."""
    record = _seen(policy, sight, record, now)
    if sight.blind:
        decision = Decision(when=now, current=sight.current, wanted=sight.current, why=sight.blind)
        return decided(record, decision), decision
    if sight.current == 0:
        decision = _asleep(policy, sight, now)
    elif not _least(policy, sight) <= sight.current <= _most(policy, sight):
        decision = _moved_inside(policy, sight, now)
    else:
        record, decision = (targeted if policy.targets else stepped)(policy, sight, record, now)
        decision = _bounded(policy, sight, record, decision)
    if sight.partial:
        decision = replace(decision, why=f"{decision.why}; {sight.partial}")
    if decision.changes:
        record = acted(record, now)
    return decided(record, decision), decision


def _seen(policy: ScalingPolicy, sight: Sight, record: Record, now: float) -> Record:
    """With this look's time; traffic that nobody could see counts as traffic."""
    traffic = [sight.whole.get(metric) for metric in (Metric.REQUESTS, Metric.IN_FLIGHT)]
    quiet = not (sight.blind or sight.waiting or sight.partial) and all(value == 0 for value in traffic)
    gap = now - record.seen_at > _FORGOTTEN * look_seconds(policy)
    return replace(record, seen_at=now, busy_at=record.busy_at if quiet and not gap else now)


def idle_seconds(policy: ScalingPolicy) -> float:
    """How long a service must have had no request before its last replica leaves."""
    return policy.in_window_seconds if policy.targets else policy.periods * policy.period_seconds


def _asleep(policy: ScalingPolicy, sight: Sight, now: float) -> Decision:
    if policy.least > 0:
        return _to(policy.least, f"at least {replicas(policy.least)}", sight, now)
    if sight.waiting:
        return _to(1, f"{sight.waiting} requests wait for it", sight, now)
    return _to(0, "no request waits for it", sight, now)


def _moved_inside(policy: ScalingPolicy, sight: Sight, now: float) -> Decision:
    least, most = _least(policy, sight), _most(policy, sight)
    if sight.current < least:
        return _to(least, f"{sight.current} are fewer than {_why_least(policy, sight)}", sight, now)
    if sight.frozen:
        return _to(sight.current, f"more than max_instances {policy.most}, but {sight.frozen}", sight, now)
    return _to(most, f"{sight.current} are more than max_instances {policy.most}", sight, now)


def _least(policy: ScalingPolicy, sight: Sight) -> int:
    return max(min(policy.least, policy.most), sight.floor)


def _most(policy: ScalingPolicy, sight: Sight) -> int:
    return max(policy.most, sight.floor)


def _why_least(policy: ScalingPolicy, sight: Sight) -> str:
    if sight.floor > policy.least:
        return f"the {replicas(sight.floor)} that Tidegate did not make"
    return f"min_instances {policy.least}"


def _to(wanted: int, why: str, sight: Sight, now: float) -> Decision:
    return Decision(when=now, current=sight.current, wanted=wanted, why=why)


def _bounded(policy: ScalingPolicy, sight: Sight, record: Record, decision: Decision) -> Decision:
    """Kept within what may be."""
    wanted, why = decision.wanted, decision.why
    if wanted > _most(policy, sight):
        wanted, why = _most(policy, sight), f"{why}; max_instances is {policy.most}"
    if wanted < _least(policy, sight):
        wanted, why = _least(policy, sight), f"{why}; not fewer than {_why_least(policy, sight)}"
    if wanted == 0 and decision.when < record.busy_at + idle_seconds(policy):
        wanted, why = 1, f"{why}; the last one stays until there was no request for {idle_seconds(policy):g} s"
    if wanted < sight.current and not policy.scale_in:
        wanted, why = sight.current, f"{why}; scale_in is off"
    if wanted < sight.current and sight.frozen:
        wanted, why = sight.current, f"{why}; nothing leaves: {sight.frozen}"
    return replace(decision, wanted=wanted, why=why)

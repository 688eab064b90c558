"""What covers a share of the traffic: replicas that are ready. Asked before every rise of a weight, of either side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidegate.release.record import Release, Wish
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import Spec

_LEAVING = frozenset((Wish.DRAIN, Wish.STOP, Wish.REMOVE))


def shared(spec: Spec, percent: int) -> dict[str, int]:
    """The weights that give the candidate `percent` of the traffic."""
    return {spec.stable_name: 100 - percent, spec.candidate_name: percent}


def needed(spec: Spec, weights: Mapping[str, int]) -> int:
    """How many replicas of the candidate `weights` need ready: its share of the stable side's number, at least one, never
    more than there are to be."""
    share, whole = weights.get(spec.candidate_name, 0), sum(weights.values())
    if not share:
        return 0
    return max(1, min(-(-share * spec.stables // whole), spec.replicas))


def covered(release: Release, seen: Seen, weights: Mapping[str, int]) -> bool:
    """Whether `weights` may take the place of the release's: the side that gets more has who serves it. The stable side needs
    only one ready replica, for going back there is always right."""
    before, after = _part(release.spec, release.weights), _part(release.spec, weights)
    if after[0] * before[1] > before[0] * after[1]:
        return len(ready(release, seen.candidate)) >= needed(release.spec, weights)
    if after[0] * before[1] < before[0] * after[1]:
        return bool(ready(release, seen.stable))
    return True


def _part(spec: Spec, weights: Mapping[str, int]) -> tuple[int, int]:
    """The candidate's part as a fraction."""
    return weights.get(spec.candidate_name, 0), sum(weights.values()) or 1


def staying(release: Release, containers: Iterable[Container]) -> list[Container]:
    """Those that are not told to leave."""
    fates = release.fates
    return [each for each in containers if each.id not in fates or fates[each.id].wish not in _LEAVING]


def ready(release: Release, containers: Iterable[Container]) -> list[Container]:
    """Those that can serve and are not told to leave."""
    return [each for each in staying(release, containers) if each.ready]


def steady(release: Release, containers: Iterable[Container], now: float) -> list[Container]:
    """Those that have been ready for as long as the spec wants."""
    since = now - release.spec.min_healthy_seconds
    return [each for each in ready(release, containers) if each.ready_since <= since]


def ceiling(spec: Spec) -> int:
    """How many containers of both sides may run at a time: no step needs more."""
    most, stables = 0, spec.stables
    for step in spec.steps:
        stables = min(stables, step.stables) if step.stop_first else stables
        most = max(most, step.candidates + stables)
        stables = min(stables, step.stables)
    return max(most, spec.stables, spec.replicas)

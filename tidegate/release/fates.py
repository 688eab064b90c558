"""What becomes of containers that do not simply serve: a wish for each, which only the container's own state moves on.

    drain -> stop -> remove        return (then it serves again, and has no fate)

A container is told to stop only after every worker knows that it gets nothing more, and when it has no requests left or its
time is over. It is removed only when its side has lost for good. A rollback turns drain and stop into serving again.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tidegate.release.record import Fate, Release, State, Wish
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import Retire

_LOST = {State.DRAINING, State.COMPLETE}
_DISCARDED = {State.ROLLING_BACK, State.ROLLED_BACK}


def wished(release: Release, containers: Iterable[Container], wish: Wish, now: float) -> dict[str, Fate]:
    """The release's fates with `wish` for `containers`."""
    told = {each.id: Fate(wish=wish, since=now, name=each.name, node=each.node) for each in containers}
    return {**release.fates, **told}


def without(release: Release, containers: Iterable[Container]) -> dict[str, Fate]:
    """The release's fates without those of `containers`: they serve again."""
    ids = {each.id for each in containers}
    return {id_: fate for id_, fate in release.fates.items() if id_ not in ids}


def with_wish(release: Release, containers: Iterable[Container], *wishes: Wish) -> list[Container]:
    """Those of `containers` for which one of `wishes` stands."""
    fates = release.fates
    return [each for each in containers if each.id in fates and fates[each.id].wish in wishes]


def followed(release: Release, seen: Seen, now: float) -> Release:
    """All fates moved on by what is seen; of containers that are gone, none is left."""
    if not release.fates:
        return release
    fates: dict[str, Fate] = {}
    for containers, removes in ((seen.stable, _removes_old(release, now)), (seen.candidate, _removes_new(release))):
        for container in with_wish(release, containers, *Wish):
            fate = release.fates[container.id]
            wish = _next(release, seen, container, fate, now, removes)
            if wish is not None:
                fates[container.id] = fate if wish is fate.wish else replace(fate, wish=wish, since=now)
    return release if fates == release.fates else replace(release, fates=fates)


def _next(release: Release, seen: Seen, container: Container, fate: Fate, now: float, removes: bool) -> Wish | None:
    """What is wished of it now; None when it simply serves again."""
    if fate.wish is Wish.RETURN:
        return None if container.ready else Wish.RETURN
    if fate.wish is Wish.DRAIN:
        over = container.idle or now >= fate.since + release.spec.drain_seconds
        return Wish.STOP if not container.alive or (seen.live and over) else Wish.DRAIN
    if fate.wish is Wish.STOP and removes and not container.alive:
        return Wish.REMOVE
    return fate.wish


def _removes_old(release: Release, now: float) -> bool:
    return release.spec.retire is Retire.REMOVE and release.state in _LOST and 0.0 < release.retire_at <= now


def _removes_new(release: Release) -> bool:
    return release.spec.discard is Retire.REMOVE and release.state in _DISCARDED

"""The way back: the old side takes over again, as fast as it can serve.

Old replicas that were draining serve at once; those that stopped are started again, as far as no more containers run than the
release may have. The candidate's share falls with each one that gets ready, to 0 when none more is to come; replicas that its
share does not need leave, broken ones at once. Where both cannot live side by side (stop first), the candidate's leave first.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.release.capacity import ceiling, ready, shared, staying
from tidegate.release.fates import wished, with_wish, without
from tidegate.release.record import TIDEGATE, Release, State, Wish, moved
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import Retire


def can_return(release: Release, seen: Seen) -> bool:
    """Whether anybody of the old side serves, or is stopped by us and can be started again."""
    serves = any(each.ready for each in seen.stable if _wish(release, each) not in (Wish.STOP, Wish.REMOVE))
    return serves or bool(with_wish(release, seen.stable, Wish.STOP))


def begin_retreat(
    release: Release, seen: Seen, now: float, *, reason: str, who: str = TIDEGATE, why: str = ""
) -> Release:
    """`release`, on its way back because of `reason`."""
    nobody = not ready(release, seen.stable) and not ready(release, seen.candidate)
    return moved(
        release,
        now,
        "rolling back",
        who=who,
        why=why or reason,
        state=State.ROLLING_BACK,
        reason=reason,
        candidates=0,
        held=release.held or (release.spec.stops_first and nobody),
        paused=None,
        phase_since=now,
        progress_at=now,
        most_ready=0,
        short_since=0.0,
        retire_at=0.0,
    )


def retreated(release: Release, seen: Seen, now: float) -> Release:
    """The next transition on the way back."""
    for rule in (_undrained, _restarted, _progressed, _lowered, _thinned, _arrived):
        after = rule(release, seen, now)
        if after is not release:
            return after
    return _overdue(release, seen, now)


def _undrained(release: Release, seen: Seen, now: float) -> Release:
    draining = with_wish(release, seen.stable, Wish.DRAIN)
    return replace(release, fates=without(release, draining), progress_at=now) if draining else release


def _restarted(release: Release, seen: Seen, now: float) -> Release:
    stopped = [each for each in with_wish(release, seen.stable, Wish.STOP, Wish.REMOVE) if not each.alive]
    back = _placed(release, seen, stopped)[: _room(release, seen)]
    if not back:
        return release
    what = f"{len(back)} replicas of {release.spec.stable.called} start again"
    return moved(release, now, what, fates=wished(release, back, Wish.RETURN, now), progress_at=now)


def _placed(release: Release, seen: Seen, stopped: list[Container]) -> list[Container]:
    """Those whose place is free: with stop first, no replica of the candidate is about to end, or stands in their slot."""
    if not release.spec.stops_first:
        return stopped
    if _ending(release, seen):
        return []
    taken = {release.spec.slot(each.number).container for each in seen.candidate if each.alive and release.spec.slots}
    return [each for each in stopped if each.id not in taken]


def _ending(release: Release, seen: Seen) -> bool:
    """Whether a replica of the candidate was told to leave and still runs."""
    return any(each.alive for each in with_wish(release, seen.candidate, Wish.DRAIN, Wish.STOP, Wish.REMOVE))


def _room(release: Release, seen: Seen) -> int:
    spec = release.spec
    most = ceiling(spec) if spec.creates else spec.stables + spec.replicas
    coming = [each for each in with_wish(release, seen.stable, Wish.RETURN) if not each.alive]
    return max(0, most - len(coming) - sum(each.alive for each in (*seen.stable, *seen.candidate)))


def _progressed(release: Release, seen: Seen, now: float) -> Release:
    able = len(ready(release, seen.stable))
    return replace(release, most_ready=able, progress_at=now) if able > release.most_ready else release


def _lowered(release: Release, seen: Seen, now: float) -> Release:
    """The candidate's share falls to what the old side cannot carry yet; it never rises."""
    if not ready(release, seen.stable):
        return release
    percent = _wanted_share(release, seen)
    if percent < 100 * release.share:
        what = f"share {percent} %"
        return moved(release, now, what, weights=shared(release.spec, percent), held=False, progress_at=now)
    return replace(release, held=False) if release.held else release


def _wanted_share(release: Release, seen: Seen) -> int:
    return -(-100 * _missing(release, seen) // release.spec.stables)


def _missing(release: Release, seen: Seen) -> int:
    """How many replicas of the old side the candidate still stands in for."""
    able, coming = ready(release, seen.stable), with_wish(release, seen.stable, Wish.STOP, Wish.RETURN)
    if not able:
        return release.spec.stables
    if not coming or not ready(release, seen.candidate):
        return 0
    return max(0, release.spec.stables - len(able))


def _thinned(release: Release, seen: Seen, now: float) -> Release:
    """Replicas of the candidate leave that are broken or more than its share needs."""
    if release.spec.discard is Retire.KEEP:
        return release
    stay = staying(release, seen.candidate)
    leaving = [each for each in stay if not each.ready]
    useful = sorted((each for each in stay if each.ready), key=lambda each: (each.number, each.id))
    if seen.live:
        leaving += useful[: _too_many(release, seen, len(useful))]
    if not leaving:
        return release
    nobody = len(leaving) == len(stay) and not ready(release, seen.stable)
    what = f"{len(leaving)} replicas of {release.spec.candidate.called} leave"
    held = release.held or (nobody and release.spec.stops_first)
    fates = wished(release, leaving, Wish.DRAIN, now)
    return moved(release, now, what, fates=fates, held=held, progress_at=now)


def _too_many(release: Release, seen: Seen, useful: int) -> int:
    """By share; with stop first a whole batch, when the old of the batch before are back."""
    surplus = useful
    if release.share:
        surplus -= -(-_missing(release, seen) * release.spec.replicas // release.spec.stables)
    waiting = with_wish(release, seen.stable, Wish.STOP)
    changing = _ending(release, seen) or with_wish(release, seen.stable, Wish.RETURN)
    if release.spec.stops_first and waiting and not changing:
        surplus = max(surplus, release.spec.steps[0].candidates)
    return max(0, surplus)


def _arrived(release: Release, seen: Seen, now: float) -> Release:
    if release.share or not seen.live or seen.busy or with_wish(release, seen.stable, Wish.STOP, Wish.RETURN):
        return release
    if _remaining(release, seen):
        return release
    fates = {id_: fate for id_, fate in release.fates.items() if id_ in {each.id for each in seen.candidate}}
    return moved(release, now, "rolled back", why=release.reason, state=State.ROLLED_BACK, fates=fates)


def _remaining(release: Release, seen: Seen) -> bool:
    """Whether any of the candidate's replicas still has to go."""
    if release.spec.discard is Retire.KEEP:
        return False
    return any(each.alive or release.spec.discard is Retire.REMOVE for each in seen.candidate)


def _overdue(release: Release, seen: Seen, now: float) -> Release:
    """Old replicas that do not come back are not waited for for ever; where none does, the release has failed."""
    spec, waited = release.spec, now - release.progress_at
    coming = with_wish(release, seen.stable, Wish.RETURN)
    if coming and waited >= spec.ready_seconds and ready(release, seen.stable):
        names = ", ".join(each.name for each in coming)
        return moved(release, now, f"goes on without {names}", fates=without(release, coming), progress_at=now)
    if waited < spec.progress_seconds:
        return release
    why = f"{release.reason}; and {spec.stable.called} did not take over within {waited:.0f} s"
    return moved(release, now, "failed", why=why, state=State.FAILED, reason=why, fates={}, held=False)


def _wish(release: Release, container: Container) -> Wish | None:
    fate = release.fates.get(container.id)
    return fate.wish if fate is not None else None

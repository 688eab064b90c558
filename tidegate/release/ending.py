"""The end of a release: the old side leaves, at once or after it was retained; the record is closed when the loser is gone."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.release.capacity import shared
from tidegate.release.fates import wished
from tidegate.release.record import TIDEGATE, Release, State, Wish, moved
from tidegate.release.seen import Seen
from tidegate.release.spec import Retire


def begin_draining(release: Release, now: float, who: str = TIDEGATE, why: str = "") -> Release:
    """It is decided: all traffic to the candidate, unless the weights shall stay as a person set them."""
    spec = release.spec
    at_once = spec.retire is not Retire.KEEP and not spec.retain_seconds
    return moved(
        release,
        now,
        f"decided for {spec.candidate.called}",
        who=who or TIDEGATE,
        why=why,
        state=State.DRAINING,
        weights=release.weights if release.keep else shared(spec, 100),
        phase_since=now,
        paused=None,
        held=False,
        short_since=0.0,
        retire_at=now if at_once else 0.0,
    )


def drained(release: Release, seen: Seen, now: float) -> Release:
    """DRAINING: complete when the last weights are live and the old side is gone, or is to stay for now. What takes too long is
    left behind: it is decided, nobody depends on it, and it is still told to go."""
    overdue = now >= release.phase_since + release.spec.progress_seconds
    if not seen.live and not overdue:
        return release
    late = "" if seen.live else "not every worker has taken over the weights"
    if not release.retire_at:
        keeps = release.spec.retire is Retire.KEEP
        return _completed(release, now, 0.0 if keeps else now + release.spec.retain_seconds, late)
    leaving = _leave(release, seen, now)
    left = _left(release, seen)
    if leaving is not release or (left and not overdue):
        return leaving
    return _completed(release, now, release.retire_at, late or (f"left behind: {', '.join(left)}" if left else ""))


def _completed(release: Release, now: float, retire_at: float, why: str = "") -> Release:
    return moved(release, now, "complete", why=why, state=State.COMPLETE, retire_at=retire_at)


def retired(release: Release, seen: Seen, now: float) -> Release:
    """COMPLETE: the retained side leaves when its time is over; with its last container the record is closed."""
    if not seen.stable:
        return moved(release, now, "the old side is gone", closed=True, fates={})
    if release.spec.candidate_name in release.weights and not seen.candidate:
        return _deserted(release, now)
    if release.short_since:
        return replace(release, short_since=0.0)
    if not release.retire_at or now < release.retire_at:
        return release
    leaving = _leave(release, seen, now)
    if leaving is not release or _left(release, seen) or release.spec.retire is Retire.REMOVE:
        return leaving
    return replace(release, retire_at=0.0, fates={})  # whoever starts them again has his reasons; they get no traffic


def _leave(release: Release, seen: Seen, now: float) -> Release:
    """All of the old side is told to leave; what has ended only if it is to be removed."""
    removes = release.spec.retire is Retire.REMOVE
    untold = [each for each in seen.stable if each.id not in release.fates and (each.alive or removes)]
    if not untold:
        return release
    what = f"{len(untold)} replicas of {release.spec.stable.called} leave"
    return moved(release, now, what, fates=wished(release, untold, Wish.DRAIN, now))


def _left(release: Release, seen: Seen) -> list[str]:
    """Names of the old side's containers that are still to go."""
    removes = release.spec.retire is Retire.REMOVE
    return [each.name for each in seen.stable if removes or each.alive]


def cleaned(release: Release, seen: Seen, now: float) -> Release:
    """ROLLED_BACK or FAILED: governs until the candidate is gone. What we made and what appears
    late (a container whose making outlived us) is removed."""
    if not seen.busy and not seen.candidate:
        return moved(release, now, "the new side is gone", closed=True, fates={})
    if release.spec.stable_name in release.weights and not seen.stable:
        return _deserted(release, now)
    if release.short_since:
        return replace(release, short_since=0.0)
    if release.state is State.FAILED or not release.spec.creates or release.spec.discard is Retire.KEEP:
        return release
    late = [each for each in seen.candidate if each.id not in release.fates]
    return replace(release, fates=wished(release, late, Wish.DRAIN, now)) if late else release


def _deserted(release: Release, now: float) -> Release:
    """The side that won is gone, and the other is not: somebody went back by hand. It is closed, unless they come again at once
    (containers that are made anew), so that whoever is left serves."""
    if not release.short_since:
        return replace(release, short_since=now)
    if now < release.short_since + release.spec.short_seconds:
        return release
    return moved(release, now, "closed", why="nobody of the side that had the traffic is left", closed=True, fates={})

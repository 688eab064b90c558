"""One transition of a release: what its record becomes, by what is seen. The same object where nothing is to change.

Ask again after each commit until nothing changes, and whenever something was seen or a second has passed. What is only
noted (a further replica is ready, a container may stop now) is a change of its own, so that each call is one small write.
In order: what became of containers that leave, what must be remembered, what speaks against the candidate, the next step.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.release.capacity import needed, ready
from tidegate.release.ending import cleaned, drained, retired
from tidegate.release.failures import Finding, failed, found
from tidegate.release.fates import followed
from tidegate.release.record import UNDECIDED, Cause, Phase, Release, State
from tidegate.release.retreat import retreated
from tidegate.release.seen import Seen
from tidegate.release.stepping import stepped


def advance(release: Release, seen: Seen, now: float) -> Release:
    """`release` after at most one transition. While not everything is in sight, or after it was closed, it is left alone."""
    if release.closed or not seen.whole:
        return release
    after = _advanced(release, seen, now)
    return after if after is release else _remembering(release, seen, after)


def _remembering(release: Release, seen: Seen, after: Release) -> Release:
    """Where a window of the gates ends with this transition, what the stable side did in it: whoever goes on after a crash has no
    other figures to compare with, once that side has no traffic any more."""
    if after.finished:
        return after if after.reference is None else replace(after, reference=None)
    if seen.reference is None or _window(after) == _window(release):
        return after
    return replace(after, reference=seen.reference)


def _window(release: Release) -> tuple[int, Phase, float]:
    return release.step, release.phase, release.phase_since


def _advanced(release: Release, seen: Seen, now: float) -> Release:
    after = followed(release, seen, now)
    if after is not release:
        return after
    if release.state in UNDECIDED:
        return _undecided(release, seen, now)
    if release.state is State.ROLLING_BACK:
        return retreated(release, seen, now)
    if release.state is State.DRAINING:
        return release if release.paused else drained(release, seen, now)
    if release.state is State.COMPLETE:
        return retired(release, seen, now)
    return cleaned(release, seen, now)


def _undecided(release: Release, seen: Seen, now: float) -> Release:
    noted = _noted(release, seen, now)
    if noted is not release:
        return noted
    finding = found(release, seen, now)
    if finding is not None:
        return _condemned(release, seen, now, finding)
    return release if release.paused else stepped(release, seen, now)


def _condemned(release: Release, seen: Seen, now: float, finding: Finding) -> Release:
    if release.paused is not None and release.paused.cause is Cause.FAILURE:
        return release  # a person was asked already
    return failed(release, seen, now, finding)


def _noted(release: Release, seen: Seen, now: float) -> Release:
    """What later rules need to know of earlier looks: progress, shortage, and restarts from before the release."""
    if release.state is State.PENDING:
        return release
    able = len(ready(release, seen.candidate))
    if able > release.most_ready:
        return replace(release, most_ready=able, progress_at=now)
    short = able < needed(release.spec, release.weights)
    if short != bool(release.short_since):
        return replace(release, short_since=now if short else 0.0)
    return release

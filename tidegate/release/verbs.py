"""What a person may say to a release: promote, pause, resume, abort, weights. Each takes the record, what is seen, and who
says it, and returns the record as it is to be stored.

Raises Conflict with what is in the way and what may be said instead: T2002 where the release is at another point, T2003 where
nobody would serve.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from tidegate.errors import Conflict, Problem
from tidegate.release.capacity import covered, needed, ready, shared, staying
from tidegate.release.ending import begin_draining
from tidegate.release.failures import first_look
from tidegate.release.fates import wished
from tidegate.release.record import UNDECIDED, Cause, Pause, Phase, Release, State, Wish, moved
from tidegate.release.retreat import begin_retreat, can_return
from tidegate.release.seen import Seen
from tidegate.release.stepping import held_again, passed
from tidegate.value import Value

MOST_WEIGHT = 1000


class By(Value):
    """Who says it, when (seconds since the epoch), and why."""

    who: str
    when: float
    why: str = ""


def promote(release: Release, seen: Seen, by: By, *, full: bool = False, keep: bool = False) -> Release:
    """What the release waits for is skipped: a hold, or a confirmation. `full`: all further ones too. When that ends it, all
    traffic goes to the candidate, unless the weights shall stay as they were set by hand (`keep`)."""
    if release.state not in UNDECIDED:
        raise _not_now(release, "promote", "the decision was made")
    hurried = _said(replace(release, full=release.full or full), by, "promoted to the end" if full else "promoted")
    hurried = _forgiven(hurried, seen, by.when)
    if release.state is State.AWAITING_CONFIRM:
        return _confirmed(hurried, seen, by, keep)
    paused = release.paused
    if paused is not None and paused.cause is Cause.CONFIRM:
        return passed(hurried, by.when)
    if release.phase is Phase.HOLD:
        return replace(hurried, paused=None, skip=True, window=by.when)  # what was counted is known to whoever says so
    if not full and paused is None:
        raise _not_now(release, "promote", _waiting(release, seen))
    return _going_on(hurried, seen, by.when) if paused is not None else hurried


def _confirmed(release: Release, seen: Seen, by: By, keep: bool) -> Release:
    weights = release.weights if keep else shared(release.spec, 100)
    if not weights.get(release.spec.candidate_name):
        raise _not_now(release, "promote", f"{release.spec.candidate.called} has no weight, and the weights shall stay")
    if not covered(release, seen, weights) or not ready(release, seen.candidate):
        raise _nobody(release, seen, weights)
    return begin_draining(replace(release, keep=keep), by.when, by.who, by.why)


def _waiting(release: Release, seen: Seen) -> str:
    step = release.spec.steps[release.step]
    if release.phase is Phase.REDUCE:
        return f"replicas of {release.spec.stable.called} are leaving"
    if release.phase is Phase.SHIFT:
        return "the new weights are on their way to the workers"
    return f"{len(ready(release, seen.candidate))} of {step.candidates} replicas are ready, and no share goes to the others"


def pause(release: Release, _seen: Seen, by: By) -> Release:
    """Nothing goes on until it is resumed; the candidate keeps the share it has, and still loses it if it breaks."""
    if release.held:
        raise _not_now(release, "pause", "requests are held until it goes on: abort it, or let it go on")
    if release.state not in UNDECIDED or release.state is State.AWAITING_CONFIRM or release.paused is not None:
        why = "it waits for you already" if release.state in UNDECIDED else "the decision was made"
        raise _not_now(release, "pause", why)
    halt = Pause(cause=Cause.OPERATOR, text=by.why, since=by.when, who=by.who)
    return replace(_said(release, by, "paused"), paused=halt)


def resume(release: Release, seen: Seen, by: By) -> Release:
    """It goes on where it was paused. A hold that was interrupted lasts as long as it was to; one that ended in a pause begins
    anew. What broke is forgiven: replicas of ours that ended are made anew."""
    paused = release.paused
    if paused is None or paused.cause is Cause.CONFIRM:
        why = "it is not paused" if paused is None else "the plan wants a confirmation here: promote it"
        raise _not_now(release, "resume", why)
    return _going_on(_said(release, by, "resumed"), seen, by.when)


def _going_on(release: Release, seen: Seen, now: float) -> Release:
    """Time stood still while it was paused."""
    paused = release.paused
    assert paused is not None
    free = replace(_forgiven(release, seen, now), paused=None, reason="")
    if paused.cause is not Cause.OPERATOR:
        if release.phase is Phase.HOLD:
            return held_again(free, now)
        return replace(free, phase_since=now, progress_at=now, window=now if release.window else 0.0)
    lost = now - paused.since
    later = replace(free, progress_at=release.progress_at + lost)
    if release.phase is Phase.HOLD:  # its beginning stays: that is the window of its gates
        return replace(later, until=release.until + lost)
    return replace(later, phase_since=release.phase_since + lost)


def _forgiven(release: Release, seen: Seen, now: float) -> Release:
    """A failure that a person has looked at is not held against the candidate again, and what is missing has time to come up."""
    if release.paused is None or release.paused.cause is not Cause.FAILURE:
        return release
    broken = [each for each in staying(release, seen.candidate) if each.out_of_memory or not each.alive]
    fates = wished(release, broken, Wish.REMOVE, now) if release.spec.creates else release.fates
    short_since = now + release.spec.ready_seconds - release.spec.short_seconds if broken else 0.0
    return replace(release, fates=fates, restarted=first_look(seen), short_since=short_since)


def abort(release: Release, seen: Seen, by: By) -> Release:
    """The old side takes over again, as long as anybody of it is there or the candidate has no share yet."""
    if release.state not in UNDECIDED and release.state is not State.DRAINING:
        raise _not_now(release, "abort", "it is on its way back" if not release.finished else "it has ended")
    if release.share and not can_return(release, seen) and ready(release, seen.candidate):
        raise Conflict(
            Problem(
                code="T2003",
                text=f"{release} cannot be aborted: nobody of {release.spec.stable.called} is left to take over",
                place=release.spec.service,
                mend=f"start replicas of {release.spec.stable.called}, or deploy another version",
                kept=f"{release.spec.candidate.called} keeps its share of {release.share:.0%}",
            )
        )
    return begin_retreat(release, seen, by.when, reason=by.why or f"aborted by {by.who}", who=by.who, why=by.why)


def weigh(release: Release, seen: Seen, by: By, weights: Mapping[str, int]) -> Release:
    """The weights as a person sets them, relative, each 0 to 1000; what is not named keeps its own. While the release waits for
    a person, and as far as what is ready covers it."""
    waits = release.state is State.AWAITING_CONFIRM or (release.paused is not None and release.state in UNDECIDED)
    if not waits:
        raise _not_now(release, "shift", "it moves the weights itself: pause it first")
    known = {release.spec.stable_name, release.spec.candidate_name}
    set_ = {**release.weights, **weights}
    wrong = [name for name, weight in weights.items() if name not in known or not 0 <= weight <= MOST_WEIGHT]
    if wrong or not any(set_.values()):
        raise _not_now(
            release, "shift", f"weights are 0 to {MOST_WEIGHT}, of {' and '.join(sorted(known))}, one above 0"
        )
    if not covered(release, seen, set_):
        raise _nobody(release, seen, set_)
    what = "weights set to " + ", ".join(f"{name}={weight}" for name, weight in set_.items())
    return replace(_said(release, by, what), weights=set_, short_since=0.0)


def _said(release: Release, by: By, what: str) -> Release:
    return moved(release, by.when, what, who=by.who, why=by.why)


def _not_now(release: Release, verb: str, cause: str) -> Conflict:
    state = release.state.value + (", paused" if release.paused is not None else "")
    return Conflict(
        Problem(
            code="T2002",
            text=f"{release} is {state}: {verb} is not possible now",
            place=release.spec.service,
            cause=cause,
            kept="nothing was changed",
        )
    )


def _nobody(release: Release, seen: Seen, weights: Mapping[str, int]) -> Conflict:
    able, wanted = len(ready(release, seen.candidate)), max(1, needed(release.spec, weights))
    old = len(ready(release, seen.stable))
    return Conflict(
        Problem(
            code="T2003",
            text=f"{release} cannot move these weights: nobody would serve them",
            place=release.spec.service,
            cause=f"{able} replicas of {release.spec.candidate.called} are ready, {wanted} are needed; "
            f"{old} of {release.spec.stable.called} are",
            mend="wait until they are ready, or promote it, for its steps bring the replicas"
            if release.spec.creates
            else "wait until they are ready, or start more",
            kept="the weights stay as they are",
        )
    )

"""A release step by step, phase by phase: start, shift, hold, reduce (reduce first, where the old have to stop first)."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.release.capacity import covered, ready, shared, staying, steady
from tidegate.release.ending import begin_draining
from tidegate.release.failures import Finding, asked, failed, first_look, stuck
from tidegate.release.fates import wished, with_wish
from tidegate.release.gates import Outcome
from tidegate.release.holding import outcome, said, unsure, verdicts_of
from tidegate.release.pinning import pinned
from tidegate.release.record import Cause, Phase, Release, State, Wish, moved
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import OnUnsure, Step

_LEAVING = (Wish.DRAIN, Wish.STOP, Wish.REMOVE)


def stepped(release: Release, seen: Seen, now: float) -> Release:
    """The next transition of a release that is neither decided nor paused."""
    if release.state is State.PENDING:
        begun = entered(release, 0, now)
        return moved(begun, now, "started", state=State.STARTING, restarted=first_look(seen))
    if release.state is State.AWAITING_CONFIRM:
        return release
    if release.lacking:
        return pinned(release, seen, now)  # before the old ones stop, where they stop first
    if release.phase is Phase.HOLD:
        return _held(release, seen, now)
    verdicts = verdicts_of(release, seen)
    if any(each.outcome is Outcome.FAIL for each in verdicts):
        return failed(replace(release, verdicts=verdicts), seen, now, Finding(text=said(verdicts, Outcome.FAIL)))
    if release.phase is Phase.START:
        return _started(release, seen, now)
    if release.phase is Phase.SHIFT:
        return _shifted(release, seen, now)
    return _reduced(release, seen, now)


def entered(release: Release, index: int, now: float) -> Release:
    """`release` at the beginning of step `index`."""
    step = release.spec.steps[index]
    fresh = replace(release, step=index, skip=False, extended=0, verdicts=())
    if step.stop_first:
        return _in_phase(fresh, Phase.REDUCE, now)
    return replace(_in_phase(fresh, Phase.START, now), candidates=max(release.candidates, step.candidates))


def passed(release: Release, now: float) -> Release:
    """`release` after its hold, and after the confirmation where the plan wants one before the end."""
    step = release.spec.steps[release.step]
    if step.stop_first:
        return _next_step(release, now)
    return replace(_in_phase(release, Phase.REDUCE, now), paused=None)


def held_again(release: Release, now: float) -> Release:
    """`release` at the beginning of its hold, with a new window."""
    return replace(_in_phase(release, Phase.HOLD, now), window=now, extended=0, verdicts=())


def _in_phase(release: Release, phase: Phase, now: float) -> Release:
    until = now + release.spec.steps[release.step].hold_seconds if phase is Phase.HOLD else 0.0
    return replace(release, phase=phase, phase_since=now, progress_at=now, most_ready=0, until=until)


def _started(release: Release, seen: Seen, now: float) -> Release:
    step = release.spec.steps[release.step]
    able = ready(release, seen.candidate)
    if len(able) < step.candidates:
        return release
    if release.state is State.STARTING:
        return moved(release, now, f"{len(able)} replicas of {release.spec.candidate.called} ready", state=State.GATING)
    rises = step.share > 100 * release.share  # a person may have gone further already
    weights = shared(release.spec, step.share) if rises else release.weights
    if not _long_enough(release, seen, step, now) or not covered(release, seen, weights):
        return release
    after = replace(_in_phase(release, Phase.SHIFT, now), held=False)
    if not rises:
        return after
    return moved(after, now, f"share {step.share} %", weights=weights, state=State.SHIFTING)


def _shifted(release: Release, seen: Seen, now: float) -> Release:
    """The weights are live: what is watched begins. Where too few requests came for a verdict of the step before, its count goes on."""
    if not seen.live:
        return stuck(release, seen, now, "the workers' tables are late")
    goes_on = release.spec.on_unsure is OnUnsure.PASS and release.window and unsure(release, seen)
    return replace(_in_phase(release, Phase.HOLD, now), window=release.window if goes_on else now)


def _long_enough(release: Release, seen: Seen, step: Step, now: float) -> bool:
    """While requests are held there is no time to prove oneself without; the hold that follows watches."""
    return release.held or len(steady(release, seen.candidate, now)) >= step.candidates


def _held(release: Release, seen: Seen, now: float) -> Release:
    end = outcome(release, seen, now)
    if end is None:
        return release
    verdicts = verdicts_of(release, seen)
    after = replace(release, verdicts=verdicts)
    if end is Outcome.FAIL:
        return failed(after, seen, now, Finding(text=said(verdicts, Outcome.FAIL)))
    if end is Outcome.INCONCLUSIVE and release.spec.on_unsure is OnUnsure.WAIT:
        return _unsure(after, now, said(verdicts, Outcome.INCONCLUSIVE, Outcome.ERROR))
    if end is Outcome.INCONCLUSIVE:
        why = said(verdicts, Outcome.INCONCLUSIVE, Outcome.ERROR)
        after = moved(after, now, "goes on without a verdict", why=why)
    return _after_hold(after, now)


def _unsure(release: Release, now: float, text: str) -> Release:
    if release.extended >= release.spec.extensions:
        return asked(release, now, text or "the gates were not asked", Cause.INCONCLUSIVE)
    until = now + release.spec.steps[release.step].hold_seconds
    return moved(release, now, "hold extended", why=text, until=until, extended=release.extended + 1)


def _after_hold(release: Release, now: float) -> Release:
    step = release.spec.steps[release.step]
    if not step.confirm or release.full:
        return passed(release, now)
    if release.step == len(release.spec.steps) - 1:
        return moved(release, now, "waits to be confirmed", state=State.AWAITING_CONFIRM)
    return asked(release, now, f"step {release.step + 1} waits to be confirmed", Cause.CONFIRM)


def _reduced(release: Release, seen: Seen, now: float) -> Release:
    """Old replicas leave until as many are left as the step leaves, and those that left have ended."""
    step = release.spec.steps[release.step]
    running = [each for each in staying(release, seen.stable) if each.alive]
    surplus = len(running) - step.stables
    if surplus > 0 and step.stop_first and not _is_replaced(release, seen, step):
        return stuck(release, seen, now, f"the replicas of {release.spec.candidate.called} are not there")
    due = _due(release, step)
    if surplus > 0 and round(100 * release.share) < due:
        return _shared_again(release, seen, due, now)
    if surplus > 0:
        leaving = _in_order(release, running, step)[:surplus]
        what = f"{surplus} of {len(running)} replicas of {release.spec.stable.called} leave"
        held = step.stop_first and step.stables == 0 and release.candidates == 0  # nobody is left to serve
        fates = wished(release, leaving, Wish.DRAIN, now)
        # What was waited for until now is over: the clock begins anew.
        return moved(release, now, what, fates=fates, held=held, phase_since=now)
    ending = [each.name for each in with_wish(release, seen.stable, *_LEAVING) if each.alive]
    if ending:
        return stuck(release, seen, now, f"{', '.join(ending)} does not end")
    if step.stop_first:
        return replace(_in_phase(release, Phase.START, now), candidates=max(release.candidates, step.candidates))
    return _next_step(release, now)


def _due(release: Release, step: Step) -> int:
    """The percent that the candidate has before old replicas leave: where they leave first, that of the step before."""
    if not step.stop_first:
        return step.share
    return release.spec.steps[release.step - 1].share if release.step else 0


def _shared_again(release: Release, seen: Seen, percent: int, now: float) -> Release:
    """A person set the weights back while it was paused; those that are to leave have traffic again."""
    weights = shared(release.spec, percent)
    if not covered(release, seen, weights):
        return stuck(release, seen, now, f"the replicas of {release.spec.candidate.called} are not ready")
    return moved(release, now, f"share {percent} %", weights=weights)


def _is_replaced(release: Release, seen: Seen, step: Step) -> bool:
    """Nobody leaves before those that somebody else starts in their place are there; we make ours when the place is free."""
    there = [each for each in seen.candidate if each.alive or each.id in release.fates]
    return release.spec.creates or len(there) >= step.candidates


def _in_order(release: Release, containers: list[Container], step: Step) -> list[Container]:
    """Who leaves first: by slot where the new one takes the old one's place; else those that serve nobody, then by number."""
    places = {slot.container: index for index, slot in enumerate(release.spec.slots)}
    if step.stop_first:
        return sorted(containers, key=lambda each: (places.get(each.id, len(places)), each.number, each.id))
    return sorted(containers, key=lambda each: (each.ready, each.number, each.id))


def _next_step(release: Release, now: float) -> Release:
    steps, index = release.spec.steps, release.step + 1
    if index >= len(steps):
        return begin_draining(release, now)
    while release.full and index + 1 < len(steps) and steps[index + 1].stables == steps[release.step].stables:
        index += 1  # in a hurry: no step of these reduces the old side, so the last of them is as safe as the first
    return entered(replace(release, paused=None), index, now)

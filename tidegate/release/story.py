"""A release in words, for people: what it is going to do, and what it waits for now."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.release.capacity import ready
from tidegate.release.fates import with_wish
from tidegate.release.record import FINISHED, Phase, Release, State, Wish
from tidegate.release.seen import Seen
from tidegate.release.spec import Retire, Spec, Step
from tidegate.value import Value


class Standing(Value):
    """Where a release is. `step` counts from 1; `waits_for` is one sentence; `seconds_left` is None where no time runs."""

    state: State
    step: int
    steps: int
    share_percent: float
    ready: int
    wanted: int
    waits_for: str
    seconds_left: float | None = None


def planned(spec: Spec) -> tuple[str, ...]:
    """All that a release of this spec does if nothing fails, one line for each thing."""
    return tuple(_lines(spec))


def _lines(spec: Spec) -> Iterator[str]:
    before = Step(candidates=0, share=0, stables=spec.stables)
    for step in spec.steps:
        yield from _of_step(spec, before, step)
        before = step
    if before.share < 100:
        yield f"100 % of the traffic to {spec.candidate.called}, or the weights as they were set by hand"
    ends = {Retire.KEEP: "stay without traffic", Retire.STOP: "are stopped", Retire.REMOVE: "are removed"}
    after = f" {spec.retain_seconds:.0f} s later" if spec.retain_seconds and spec.retire is not Retire.KEEP else ""
    yield f"the containers of {spec.stable.called} {ends[spec.retire]}{after}"


def _of_step(spec: Spec, before: Step, step: Step) -> Iterator[str]:
    new, old = spec.candidate.called, spec.stable.called
    leaving = before.stables - step.stables
    if step.stop_first and leaving:
        held = "; requests wait until they are replaced" if not step.stables and not before.candidates else ""
        yield f"{_replicas(leaving)} of {old} stopped{held}"
    if step.candidates > before.candidates:
        made = "started" if spec.creates else "ready"
        yield f"{_replicas(step.candidates - before.candidates)} of {new} {made}"
    if step.share > before.share:
        yield f"{step.share} % of the traffic to {new}"
    if step.hold_seconds and (spec.gates or not step.brief):
        most = " at most" if step.brief else ""
        yield f"watched for {step.hold_seconds:.0f} s{most}: {', '.join(gate.name for gate in spec.gates) or 'no gates'}"
    if step.confirm:
        yield "waits to be confirmed"
    if leaving and not step.stop_first:
        yield f"{_replicas(leaving)} of {old} stopped"


def _replicas(number: int) -> str:
    return f"{number} replica{'s' if number != 1 else ''}"


def standing(release: Release, seen: Seen, now: float) -> Standing:
    """Where it is, and what it waits for."""
    step = release.spec.steps[release.step]
    back = release.state in (State.ROLLING_BACK, State.ROLLED_BACK)
    able = ready(release, seen.stable if back else seen.candidate)
    text, left = _waits_for(release, seen, now, len(able), step)
    return Standing(
        state=release.state,
        step=release.step + 1,
        steps=len(release.spec.steps),
        share_percent=100 * release.share,
        ready=len(able),
        wanted=release.spec.stables if back else step.candidates,
        waits_for=text,
        seconds_left=max(0.0, left - now) if left else None,
    )


def _waits_for(release: Release, seen: Seen, now: float, able: int, step: Step) -> tuple[str, float]:
    """The sentence, and until when; 0 where no time runs."""
    new, old = release.spec.candidate.called, release.spec.stable.called
    if release.paused is not None:
        by = f" by {release.paused.who}" if release.paused.who else ""
        return f"paused{by}: {release.paused.text}", 0.0
    if release.state is State.COMPLETE and release.retire_at > now:
        return f"{old} is retained", release.retire_at
    if release.state in FINISHED:
        return release.reason if release.state is not State.COMPLETE else "", 0.0
    if release.state is State.ROLLING_BACK:
        return f"{able} of {release.spec.stables} replicas of {old} ready: {release.reason}", 0.0
    if release.state is State.AWAITING_CONFIRM:
        return "a person has to confirm", 0.0
    if release.state is State.DRAINING or release.phase is Phase.REDUCE:
        leaving = [each for each in with_wish(release, seen.stable, Wish.DRAIN, Wish.STOP) if each.alive]
        return f"{_replicas(len(leaving))} of {old} to end", 0.0
    if release.phase is Phase.START:
        until = max(release.phase_since, release.progress_at) + release.spec.ready_seconds
        return (
            f"{able} of {step.candidates} replicas of {new} ready",
            until if release.state is not State.PENDING else 0.0,
        )
    if release.phase is Phase.SHIFT:
        return "the workers to take over the weights", 0.0
    return f"{new} is watched" + (f", extended {release.extended} times" if release.extended else ""), release.until

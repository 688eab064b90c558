"""What speaks against a candidate before it is decided, and what follows: the healthy side takes over, or a person is asked.

What a gate says comes from `holding`; here is what needs no window: a container that crashed, one that never gets ready, too
few that are. Those hold while paused too, for a pause is no reason to send requests to what is broken.
"""

from __future__ import annotations

from tidegate.model import InstanceState
from tidegate.release.capacity import needed, ready, staying
from tidegate.release.gates import RestartGate
from tidegate.release.record import Cause, Pause, Phase, Release, State, moved
from tidegate.release.retreat import begin_retreat, can_return
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import OnFailure
from tidegate.value import Value


class Finding(Value):
    """What speaks against the candidate, in one sentence with its numbers."""

    text: str


def found(release: Release, seen: Seen, now: float) -> Finding | None:
    """The first thing that speaks against the candidate now."""
    if release.state is State.PENDING:
        return None
    text = _crashed(release, seen) or _refused(release, seen) or _late(release, seen, now) or _short(release, seen, now)
    return Finding(text=text) if text else None


def failed(release: Release, seen: Seen, now: float, finding: Finding) -> Release:
    """The release after `finding`: rolled back to the old side if that can serve; else, or if asked so, it waits for a person.

    A rollback that has moved traffic is never rolled back by itself: the version it came from was left for a reason. While requests
    are held no person is waited for.
    """
    spec = release.spec
    if spec.on_failure is OnFailure.PAUSE and not release.held:
        return asked(release, now, finding.text)
    if spec.rollback_of and release.share > 0.0:
        return asked(release, now, f"{finding.text}; a rollback is not rolled back by itself")
    if not can_return(release, seen) and ready(release, seen.candidate):
        return asked(release, now, f"{finding.text}; nobody of {spec.stable.called} is left to go back to")
    return begin_retreat(release, seen, now, reason=finding.text)


def asked(release: Release, now: float, text: str, cause: Cause = Cause.FAILURE) -> Release:
    """`release`, waiting for a person because of `text`."""
    pause = Pause(cause=cause, text=text, since=now)
    return moved(release, now, "paused", why=text, paused=pause, reason=text)


def _crashed(release: Release, seen: Seen) -> str:
    allowed = next((gate.allowed for gate in release.spec.gates if isinstance(gate, RestartGate)), 0)
    for container in staying(release, seen.candidate):
        if container.id in release.fates:
            continue  # it returns, and may well have ended before
        text = _end_of(container, container.restarts - release.restarted.get(container.id, 0), allowed)
        if text:
            return text
    return ""


def _end_of(container: Container, restarts: int, allowed: int) -> str:
    if container.out_of_memory:
        return f"{container.name} was killed for want of memory"
    if restarts > allowed:
        return f"{container.name} restarted {'once' if restarts == 1 else f'{restarts} times'}"
    if container.state is InstanceState.STOPPED and container.exit_code is not None:
        return f"{container.name} ended with exit code {container.exit_code}"
    return ""


def _refused(release: Release, seen: Seen) -> str:
    """An act that fails however often it is tried, while replicas are to come up."""
    if (release.phase is not Phase.START and not release.lacking) or release.paused is not None:
        return ""
    return next((fault.text for fault in seen.faults if fault.lasting), "")


def _late(release: Release, seen: Seen, now: float) -> str:
    """No further replica got ready for too long. The clock stands while paused (`verbs.resume` moves it), and while an image is
    on its way: that ends with the image, or with a fault when the registry falls silent."""
    if release.phase is not Phase.START or release.paused is not None or (release.lacking and not seen.faults):
        return ""
    waited = now - max(release.phase_since, release.progress_at)
    if waited < release.spec.ready_seconds:
        return ""
    able = {each.id for each in ready(release, seen.candidate)}
    others = [each for each in staying(release, seen.candidate) if each.id not in able]
    names = ", ".join(f"{each.name} is {_how(each)}" for each in others) or "the others are not there"
    faults = "".join(f"; {fault.text}" for fault in seen.faults)
    wanted = release.spec.steps[release.step].candidates
    return f"{len(able)} of {wanted} replicas ready, none more for {waited:.0f} s: {names}{faults}"


def _how(container: Container) -> str:
    return "not ready" if container.alive else container.state.value


def _short(release: Release, seen: Seen, now: float) -> str:
    """Too few are ready for the share that the candidate has, and that lasts; or nobody is left to serve at all."""
    wanted = needed(release.spec, release.weights)
    able = len(ready(release, seen.candidate))
    alone = not able and not release.weights.get(release.spec.stable_name)
    patience = 0.0 if alone else release.spec.short_seconds
    if able >= wanted or now < (release.short_since or now) + patience:
        return ""
    return f"{able} of {wanted} replicas that a share of {release.share:.0%} needs are ready"


def stuck(release: Release, seen: Seen, now: float, what: str) -> Release:
    """`release`, asking a person if it has waited too long for `what`; on its way back if requests are held for that."""
    if now < release.phase_since + release.spec.progress_seconds:
        return release
    text = f"{what} for {now - release.phase_since:.0f} s"
    if release.held:
        return begin_retreat(release, seen, now, reason=text)
    return asked(release, now, text, Cause.STUCK)


def first_look(seen: Seen) -> dict[str, int]:
    """Restarts from before the release, by container: they are not its fault."""
    return {each.id: each.restarts for each in seen.candidate if each.restarts}

"""Releases as documents: what people and programs are shown of them. Values of the environment are secrets and left out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.control.document import document
from tidegate.release.holding import asked_gates, verdicts_of
from tidegate.release.record import UNDECIDED, Phase, Release, State
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import Spec

_SET = "(set)"


def spec_document(spec: Spec) -> dict[str, Any]:
    """The spec, with its matches in words and no secret."""
    made: dict[str, Any] = document(spec)
    made["change"]["environment"] = _names(spec.change.environment)
    made["previews"] = [str(each) for each in spec.previews]
    for gate, shown_ in zip(spec.gates, made["gates"], strict=True):
        shown_["name"] = gate.name
    return made


def shown(release: Release) -> dict[str, Any]:
    """The whole record."""
    made = {**document(release), "spec": spec_document(release.spec), "share": round(100 * release.share, 2)}
    if release.origin is not None:
        made["origin"]["environment"] = _names(release.origin.environment)
    return made


def _names(environment: Mapping[str, str | None]) -> dict[str, str | None]:
    """Which variables there are; None where one is taken away, or each replica has a value of its own."""
    return {name: None if text is None else _SET for name, text in environment.items()}


def brief(release: Release) -> dict[str, Any]:
    """One line of a list."""
    spec, asked = release.spec, release.asked_by
    return {
        "service": spec.service,
        "number": release.number,
        "strategy": spec.strategy.value,
        "stable": spec.stable.called,
        "candidate": spec.candidate.called,
        "state": release.state.value,
        "finished": release.finished,
        "step": release.step + 1,
        "steps": len(spec.steps),
        "share": round(100 * release.share, 2),
        "paused": document(release.paused),
        "who": asked.who,
        "when": asked.when,
        "why": asked.why,
        "summary": summary(release),
    }


def summary(release: Release) -> str:
    """Where it stands, in one sentence."""
    spec = release.spec
    state = release.state.value
    if release.paused is not None:
        return f"{state}, paused: {release.paused.text or release.paused.cause.value}"
    if release.state is State.AWAITING_CONFIRM:
        return f"{spec.candidate.called} has {release.share:.0%} and waits for you: promote or abort"
    if release.finished:
        return f"{state}: {release.reason}" if release.reason else state
    return f"{state}, step {release.step + 1} of {len(spec.steps)}, {spec.candidate.called} has {release.share:.0%}"


def seen_document(release: Release, seen: Seen, now: float) -> dict[str, Any]:
    """What is seen of it now: containers, what the gates say, what is waited for. `remaining_seconds` of the hold, or null."""
    holds = release.phase is Phase.HOLD and not release.finished and release.state is not State.AWAITING_CONFIRM
    return {
        "stable": [_container(release, each) for each in seen.stable],
        "candidate": [_container(release, each) for each in seen.candidate],
        "live": seen.live,
        "busy": seen.busy,
        "whole": seen.whole,
        "verdicts": document(verdicts_of(release, seen) if _asks(release) else release.verdicts),
        "faults": [fault.text for fault in seen.faults],
        "fetches": document(seen.fetches),
        "remaining_seconds": round(max(0.0, release.until - now), 3) if holds else None,
    }


def _asks(release: Release) -> bool:
    """Whether gates are asked now; afterwards what they said last is shown."""
    return release.state in UNDECIDED and bool(asked_gates(release))


def _container(release: Release, container: Container) -> dict[str, Any]:
    fate = release.fates.get(container.id)
    return {**document(container), "ready": container.ready, "fate": fate.wish.value if fate is not None else ""}

"""A hold: time for which a step is watched, and the gates that are asked about it.

A gate that fails ends it at once. At its end all gates must pass, asked after the whole of it. What is inconclusive or could
not be asked is neither: the hold is extended, a few times, and then ends as the spec says.
"""

from __future__ import annotations

from tidegate.release.gates import Gate, LatencyGate, Outcome, RefusalGate, SuccessGate, Verdict
from tidegate.release.record import Phase, Release, State
from tidegate.release.seen import Seen

_TRAFFIC = (SuccessGate, RefusalGate, LatencyGate)


def asked_gates(release: Release) -> tuple[Gate, ...]:
    """The gates to be asked now; those of traffic only where the candidate has some."""
    step = release.spec.steps[release.step]
    if release.phase is not Phase.HOLD or not step.hold_seconds or release.state is State.AWAITING_CONFIRM:
        return ()
    return tuple(gate for gate in release.spec.gates if release.share > 0.0 or not isinstance(gate, _TRAFFIC))


def verdicts_of(release: Release, seen: Seen) -> tuple[Verdict, ...]:
    """What the gates said in this hold; a gate that was not asked yet is inconclusive."""
    said = {each.gate: each for each in seen.verdicts} if seen.judged_at >= release.phase_since else {}
    return tuple(said.get(gate.name) or _unasked(gate.name) for gate in asked_gates(release))


def _unasked(name: str) -> Verdict:
    return Verdict(gate=name, outcome=Outcome.INCONCLUSIVE, text="not asked yet")


def outcome(release: Release, seen: Seen, now: float) -> Outcome | None:
    """How the hold ended; None while it lasts. An end that is not PASS or FAIL is INCONCLUSIVE."""
    if release.skip or release.full:
        return Outcome.PASS
    outcomes = {each.outcome for each in verdicts_of(release, seen)}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    if now < release.until or (outcomes and seen.judged_at < release.until):
        return None if now < release.until + release.spec.progress_seconds else Outcome.INCONCLUSIVE
    return Outcome.PASS if outcomes <= {Outcome.PASS} else Outcome.INCONCLUSIVE


def said(verdicts: tuple[Verdict, ...], *outcomes: Outcome) -> str:
    """Those verdicts in words, each with its gate."""
    return "; ".join(f"{each.gate}: {each.text}" for each in verdicts if each.outcome in outcomes)

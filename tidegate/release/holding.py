"""A hold: time for which a step is watched, and the gates that are asked about it. And what is watched outside of it.

A gate that fails ends it at once. At its end all gates must pass, asked after the whole of it; a brief one ends before, when all
are sure. What is inconclusive or could not be asked is neither: the hold is extended, a few times, and then ends as the spec says.

Gates that count requests go on being asked while old replicas leave and further ones come up, over the window that the hold
began: the candidate serves then, too, and what is found a second after a hold has not to wait for the next one.
"""

from __future__ import annotations

from tidegate.release.gates import Gate, LatencyGate, Outcome, RefusalGate, SuccessGate, Verdict
from tidegate.release.record import UNDECIDED, Phase, Release, State
from tidegate.release.seen import Seen

_TRAFFIC = (SuccessGate, RefusalGate, LatencyGate)


def asked_gates(release: Release) -> tuple[Gate, ...]:
    """The gates to be asked now; those of traffic only where the candidate has some, and outside of holds only those."""
    if release.state not in UNDECIDED or release.state is State.AWAITING_CONFIRM:
        return ()
    serves = release.share > 0.0
    if release.phase is Phase.HOLD:
        held = release.spec.gates if release.spec.steps[release.step].hold_seconds else ()
        return tuple(gate for gate in held if serves or not isinstance(gate, _TRAFFIC))
    if not serves or not release.window or release.full:
        return ()
    return tuple(gate for gate in release.spec.gates if isinstance(gate, _TRAFFIC))


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
    verdicts = verdicts_of(release, seen)
    outcomes = {each.outcome for each in verdicts}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    passes = outcomes <= {Outcome.PASS}
    if release.spec.steps[release.step].brief and passes and all(each.sure for each in verdicts):
        return Outcome.PASS
    if now < release.until or (outcomes and seen.judged_at < release.until):
        return None if now < release.until + release.spec.progress_seconds else Outcome.INCONCLUSIVE
    return Outcome.PASS if passes else Outcome.INCONCLUSIVE


def unsure(release: Release, seen: Seen) -> bool:
    """Whether the window so far was too little for the gates that count requests: then it goes on in the next step."""
    return any(each.outcome is Outcome.INCONCLUSIVE for each in verdicts_of(release, seen))


def said(verdicts: tuple[Verdict, ...], *outcomes: Outcome) -> str:
    """Those verdicts in words, each with its gate."""
    return "; ".join(f"{each.gate}: {each.text}" for each in verdicts if each.outcome in outcomes)

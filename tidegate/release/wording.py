"""Verdicts in words: numbers as people read them."""

from __future__ import annotations

from tidegate.release.gates import Gate, Outcome, Verdict
from tidegate.release.samples import Counts


def verdict(gate: Gate, outcome: Outcome, text: str, *, sure: bool = True) -> Verdict:
    """What a gate says."""
    return Verdict(gate=gate.name, outcome=outcome, text=text, sure=sure)


def few(gate: Gate, requests: int, samples: int, stable: Counts | None) -> Verdict:
    """Too few requests to say something, of the candidate or of who it would be compared with."""
    text = f"{requests} requests of the candidate"
    if stable is None and requests >= samples:
        text += " and too few of the stable side to compare with"
    return verdict(gate, Outcome.INCONCLUSIVE, f"{text}; {samples} say something")


def percent(share: float) -> str:
    """A share, in four digits."""
    return f"{100 * share:.4g} %"


def duration(seconds: float) -> str:
    """A time, in three digits."""
    if seconds >= 100:
        return f"{seconds:.0f} s"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"

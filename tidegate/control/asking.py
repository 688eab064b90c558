"""What a release is asked at one step: everything that gates need to know of it."""

from __future__ import annotations

from typing import Any

from tidegate.release.gates import Gate, Life
from tidegate.release.samples import Counts, Window, mean
from tidegate.value import Value


class Asking(Value):
    """`release` names the release for good (`web/12`); `service` is its key, the versions are those of both sides.

    `share` is the candidate's share in percent that was set for the step."""

    release: str
    service: str
    candidate: str
    stable: str
    step: int
    share: float
    gates: tuple[Gate, ...]
    window: Window
    lives: tuple[Life, ...] = ()

    def document(self) -> dict[str, Any]:
        """For web hooks."""
        return {
            "release": self.release,
            "service": self.service,
            "step": self.step,
            "share": self.share,
            "seconds": round(self.window.seconds, 3),
            "candidate": {"version": self.candidate, **_counts(self.window.candidate)},
            "stable": {"version": self.stable, **_counts(self.window.stable)},
        }


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        "requests": counts.requests,
        "failures": counts.failures,
        "refusals": counts.refusals,
        "mean_seconds": round(mean(counts), 6),
    }

"""Whose clock is off, by what nodes say of theirs when they are asked for something else. Pure.

Each measure is how far another clock is ahead of ours, and how far that may be wrong (half the time it took). What most say is taken for
right: of a node that asked one other nobody can tell which of the two is off. Nothing depends on it but what people are told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from statistics import median_low

from tidegate.errors import Problem, Severity

#: From here on it is told. A minute is what nodes bear (`router.passport`); their own times, as of drains, are a few seconds.
BOUND_SECONDS = 5.0


class Clocks:
    """As the node `own` has measured them."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._ahead: dict[str, float] = {own: 0.0}  # of ours, by what was measured last
        self._sure: dict[str, float] = {own: 0.0}  # within so many seconds

    def measured(self, node: str, ahead_seconds: float, within_seconds: float) -> None:
        """A node's clock was so far ahead of ours; behind it, where it is negative."""
        self._ahead[node], self._sure[node] = ahead_seconds, within_seconds

    def keep(self, there: Collection[str]) -> None:
        """Forget the clocks of all others."""
        for node in self._ahead.keys() - {*there, self._own}:
            del self._ahead[node], self._sure[node]

    @property
    def off(self) -> Mapping[str, float]:
        """Nodes whose clock is surely off by more than the bound, and by how much it is ahead."""
        right = median_low(self._ahead.values()) if len(self._ahead) > 2 else 0.0
        return {
            node: ahead - right
            for node, ahead in sorted(self._ahead.items())
            if abs(ahead - right) - self._sure[node] > BOUND_SECONDS
        }

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The same for people."""
        return tuple(self._problem(node, ahead) for node, ahead in self.off.items())

    def _problem(self, node: str, ahead: float) -> Problem:
        most = "that of most nodes" if len(self._ahead) > 2 else f"that of {self._own}, the only other one asked"
        return Problem(
            code="T2309",
            text=f"the clock of {node} is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}",
            place=node,
            cause=f"compared with {most}",
            mend="have NTP set it on that host: timedatectl set-ntp true, or chrony",
            kept="all goes on; where clocks differ by more than a minute routers of the nodes do not let each other in",
            severity=Severity.WARNING,
        )

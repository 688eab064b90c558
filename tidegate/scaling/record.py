"""What is remembered of a service's scaling: stored, so that neither a restart nor another leader forgets it.

Times are stored as points in time, never as what is left. The open period changes at each look; what must not be lost
(`lasting`) changes once in a period at most.
"""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.elasticity import Metric
from tidegate.value import Value

KEPT_CHANGES = 20
KEPT_ADVICE = 400  # an hour, the longest window, of looks that never agree


class Decision(Value):
    """`wanted` replicas where `current` were wanted before; `why` with the numbers it was made from."""

    when: float
    current: int
    wanted: int
    why: str
    figures: dict[str, float] = {}

    @property
    def changes(self) -> bool:
        """Whether something is to be done."""
        return self.wanted != self.current


class Period(Value):
    """The period that is being filled: how many looks had a figure, and the sums over them of what was seen, unknown replicas
    counted as idle, and of the share of the replicas that was known."""

    began: float
    sums: dict[Metric, float] = {}
    looks: dict[Metric, int] = {}
    shares: dict[Metric, float] = {}

    def mean(self, metric: Metric) -> float | None:
        """The mean over the replicas that are known."""
        share = self.shares.get(metric, float(self.looks.get(metric, 0)))
        return self.sums[metric] / share if share else None

    def filled(self, metric: Metric, value: float) -> float:
        """The mean over all replicas, with `value` for each that is not known."""
        looks = self.looks[metric]
        unknown = 1 - self.shares.get(metric, float(looks)) / looks
        return self.sums[metric] / looks + unknown * value


class Streak(Value):
    """How many periods in a row a metric was above or below its bounds, and its mean in the last one: over the replicas that are
    known, and `most`, as if the others were at the upper bound."""

    above: int = 0
    below: int = 0
    mean: float = 0.0
    most: float = 0.0


class Advice(Value):
    """So many replicas were right from `since` on, until the next advice."""

    since: float
    wanted: int


class Record(Value):
    """`seen_at` is the last look, `busy_at` the last one with traffic; `changes` are those made, the latest last, `decision` is the
    last look's."""

    seen_at: float = 0.0
    busy_at: float = 0.0
    period: Period | None = None
    streaks: dict[Metric, Streak] = {}
    advice: tuple[Advice, ...] = ()
    changes: tuple[Decision, ...] = ()
    decision: Decision | None = None

    def lasting(self) -> tuple[object, ...]:
        """What has to be stored before the next look; the rest may be a period old."""
        began = self.period.began if self.period is not None else 0.0
        return (began, self.streaks, self.advice, self.changes)


def decided(record: Record, decision: Decision) -> Record:
    """`record` with a decision, and where it changes something with one more change."""
    changes = (*record.changes, decision)[-KEPT_CHANGES:] if decision.changes else record.changes
    return replace(record, decision=decision, changes=changes)

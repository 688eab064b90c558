"""What is known of a service at one look."""

from __future__ import annotations

from tidegate.elasticity import Metric
from tidegate.value import Value


class Replica(Value):
    """One replica of the version that serves. Times are seconds since the epoch: `started_at` when it was started,
    `ready_since` since when it is ready (0: it is not), `measured_since` where the span begins that `figures` are the means of."""

    id: str
    started_at: float = 0.0
    ready_since: float = 0.0
    measured_since: float = 0.0
    figures: dict[Metric, float] = {}

    @property
    def ready(self) -> bool:
        """Whether it takes requests."""
        return self.ready_since > 0


class Sight(Value):
    """All that a decision is made from. `current` replicas are wanted now. `replicas` are those of the version that serves:
    the new side of a release is not among them. `whole` are figures of the service, `faults` why one could not be had.
    `partial` says of which nodes nothing could be had, so that `whole` is the least that it can be. `waiting` requests are held. `floor` replicas are not ours to take away. `frozen` says why nothing may leave now, `blind` why nothing may be concluded at all."""

    current: int
    replicas: tuple[Replica, ...] = ()
    whole: dict[Metric, float] = {}
    faults: dict[Metric, str] = {}
    partial: str = ""
    waiting: int = 0
    floor: int = 0
    frozen: str = ""
    blind: str = ""

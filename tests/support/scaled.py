"""A service whose replicas share a load of CPU, looked at in virtual time: what autoscaling would do to it."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.elasticity import Metric, ScalingPolicy
from tidegate.scaling.decide import decide, look_seconds
from tidegate.scaling.record import Decision, Record
from tidegate.scaling.seen import Replica, Sight
from tidegate.scaling.stored import read, written


class Scaled:
    """`load(now)` is in replicas' worth of CPU: 2.5 keeps two and a half of them busy. A replica is ready after
    `start_seconds`. `crash(look)` true: the record goes through the store before that look, as after a restart."""

    def __init__(
        self,
        policy: ScalingPolicy,
        load: Callable[[float], float],
        *,
        replicas: int = 1,
        start_seconds: float = 15.0,
        crash: Callable[[int], bool] = lambda look: False,
    ) -> None:
        self.policy = policy
        self.load = load
        self.start_seconds = start_seconds
        self.crash = crash
        self.now = 1_000_000.0
        self.begun = self.now
        self.record = Record()
        self.count = replicas
        self.born = [self.now - 1000.0] * replicas
        self.decisions: list[Decision] = []
        self.looks = 0

    @property
    def changes(self) -> list[tuple[int, int, int]]:
        """(seconds since the beginning, before, after) of each change."""
        return [(round(each.when - self.begun), each.current, each.wanted) for each in self.decisions if each.changes]

    def sight(self) -> Sight:
        load = self.load(self.now - self.begun)
        ready = [born for born in self.born if born + self.start_seconds <= self.now]
        cpu = min(100.0, 100.0 * load / len(ready)) if ready else 0.0
        replicas = tuple(
            Replica(
                id=str(at),
                started_at=born,
                ready_since=born + self.start_seconds if born in ready else 0.0,
                measured_since=self.now - look_seconds(self.policy),
                figures={Metric.CPU: cpu} if born in ready else {},
            )
            for at, born in enumerate(self.born)
        )
        return Sight(current=self.count, replicas=replicas, whole={Metric.REQUESTS: load, Metric.IN_FLIGHT: load})

    def run(self, seconds: float) -> Scaled:
        until = self.now + seconds
        while self.now < until:
            if self.crash(self.looks):
                self.record = read(written(self.record))
            self.record, decision = decide(self.policy, self.sight(), self.record, self.now)
            self.decisions.append(decision)
            self._follow(decision.wanted)
            self.looks += 1
            self.now += look_seconds(self.policy)
        return self

    def _follow(self, wanted: int) -> None:
        self.count = wanted
        self.born = [*self.born, *([self.now] * (wanted - len(self.born)))][:wanted]

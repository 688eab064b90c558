"""Which of the nodes that may take a replica is best: compared key by key, so that one reason never cancels another.

1. where the service fails again and again comes last; 2. the zone with the fewest replicas (`zones`); 3. the node with the fewest of this
revision; 4. most soft rules satisfied; 5. how full it is, in twentieths; 6. the image is there; 7. the fewest replicas of any service;
8. chance, by seed. Averages of scores were not taken: with them a wish silently cancels a refusal (decision 0176).
"""

from __future__ import annotations

from math import inf

from tidegate.placement.demand import Demand, Fit
from tidegate.placement.filters import Trial, satisfies
from tidegate.placement.rules import Kind
from tidegate.placement.tally import Room
from tidegate.value import Value

#: Nodes whose load differs by less are equally full, so that an image or evenness may decide.
LEVELS = 20

Key = tuple[int, int, int, int, int, int, int]


class Score(Value):
    """A node that may take a replica, and why it stands where it does. `skew`: replicas in its zone, and further levels. `soft` of
    `wishes` rules hold. `fit` is 0 to 1, better is higher; `total` counts replicas of any service."""

    node: str
    zone: str = ""
    failing: bool = False
    skew: tuple[int, ...] = ()
    here: int = 0
    soft: int = 0
    wishes: int = 0
    fit: float = 0.0
    image: bool = False
    total: int = 0


class Scorer:
    """Keys of nodes for one demand; the least is best."""

    def __init__(self, trial: Trial, salt: int) -> None:
        self._demand = trial.demand
        self._trial = trial
        self._salt = salt
        self._failing = trial.tally.failing.get(trial.demand.service, frozenset())
        self._wishes = trial.demand.soft(Kind.CONSTRAINT)
        self._asks = bool(self._wishes or trial.neighbours.soft)
        self._sign = 1 if trial.demand.fit is Fit.SPREAD else -1

    def key(self, room: Room) -> Key:
        """All reasons but the zone, which is compared between the first and the second."""
        return (
            room.name in self._failing,
            self._trial.here.get(room.name, 0),
            -self.soft(room) if self._asks else 0,
            -int(LEVELS * fit(room, self._demand)),
            self._demand.image not in room.facts.images,
            self._sign * room.total,
            room.rank ^ self._salt,
        )

    def score(self, room: Room) -> Score:
        """The same for people."""
        return Score(
            node=room.name,
            zone=room.zone,
            failing=room.name in self._failing,
            skew=self._trial.zones.skew(self._trial.zones.bucket(room)),
            here=self._trial.here.get(room.name, 0),
            soft=self.soft(room),
            wishes=len(self._wishes) + len(self._trial.neighbours.soft),
            fit=round(fit(room, self._demand), 3),
            image=self._demand.image in room.facts.images,
            total=room.total,
        )

    def soft(self, room: Room) -> int:
        """How many soft rules of both kinds the node satisfies."""
        asked = sum(satisfies(room.facts, rule) for rule in self._wishes)
        return asked + self._trial.neighbours.wishes(room.name)


def fit(room: Room, demand: Demand) -> float:
    """0 to 1: Nomad's fit, by the fractions of the node that are free once the replica is there. SPREAD likes them large, BINPACK small."""
    cpu = (room.cpu - demand.reservation.cpu) / room.cpu_whole if room.cpu is not inf and room.cpu_whole else 1.0
    memory = (room.memory - demand.reservation.memory) / room.memory_whole if room.memory_whole else 1.0
    free: float = 10.0**cpu + 10.0**memory
    part = (free - 2.0) / 18.0 if demand.fit is Fit.SPREAD else (20.0 - free) / 18.0
    return min(1.0, max(0.0, part))

"""What one round of planning works on: the picture as it is, and what was decided so far. Lives for one call, never stored."""

from __future__ import annotations

from collections import defaultdict
from math import inf

from msgspec.structs import replace

from tidegate.placement.brake import Brake
from tidegate.placement.demand import Demand
from tidegate.placement.memory import Memory
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Cause, Pending, Place, Replica, State
from tidegate.placement.reschedule import fenced_at
from tidegate.placement.scene import Scene
from tidegate.placement.standing import Standing
from tidegate.value import Value

_LATEST = 2**62  # more than any generation


class Note(Value):
    """Something that people should know of: `what` is one sentence, `service` and `node` what it is about."""

    what: str
    service: str = ""
    node: str = ""


class Service:
    """One service's places: `slots` are those that stay, oldest generation first, but those of the wanted revision last; `leaving` are
    on their way out, and of those in `freed`, by slot, nothing is left: they hold their slot until it has a new place.
    `generations` is the highest one of each slot."""

    __slots__ = ("freed", "generations", "leaving", "name", "slots")

    def __init__(self, name: str) -> None:
        self.name = name
        self.slots: dict[int, list[Replica]] = {}
        self.leaving: list[Replica] = []
        self.freed: dict[int, Replica] = {}
        self.generations: dict[int, int] = {}

    @property
    def empty(self) -> bool:
        """Whether it has no places at all."""
        return not (self.slots or self.leaving or self.freed)

    @property
    def migrating(self) -> int:
        """Slots that have a second place by our own choice."""
        return sum(
            len(each) > 1 and each[-1].place.cause in (Cause.DRAIN, Cause.REBALANCE) for each in self.slots.values()
        )


class Round:
    """`nodes` are those that can be seen, not ready while in quarantine; `down` since when others are gone. A node that is in neither
    cannot be seen, and it is too early to say that it is gone."""

    def __init__(
        self, scene: Scene, memory: Memory, standings: dict[str, Standing], brakes: tuple[Brake, ...], now: float
    ) -> None:
        self.scene = scene
        self.memory = memory
        self.standings = standings
        self.brakes = brakes
        self.now = now
        self.nodes: dict[str, NodeFacts] = {}
        for facts in scene.nodes:
            standing = standings.get(facts.name)
            trusted = facts.ready and not (standing and standing.quarantined(now))
            self.nodes[facts.name] = facts if facts.ready is trusted else replace(facts, ready=False)
        self.down = {each.node: each.down_since for each in standings.values() if each.down_since}
        self.seen = frozenset(facts.name for facts in scene.nodes if facts.ready) - self.down.keys()
        self.drained = frozenset(facts.name for facts in scene.nodes if facts.drained)
        self.current: dict[str, Demand] = {each.service: each for each in scene.demands}
        self.places: dict[str, Place] = {}  # key -> what it becomes
        self.deletes: list[Place] = []
        self.pending: list[Pending] = []
        self.asked: set[tuple[str, int]] = set()  # slots that `pending` are for
        self.replaces: set[tuple[str, int]] = set()  # slots whose places leave once there is a new one
        self.notes: list[Note] = []
        self.again_at = inf
        self.replicas = [
            each if each.place.node in self.seen and each.state is not State.LOST else self._unseen(each)
            for each in scene.replicas
        ]
        self.services: dict[str, Service] = {}
        self._sort()

    def alive(self, replica: Replica) -> bool:
        """Whether its node can be seen."""
        return replica.node in self.seen

    def lost_at(self, replica: Replica) -> float | None:
        """Since when its node is gone; None while that is not said."""
        return self.down.get(replica.node)

    def fenced_at(self, replica: Replica, demand: Demand, lost_at: float) -> float:
        """From when on a replica of a lost node surely does not run, where that must be waited for. It counts from when we know that the
        node was not there, which may be before anybody said that it is gone (a new leader waits with that), and is by one clock."""
        return fenced_at(replica.place, demand, self.scene.unseen.get(replica.node, lost_at))

    def healthy(self, replica: Replica, demand: Demand) -> bool:
        """Whether it is ready, and was for as long as the demand asks."""
        return self.ready_for(replica, demand.min_healthy)

    def ready_for(self, replica: Replica, seconds: float) -> bool:
        """Whether it is ready, and was for so long."""
        if not replica.ready:
            return False
        since = replica.ready_since + seconds
        self.later(since)
        return self.now >= since

    def available(self, service: Service, demand: Demand) -> int:
        """How many slots have a healthy replica."""
        return sum(any(self.healthy(each, demand) for each in slot) for slot in service.slots.values())

    def dismiss(self, replica: Replica, why: str) -> None:
        """Mark a place as leaving."""
        place = replace(replica.place, leaving=True, leaving_since=self.now, why=why)
        self.places[place.key] = place
        service = self.services[replica.service]
        slot = service.slots[replica.slot]
        slot.remove(replica)
        if not slot:
            del service.slots[replica.slot]
        service.leaving.append(replace(replica, place=place))

    def ask(self, slot: Pending) -> None:
        """Ask for a node for a slot, as its next generation."""
        known = self.services[slot.service].generations.get(slot.slot, 0)
        self.asked.add((slot.service, slot.slot))
        self.pending.append(replace(slot, generation=known + 1))

    def later(self, when: float) -> None:
        """There is something to do then, if nothing happens before."""
        if self.now < when < self.again_at:
            self.again_at = when

    def _unseen(self, replica: Replica) -> Replica:
        """What is not seen is not ready, whatever was seen of it last."""
        return replace(replica, state=State.PENDING if replica.node in self.seen else State.LOST)

    def _sort(self) -> None:
        by_name: defaultdict[str, list[Replica]] = defaultdict(list)
        for replica in self.replicas:
            by_name[replica.place.service].append(replica)
        for name in [*self.current, *(each for each in by_name if each not in self.current)]:
            service = self.services[name] = Service(name)
            revision = self.current[name].revision if name in self.current else ""
            slots, generations, leaving = service.slots, service.generations, service.leaving
            for replica in sorted(by_name.get(name, ()), key=lambda each: _age(each.place, revision)):
                place = replica.place
                slot = place.slot
                if place.generation > generations.get(slot, -1):
                    generations[slot] = place.generation
                if place.leaving:
                    leaving.append(replica)
                elif slot in slots:
                    slots[slot].append(replica)
                else:
                    slots[slot] = [replica]


def _age(place: Place, revision: str) -> int:
    """Orders a service's places: by generation, and those of the wanted revision after all others."""
    return place.generation if place.revision != revision else place.generation + _LATEST

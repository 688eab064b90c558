"""A cluster in virtual time: machines that live, die, and are cut off; agents that do what is stored; a leader that may die between any
two writes. Nothing is awaited and nothing is random here: stories (`cluster_stories`) say what happens, laws (`cluster_laws`) are
checked after each write and each second."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

from msgspec.structs import replace

from tests.support.cluster_laws import Laws
from tidegate.placement.memory import Memory
from tidegate.placement.planning import plan
from tidegate.placement.replica import Place, Replica, State
from tidegate.placement.scene import Scene

KEEP, LEASE = 5.0, 15.0
FENCE_BEGINS, KILLED_BY = 13.0, 23.0  # after the last sign of life that was acknowledged


class Shelf(dict):
    """Places by key, and by what laws and agents ask for."""

    def __init__(self):
        super().__init__()
        self.on = defaultdict(dict)  # node -> key -> place
        self.of = defaultdict(dict)  # service -> ...
        self.slot = defaultdict(dict)  # (service, slot) -> ...
        self.touched = set()  # nodes for which something was written since they looked
        self.written = {}  # keys written since the leader looked, in their order

    def put(self, place):
        key = place.key
        self.written[key] = None
        for shelf in self._shelves(place):
            shelf[key] = place

    def drop(self, place):
        key = place.key
        for shelf in self._shelves(place):
            del shelf[key]

    def _shelves(self, place):
        self.touched.add(place.node)
        return self, self.on[place.node], self.of[place.service], self.slot[place.service, place.slot]


@dataclass
class Container:
    """One replica on one machine."""

    place: Place
    state: State
    ready_at: float
    ready_since: float = 0.0
    stop_at: float = 0.0  # when it will have ended; 0: nobody asked it to
    ended: int = 0
    ended_at: float = 0.0


@dataclass
class Machine:
    """A node: `up` it runs, `cut` it does not reach the store; before `due` nothing happens on it by itself."""

    facts: object
    up: bool = True
    cut: bool = False
    kept_at: float = -KEEP
    lease_until: float = -1.0
    due: float = 0.0
    containers: dict[str, Container] = field(default_factory=dict)
    reported: dict[str, Container] = field(default_factory=dict)


class LeaderDied(Exception):
    """Between two writes."""


class World:
    """`die_after`: the leader dies after so many writes in all. `late`: by how much a lease outlives its time in the store."""

    def __init__(self, nodes, demands, quotas=(), *, batch=3, die_after=None, ready_after=3.0, stops_in=2.0, late=1.0):
        self.machines = {facts.name: Machine(facts) for facts in nodes}
        self.demands = {each.service: each for each in demands}
        self.quotas = tuple(quotas)
        self.held = frozenset()
        self.places = Shelf()
        self.memory = Memory()
        self.now = 1000.0
        self.leader_since = self.now - 100.0
        self.leaderless_until = 0.0
        self.batch, self.die_after = batch, die_after
        self.ready_after, self.stops_in, self.late = ready_after, stops_in, late
        self.crashing: set[str] = set()  # services whose replicas never stay up
        self.broken: set[tuple[str, str]] = set()  # services and revisions, likewise
        self.writes = 0
        self.plans = 0
        self.again_at = 0.0
        self.last = None
        self._changed = True
        self.told = {}  # key -> what the leader was last told of the place, in the order of `places`
        self._alive = {}  # machines that it saw
        self._reporting = set()  # nodes that reported since
        self.laws = Laws(self)
        for machine in self.machines.values():
            self._keep(machine)

    # ------------------------------------------------------------------------------------------------ what happens

    def kill(self, name):
        machine = self.machines[name]
        machine.up = False
        machine.containers.clear()

    def start(self, name):
        machine = self.machines[name]
        if not machine.up:
            machine.up, machine.cut, machine.due = True, False, 0.0
            machine.facts = replace(machine.facts, incarnation=f"{self.now}")

    def cut(self, name):
        self.machines[name].cut = True

    def heal(self, name):
        machine = self.machines[name]
        machine.cut, machine.due = False, 0.0

    def drain(self, name, drained=True):
        machine = self.machines[name]
        machine.facts = replace(machine.facts, drained=drained, drained_since=self.now if drained else 0.0)
        self._changed = True

    def want(self, demand):
        self.demands[demand.service] = demand
        self._changed = True

    def spoil(self, service, revision):
        """No replica of this revision stays up."""
        self.broken.add((service, revision))
        for machine in self.machines.values():
            machine.due = 0.0

    def remove(self, service):
        self.demands.pop(service, None)
        self._changed = True

    def depose(self, seconds=5.0):
        """The leader dies; another one takes over later."""
        self.leaderless_until = self.now + seconds

    # --------------------------------------------------------------------------------------------------- time passes

    def run(self, seconds, step=1.0):
        end = self.now + seconds
        while self.now < end:
            self.tick(step)

    def tick(self, step=1.0):
        self.now += step
        for machine in self.machines.values():
            self._live(machine)
        if self.now >= self.leaderless_until:
            if self.leaderless_until:
                self.leader_since, self.leaderless_until, self._changed = self.now, 0.0, True
            self._lead()
        self.laws.each_second()

    def settle(self, seconds, step=10.0):
        """Let time pass after all trouble."""
        for name in self.machines:
            self.start(name)
            self.heal(name)
        self.run(seconds, step)

    def _keep(self, machine):
        if self.now >= machine.kept_at + KEEP:
            if self.now >= machine.lease_until:
                self._changed = True
            machine.kept_at, machine.lease_until = self.now, self.now + LEASE + self.late

    def _live(self, machine):
        """One machine's second: containers go on, and the agent does what is stored."""
        if not machine.up:
            return
        quiet = self.now < machine.due and machine.facts.name not in self.places.touched
        if quiet and not machine.cut:
            self._keep(machine)
            return
        for key, container in list(machine.containers.items()):
            self._go_on(machine, key, container)
        if machine.cut:
            self._fence(machine)
            return
        self._keep(machine)
        self._realise(machine)
        self.places.touched.discard(machine.facts.name)
        machine.due = min(map(self._due, machine.containers.values()), default=math.inf)
        if {key: (each.state, each.ended) for key, each in machine.reported.items()} != {
            key: (each.state, each.ended) for key, each in machine.containers.items()
        }:
            self._changed = True
            self._reporting.add(machine.facts.name)
            machine.reported = {key: Container(**vars(each)) for key, each in machine.containers.items()}

    def _go_on(self, machine, key, container):
        if container.stop_at and self.now >= container.stop_at:
            del machine.containers[key]
        elif self.ends(container.place) and not container.stop_at:
            if self.now >= container.ready_at:
                container.ended, container.ended_at = container.ended + 1, self.now
                container.state, container.ready_at = State.STARTING, self.now + min(15.0 * 2**container.ended, 3600.0)
        elif container.state is State.STARTING and self.now >= container.ready_at:
            container.state, container.ready_since = State.READY, self.now

    def _due(self, container):
        """When something happens to it by itself."""
        waits = container.state is State.STARTING or self.ends(container.place)
        return container.stop_at or (container.ready_at if waits else math.inf)

    def ends(self, place):
        return place.service in self.crashing or (place.service, place.revision) in self.broken

    def _fence(self, machine):
        """An agent that cannot renew its lease stops what must not run twice."""
        for container in machine.containers.values():
            if container.place.service in self.laws.exclusive and self.now >= machine.kept_at + FENCE_BEGINS:
                container.stop_at = container.stop_at or min(self.now + 10.0, machine.kept_at + KILLED_BY)

    def _realise(self, machine):
        name = machine.facts.name
        wanted = self.places.on[name]
        for key, place in wanted.items():
            known = machine.containers.get(key)
            if not place.leaving and known is None:
                machine.containers[key] = Container(place, State.STARTING, self.now + self.ready_after)
            elif known is not None and known.place.revision == place.revision:
                known.place = place
        for key, container in machine.containers.items():
            place = wanted.get(key)
            stale = place is None or place.leaving or place.revision != container.place.revision
            if stale and not container.stop_at:
                container.stop_at = self.now + self.stops_in

    # ---------------------------------------------------------------------------------------------------- the leader

    def scene(self):
        alive = {name: each for name, each in self.machines.items() if each.lease_until > self.now}
        return Scene(
            demands=tuple(self.demands.values()),
            nodes=tuple(each.facts for each in alive.values()),
            replicas=tuple(self._replicas(alive)),
            quotas=self.quotas,
            held=self.held,
            unseen={name: each.lease_until for name, each in self.machines.items() if name not in alive},
        )

    def _replicas(self, alive):
        """What is told of all places; only what was written, or is of a node that reported, came or went, is looked at anew."""
        changed = self._reporting | (alive.keys() ^ self._alive.keys())
        self.places.written.update((key, None) for name in changed for key in self.places.on[name])
        for key in self.places.written:
            place = self.places.get(key)
            if place is not None:
                machine = alive.get(place.node)
                container = machine.reported.get(key) if machine else None
                self.told[key] = self._seen(place, container, machine is not None)
        self._alive, self._reporting, self.places.written = alive, set(), {}
        return self.told.values()

    @staticmethod
    def _seen(place, container, alive):
        if container is not None and container.place.since != place.since:
            return Replica(place=place)  # what is said of an earlier life of it says nothing
        if container is None:
            return Replica(place=place, gone=place.leaving and alive)
        return Replica(
            place=place,
            state=container.state,
            ready_since=container.ready_since,
            ended=container.ended,
            ended_at=container.ended_at,
        )

    def _lead(self):
        lease_ended = any(each.lease_until <= self.now and each.kept_at > -KEEP for each in self.machines.values())
        if not (self._changed or lease_ended or self.now >= self.again_at):
            return
        self._changed = False
        scene = self.scene()
        decided = plan(scene, self.memory, self.now, seed=self.plans, leader_since=self.leader_since)
        self.plans += 1
        self.last = decided
        self.again_at = decided.again_at
        self.laws.planned(scene, decided)
        try:
            self._write(decided)
        except LeaderDied:
            self.depose(5.0)
            return
        if not decided.empty:
            self.laws.written(
                plan(self.scene(), self.memory, self.now, seed=self.plans, leader_since=self.leader_since)
            )
            self._changed = True

    def _write(self, decided):
        """Each batch is one transaction."""
        if any((decided.ledger, decided.standings, decided.forget, decided.failures, decided.mended)):
            self._remember(decided)
            self._written()
        puts, deletes = list(decided.places), list(decided.deletes)
        for start in range(0, len(deletes), self.batch):
            for place in deletes[start : start + self.batch]:
                self.places.drop(self.places[place.key])
                self.told.pop(place.key, None)
            self._written()
        for start in range(0, len(puts), self.batch):
            for place in puts[start : start + self.batch]:
                before = self.places.get(place.key)
                self.places.put(place)
                self.laws.put(before, place)
            self._written()

    def _remember(self, decided):
        standings = self.memory.standings | {each.node: each for each in decided.standings}
        failures = self.memory.failures | {each.service: each for each in decided.failures}
        self.memory = Memory(
            ledger=decided.ledger or self.memory.ledger,
            standings={name: each for name, each in standings.items() if name not in decided.forget},
            failures={name: each for name, each in failures.items() if name not in decided.mended},
        )

    def _written(self):
        self.writes += 1
        if self.die_after is not None and self.writes == self.die_after:
            raise LeaderDied

"""What is used and what is free, kept up to date while places are decided. Live objects of one round, never stored."""

from __future__ import annotations

from collections import defaultdict
from math import inf
from zlib import crc32

from tidegate.placement.demand import Demand, Quota
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Place, State
from tidegate.placement.rules import Kind, Rule
from tidegate.placement.scene import Scene


class Room:
    """One node's share of the tally. `cpu` and `memory` are free; infinite where the node does not say what it has."""

    __slots__ = (
        "bucket",
        "cpu",
        "cpu_whole",
        "facts",
        "index",
        "memory",
        "memory_whole",
        "name",
        "ports",
        "rank",
        "total",
        "zone",
    )

    def __init__(self, facts: NodeFacts, index: int, seed: int) -> None:
        self.facts = facts
        self.index = index
        self.name = facts.name
        self.zone = facts.zone
        self.bucket = (facts.zone,)
        self.rank = crc32(f"{seed}/{facts.name}".encode())
        self.cpu_whole = facts.capacity.cpu
        self.memory_whole = facts.capacity.memory
        self.cpu = facts.capacity.cpu - facts.taken.cpu if facts.capacity.cpu else inf
        self.memory = facts.capacity.memory - facts.taken.memory if facts.capacity.memory else inf
        self.ports = set(facts.ports)
        self.total = len(facts.containers)


class Used:
    """What one account has reserved."""

    __slots__ = ("cpu", "memory", "replicas")

    def __init__(self) -> None:
        self.cpu, self.memory, self.replicas = 0.0, 0, 0


class Tally:
    """Rooms by node, and who is where. `live` counts replicas that stay and whose node is seen: (service, revision) -> node -> number;
    of the places (keys) in `superseded` it does not. `guards` are demands that refuse somebody's company."""

    def __init__(self, scene: Scene, seed: int = 0, superseded: frozenset[str] = frozenset()) -> None:
        self.rooms = {facts.name: Room(facts, index, seed) for index, facts in enumerate(scene.nodes)}
        self.demands: dict[tuple[str, str], Demand] = {(each.service, each.revision): each for each in scene.demands}
        self.current: dict[str, Demand] = {each.service: each for each in scene.demands}
        self.guards = [
            each for each in self.current.values() if any(not rule.equal for rule in each.hard(Kind.AFFINITY))
        ]
        self.quotas: dict[str, Quota] = {each.account: each for each in scene.quotas}
        self.failing = scene.failing
        self.used: defaultdict[str, Used] = defaultdict(Used)
        self.where: defaultdict[str, dict[str, int]] = defaultdict(
            dict
        )  # service -> node -> replicas, leaving ones too
        self.live: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self.eligible: dict[tuple[tuple[Rule, ...], tuple[str, ...]], list[Room]] = {}
        for replica in scene.replicas:
            place = replica.place
            live = (
                not place.leaving and replica.state is not State.LOST and not (superseded and place.key in superseded)
            )
            self._count(place, 1, live)

    def add(self, place: Place, *, live: bool = True) -> None:
        """Count a place."""
        self._count(place, 1, live)

    def remove(self, place: Place, *, live: bool = True) -> None:
        """Count it no more."""
        self._count(place, -1, live)

    def overlook(self, place: Place, by: int) -> None:
        """Count a place as not live (-1) while its slot is moved, or again as live (1); what it uses it goes on using."""
        self.live[place.service, place.revision][place.node] += by

    def _count(self, place: Place, by: int, live: bool) -> None:
        """All there is to count of a place, in one body: a round does this for every replica of the cluster."""
        service, node, cpu, memory = place.service, place.node, place.reservation.cpu, place.reservation.memory
        where = self.where[service]
        where[node] = where.get(node, 0) + by
        if not where[node]:
            del where[node]
        if live:
            alive = self.live[service, place.revision]
            alive[node] = alive.get(node, 0) + by
        used = self.used[place.account]
        used.cpu += by * cpu
        used.memory += by * memory
        used.replicas += by
        room = self.rooms.get(node)
        if room is None:
            return
        room.cpu -= by * cpu
        room.memory -= by * memory
        room.total += by
        if place.ports:
            (room.ports.update if by > 0 else room.ports.difference_update)(place.ports)

"""What excludes a node from taking a replica, in one order: what is cheap to know first, what uses something up last.

The filters of the first group do not change while replicas are placed, so nodes that pass them are found once for all services that ask
for the same. `Trial` is one demand's view of a round; `excluded_by` asks everything in order, for explanations.
"""

from __future__ import annotations

from tidegate.placement.decision import Filter
from tidegate.placement.demand import Demand
from tidegate.placement.neighbours import Neighbours
from tidegate.placement.node import NodeFacts
from tidegate.placement.resources import ROUNDING
from tidegate.placement.rules import Kind, Rule
from tidegate.placement.tally import Room, Tally
from tidegate.placement.zones import Zones


def excluded_by_itself(facts: NodeFacts, constraints: tuple[Rule, ...], platforms: tuple[str, ...]) -> Filter | None:
    """What of the node itself speaks against it, whatever else runs there."""
    if not facts.ready:
        return Filter.READY
    if facts.drained:
        return Filter.CORDON
    if not all(satisfies(facts, rule) for rule in constraints):
        return Filter.CONSTRAINT
    if platforms and facts.platform and facts.platform not in platforms:
        return Filter.PLATFORM
    return None


def satisfies(facts: NodeFacts, rule: Rule) -> bool:
    """Whether a node satisfies a constraint."""
    if rule.key == "node.ip":
        return facts.within(rule.value) is rule.equal
    return rule.matches(facts.values(rule.key))


class Trial:
    """The filters of one demand, while its replicas are placed."""

    def __init__(self, demand: Demand, tally: Tally, *, home: str = "", avoid: tuple[str, ...] = ()) -> None:
        self.demand = demand
        self.tally = tally
        self.home = home
        self.avoid = avoid
        self.constraints = demand.hard(Kind.CONSTRAINT)
        self.cpu = demand.reservation.cpu - ROUNDING
        self.memory = demand.reservation.memory
        self.here = tally.live[demand.service, demand.revision]
        self.neighbours = Neighbours(demand, tally)
        self.holders = self._holders()
        self.rooms = self._rooms()
        self.choices = self.rooms if not home else [room for room in self.rooms if room.name == home]
        self.zones = Zones(demand, self.rooms, tally)

    def excluded_by(self, room: Room) -> Filter | None:
        """The first filter that excludes the node; None if it may take a replica."""
        own = excluded_by_itself(room.facts, self.constraints, self.demand.platforms)
        return own or self.excluded_now(room) or self._excluded_last(room)

    def excluded_now(self, room: Room) -> Filter | None:
        """The filters that depend on what runs on the node."""
        if self.cpu > room.cpu or self.memory > room.memory:
            return Filter.RESOURCES
        if self.demand.ports and not room.ports.isdisjoint(self.demand.ports):
            return Filter.PORT
        if (self.home and room.name != self.home) or (self.holders and room.name not in self.holders):
            return Filter.VOLUME
        if room.name in self.avoid:
            return Filter.AVOID
        if self.demand.max_per_node and self.here.get(room.name, 0) >= self.demand.max_per_node:
            return Filter.MAX_PER_NODE
        near = self.neighbours
        return Filter.AFFINITY if (near.away or near.beside) and near.excludes(room.name) else None

    def over_quota(self) -> bool:
        """Whether one replica more is too much for the account."""
        quota = self.tally.quotas.get(self.demand.account)
        if quota is None:
            return False
        used, more = self.tally.used[self.demand.account], self.demand.reservation
        return bool(
            (quota.replicas and used.replicas >= quota.replicas)
            or (quota.limit.cpu and used.cpu + more.cpu > quota.limit.cpu + ROUNDING)
            or (quota.limit.memory and used.memory + more.memory > quota.limit.memory)
        )

    def placed(self, room: Room) -> None:
        """One of its replicas is on the node now, and counted there."""
        self.neighbours.placed(room.name)
        self.zones.placed(room)

    def _excluded_last(self, room: Room) -> Filter | None:
        if not self.zones.allows(room):
            return Filter.ZONE
        return Filter.QUOTA if self.over_quota() else None

    def _rooms(self) -> list[Room]:
        """The nodes that could take a replica if there were room."""
        key = (self.constraints, self.demand.platforms)
        found = self.tally.eligible.get(key)
        if found is None:
            found = [room for room in self.tally.rooms.values() if excluded_by_itself(room.facts, *key) is None]
            self.tally.eligible[key] = found
        return found

    def _holders(self) -> set[str]:
        """Nodes with the service's volumes and none of its replicas: data of an earlier life goes before any other consideration."""
        volumes = set(self.demand.volumes)
        if not volumes or self.home:
            return set()
        taken = self.tally.where[self.demand.service]
        return {
            room.name
            for room in self.tally.rooms.values()
            if room.name not in taken and volumes.issubset(room.facts.volumes)
        }

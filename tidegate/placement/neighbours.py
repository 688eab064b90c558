"""Affinities as sets of nodes, both ways round: who is placed later must not land beside somebody who refuses it.

A hard `!=` of a service that is already there holds against newcomers as well. A hard `==` of a service on itself lets its first replica
go anywhere, and then holds the others to that node; otherwise no service could begin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tidegate.placement.demand import Demand
from tidegate.placement.rules import CONTAINER, IMAGE, SERVICE, Kind, Rule
from tidegate.placement.tally import Room, Tally


class Neighbours:
    """What the affinities of one demand exclude and prefer, while its replicas are placed."""

    def __init__(self, demand: Demand, tally: Tally) -> None:
        self.away = set(_unwelcome(demand, tally))
        self.beside: list[set[str]] = []
        self.soft: list[tuple[Rule, set[str]]] = []
        self.itself: list[set[str]] = []  # the sets that grow as its own replicas are placed
        self.first: list[int] = []  # those of `beside` that wait for its own first replica
        for rule in demand.hard(Kind.AFFINITY):
            self._add_hard(rule, demand, tally)
        for rule in demand.soft(Kind.AFFINITY):
            there = nodes_with(rule, demand.service, tally)
            self.soft.append((rule, there))
            if means(rule, demand.service, demand):
                self.itself.append(there)

    def excludes(self, node: str) -> bool:
        """Whether a hard rule, of this service or of one that is there, speaks against the node."""
        return node in self.away or any(
            node not in there for number, there in enumerate(self.beside) if number not in self.first
        )

    def wishes(self, node: str) -> int:
        """How many soft rules the node satisfies."""
        return sum((node in there) is rule.equal for rule, there in self.soft)

    def placed(self, node: str) -> None:
        """One of its own replicas is on the node now."""
        for there in self.itself:
            there.add(node)
        self.first.clear()

    def _add_hard(self, rule: Rule, demand: Demand, tally: Tally) -> None:
        there = nodes_with(rule, demand.service, tally)
        own = means(rule, demand.service, demand)
        if not rule.equal:
            self.away |= there
            if own:
                self.itself.append(self.away)
            return
        if own:
            self.itself.append(there)
            if not there:
                self.first.append(len(self.beside))
        self.beside.append(there)


def nodes_with(rule: Rule, owner: str, tally: Tally) -> set[str]:
    """The nodes on which there is what an affinity of service `owner` names."""
    if rule.key == IMAGE:
        return {room.name for room in tally.rooms.values() if any(rule.names(each) for each in _images(room))}
    found: set[str] = set()
    for service, where in tally.where.items():
        demand = tally.current.get(service)
        if means(rule, owner, demand or Demand(service=service), where):
            found.update(where)
    for room in tally.rooms.values():
        if room.facts.containers and any(_means_foreign(rule, each) for each in room.facts.containers.items()):
            found.add(room.name)
    return found


def means(rule: Rule, owner: str, demand: Demand, where: Mapping[str, int] | None = None) -> bool:
    """Whether an affinity of service `owner` names the replicas of `demand`. Within a stack a service's own name is enough."""
    if rule.key == SERVICE:
        return any(rule.names(name) for name in _names(demand.service, owner))
    if rule.key == CONTAINER:
        count = max(demand.replicas, sum(where.values()) if where else 0, 1)
        stem = demand.service.replace("/", "_")
        return any(rule.names(f"{stem}_{slot}") for slot in range(1, count + 1))
    if rule.key == IMAGE:
        return False  # an image that is being fetched is not there yet
    return rule.key in demand.labels and rule.names(demand.labels[rule.key])


def _names(service: str, owner: str) -> tuple[str, ...]:
    stack, _, name = service.partition("/")
    full = (service, f"{stack}_{name}")
    return (*full, name) if stack == owner.partition("/")[0] else full


def _unwelcome(demand: Demand, tally: Tally) -> Iterator[str]:
    """Nodes with a replica that refuses to have this service beside it."""
    for other in tally.guards:
        if other.service == demand.service:
            continue
        if any(not rule.equal and means(rule, other.service, demand) for rule in other.hard(Kind.AFFINITY)):
            yield from tally.where.get(other.service, ())


def _images(room: Room) -> Iterator[str]:
    """Each image by its name with and without tag."""
    for image in room.facts.images:
        yield image
        head, colon, tag = image.rpartition(":")
        if colon and "/" not in tag:
            yield head


def _means_foreign(rule: Rule, container: tuple[str, dict[str, str]]) -> bool:
    name, labels = container
    if rule.key == CONTAINER:
        return rule.names(name)
    return rule.key in labels and rule.names(labels[rule.key])

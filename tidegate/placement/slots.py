"""How many slots a service has, and which ones come and go: scale, services that are everywhere, and what is gone for good."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.placement.demand import Demand
from tidegate.placement.filters import excluded_by_itself
from tidegate.placement.replica import Pending, Replica, State
from tidegate.placement.reschedule import fenced_at
from tidegate.placement.round import Round, Service
from tidegate.placement.rules import Kind
from tidegate.placement.standing import FORGOTTEN
from tidegate.placement.victims import victims


def clear(work: Round, service: Service) -> None:
    """Delete places that left, and those whose node is never seen again."""
    for replica in list(service.leaving):
        lost_at = work.lost_at(replica)
        gone = work.alive(replica) and replica.state is State.PENDING
        if gone or (lost_at is not None and work.now >= lost_at + FORGOTTEN):
            work.deletes.append(replica.place)
            service.leaving.remove(replica)


def end(work: Round, service: Service) -> None:
    """Nobody wants the service any more."""
    for replica in [each for slot in service.slots.values() for each in slot]:
        work.dismiss(replica, "the service was taken out of its stack")


def fill(work: Round, service: Service, demand: Demand) -> None:
    """Make the number of slots what is wanted: ask for further ones, or dismiss those that serve least."""
    taken = blocked(work, service, demand)
    missing = demand.replicas - len(taken)
    if missing > 0:
        for slot in _free(taken, missing):
            work.ask(Pending(service=service.name, slot=slot, revision=demand.revision))
        return
    surplus = len(service.slots) - demand.replicas
    if surplus > 0:
        newest = [places[-1] for places in service.slots.values()]
        for victim in victims(newest, surplus, work.nodes, demand.revision, work.now):
            for replica in list(service.slots[victim.slot]):
                work.dismiss(replica, f"{demand.replicas} replicas are wanted")


def fill_everywhere(work: Round, service: Service, demand: Demand) -> None:
    """One replica on each node that may have one; none where a person wants nothing."""
    constraints = demand.hard(Kind.CONSTRAINT)
    occupied = {each.node for slot in service.slots.values() for each in slot}
    for replica in [each for slot in service.slots.values() for each in slot]:
        lost_at = work.lost_at(replica)
        if replica.node in work.drained:
            work.dismiss(replica, f"{replica.node} is drained")
        elif lost_at is not None and work.now >= lost_at + FORGOTTEN:
            work.dismiss(replica, f"{replica.node} is gone for good")
    wanting = [
        facts.name
        for facts in work.nodes.values()
        if facts.name not in occupied and excluded_by_itself(facts, constraints, demand.platforms) is None
    ]
    slots = _free(blocked(work, service, demand), len(wanting))
    for node, slot in zip(wanting, slots, strict=True):
        work.ask(Pending(service=service.name, slot=slot, revision=demand.revision, home=node))


def blocked(work: Round, service: Service, demand: Demand) -> set[int]:
    """Slots that have a place, or whose exclusive replica may still run."""
    taken = set(service.slots)
    if demand.exclusive:
        taken.update(each.slot for each in service.leaving if not _surely_gone(work, each, demand))
    return taken


def _surely_gone(work: Round, replica: Replica, demand: Demand) -> bool:
    lost_at = work.lost_at(replica)
    if lost_at is None:
        return False
    free_at = fenced_at(demand, lost_at)
    work.later(free_at)
    return work.now >= free_at


def _free(taken: set[int], count: int) -> Iterator[int]:
    """The lowest numbers that are free."""
    slot = 0
    for _ in range(count):
        slot += 1
        while slot in taken:
            slot += 1
        yield slot

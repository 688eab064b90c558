"""How many slots a service has, and which ones come and go: scale, services that are everywhere, and what is gone for good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tidegate.placement.decision import Filter
from tidegate.placement.demand import Demand
from tidegate.placement.filters import excluded_by_itself
from tidegate.placement.replica import Pending, Replica
from tidegate.placement.round import Round, Service
from tidegate.placement.rules import Kind
from tidegate.placement.standing import FORGOTTEN
from tidegate.placement.victims import victims


def clear(work: Round, service: Service, demand: Demand | None) -> None:
    """Delete places of which nothing is left, or ever will be. What runs on a lost node without a place is ended when that is back.

    Where a slot is left before it is placed anew, its old place is kept until then: that one is on its way, and where it was, is stored."""
    for replica in [each for each in service.leaving if each.gone and work.alive(each)]:
        service.leaving.remove(replica)
        if demand is not None and demand.leaves_first and replica.slot not in service.slots:
            if replica.slot in service.freed:
                work.deletes.append(service.freed[replica.slot].place)
            service.freed[replica.slot] = replica
        else:
            work.deletes.append(replica.place)
    for replica in [each for slot in service.slots.values() for each in slot if each.gone and work.alive(each)]:
        service.slots[replica.slot].remove(replica)
        work.deletes.append(replica.place)
    service.slots = {slot: places for slot, places in service.slots.items() if places}
    give_up(work, service, demand)


def give_up(work: Round, service: Service, demand: Demand | None) -> None:
    """Delete what leaves a lost node that is not waited for, also what was dismissed in this very round."""
    for replica in [each for each in service.leaving if _given_up(work, each, demand)]:
        service.leaving.remove(replica)
        work.places.pop(replica.key, None)
        work.deletes.append(replica.place)


def _given_up(work: Round, replica: Replica, demand: Demand | None) -> bool:
    """Whether a lost node is not waited for: what may be on no other one waits for a day, and an exclusive one until it has surely ended."""
    lost_at = work.lost_at(replica)
    if lost_at is None:
        return False
    demand = demand or Demand(service=replica.service, exclusive=True)  # nobody knows any more whether it was
    bound = bool(demand.volumes) and not demand.portable
    over = lost_at + FORGOTTEN if bound else work.fenced_at(replica, demand, lost_at)
    work.later(over)
    return work.now >= over


def end(work: Round, service: Service) -> None:
    """Nobody wants the service any more; it goes once those are gone that need it."""
    others = (work.services.get(name) for name in work.scene.after.get(service.name, ()))
    if any(other is not None and not other.empty for other in others):
        return
    for replica in [each for slot in service.slots.values() for each in slot]:
        work.dismiss(replica, "the service is wanted no more")


def fill(work: Round, service: Service, demand: Demand) -> None:
    """Make the number of slots what is wanted: ask for further ones, or dismiss those that serve least."""
    taken = blocked(service, demand)
    missing = demand.replicas - len(taken)
    if missing > 0:
        freed = sorted(service.freed)[:missing]
        for slot in (*freed, *_free(taken.union(freed), missing - len(freed))):
            home = service.freed[slot].node if slot in service.freed and not demand.portable else ""
            work.ask(Pending(service=service.name, slot=slot, revision=demand.revision, home=home))
        return
    surplus = len(service.slots) - demand.replicas
    if surplus > 0:
        newest = [places[-1] for places in service.slots.values()]
        for victim in victims(newest, surplus, work.nodes, demand.revision, work.now):
            for replica in list(service.slots[victim.slot]):
                work.dismiss(replica, _too_many(demand.replicas))


def _too_many(wanted: int) -> str:
    return {0: "none is wanted", 1: "only one is wanted"}.get(wanted, f"only {wanted} are wanted")


def fill_everywhere(work: Round, service: Service, demand: Demand) -> None:
    """One replica on each node that may have one; none where a person wants nothing."""
    misfits = {
        facts.name: excluded
        for facts in work.nodes.values()
        if (excluded := excluded_by_itself(facts, demand.hard(Kind.CONSTRAINT), demand.platforms)) is not None
    }
    _thin_out(work, service, misfits)
    held = [*service.leaving] if demand.leaves_first else []
    occupied = {each.node for each in (*held, *(each for slot in service.slots.values() for each in slot))}
    wanting = [name for name in work.nodes if name not in occupied and name not in misfits]
    freed = {each.node: slot for slot, each in service.freed.items() if each.node in wanting}
    free = _free(blocked(service, demand).union(freed.values()), len(wanting))
    for node in wanting:
        slot = freed[node] if node in freed else next(free)
        work.ask(Pending(service=service.name, slot=slot, revision=demand.revision, home=node))


def _thin_out(work: Round, service: Service, misfits: Mapping[str, Filter]) -> None:
    """Dismiss what is everywhere from nodes that are not to have it, or have it twice."""
    slots: dict[str, int] = {}  # by node
    for replica in [each for slot in sorted(service.slots) for each in service.slots[slot]]:
        lost_at = work.lost_at(replica)
        if replica.node in work.drained:
            work.dismiss(replica, f"{replica.node} is drained")
        elif misfits.get(replica.node, Filter.READY) is not Filter.READY:
            work.dismiss(replica, f"{replica.node} is not to have it any more ({misfits[replica.node].value})")
        elif lost_at is not None and work.now >= lost_at + FORGOTTEN:
            work.dismiss(replica, f"{replica.node} is gone for good")
        elif slots.setdefault(replica.node, replica.slot) != replica.slot:
            work.dismiss(replica, f"one is enough on {replica.node}")


def blocked(service: Service, demand: Demand) -> set[int]:
    """Slots that have a place, or have to be left first."""
    taken = set(service.slots)
    if demand.leaves_first:
        taken.update(each.slot for each in service.leaving)
    return taken


def _free(taken: set[int], count: int) -> Iterator[int]:
    """The lowest numbers that are free."""
    slot = 0
    for _ in range(count):
        slot += 1
        while slot in taken:
            slot += 1
        yield slot

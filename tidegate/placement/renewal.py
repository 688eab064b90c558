"""Slots of an older revision get the wanted one, some at a time.

A slot whose turn it is gets a new replica beside the old one, which goes when the new one has taken over (`handover`); or, where two cannot
be side by side, it is left first, and placed anew when nothing of it is left. `max_parallel` slots are on their way at a time: those that
somebody leaves, and those whose new replica is not ready, or was not for long enough. Slots that serve nothing have their turn first.

A new replica that ended, or is not ready after five minutes, has failed. Where more than `failure_ratio` of all slots have one, no further
slot has its turn until they get ready or another revision is wanted, so that a version that does not work replaces no more than
`max_parallel` replicas, and, started first, none at all.
"""

from __future__ import annotations

from tidegate.placement.demand import Demand
from tidegate.placement.handover import HEALTHY_DEADLINE
from tidegate.placement.replica import Cause, Pending, Replica
from tidegate.placement.round import Note, Round, Service


def renew(work: Round, service: Service, demand: Demand) -> None:
    """Ask for new places of slots whose turn it is, or dismiss their old ones."""
    newest = [places[-1] for places in service.slots.values()]
    olds = [each for each in newest if each.revision != demand.revision]
    if not olds:
        return
    unsettled = [each for each in newest if each.revision == demand.revision and _unsettled(work, each, demand)]
    failed = [each for each in (*unsettled, *_going_unready(work, service, demand)) if _failed(work, each)]
    asked = {slot for name, slot in work.asked if name == service.name}
    slots = asked.union(service.slots)
    if len(failed) > demand.failure_ratio * max(len(slots), demand.replicas):
        work.notes.append(_stopped(service, failed, olds))
        return
    going = {each.slot for each in service.leaving if work.alive(each)}.union(asked.intersection(service.freed))
    busy = going.union(each.slot for each in unsettled if each not in failed)
    able = [each for each in olds if work.alive(each) and each.slot not in going.union(asked)]
    for old in sorted(able, key=lambda each: (each.ready, each.slot))[: max(0, demand.max_parallel - len(busy))]:
        _renewed(work, service, old, demand)


def _unsettled(work: Round, replica: Replica, demand: Demand) -> bool:
    """Whether others wait for it. One that waits for its lost node holds nobody up."""
    return work.alive(replica) and not work.ready_for(replica, max(demand.min_healthy, demand.delay))


def _going_unready(work: Round, service: Service, demand: Demand) -> list[Replica]:
    """Those of the wanted revision that leave before they were ready, and their slots with them: that makes room for nobody's turn."""
    return [
        each
        for each in service.leaving
        if each.revision == demand.revision and each.slot not in service.slots and _unsettled(work, each, demand)
    ]


def _failed(work: Round, replica: Replica) -> bool:
    deadline = replica.place.since + HEALTHY_DEADLINE
    work.later(deadline)
    return not replica.ready and (replica.ended > 0 or work.now >= deadline)


def _renewed(work: Round, service: Service, old: Replica, demand: Demand) -> None:
    why = "another revision is wanted"
    if demand.leaves_first:
        for each in list(service.slots[old.slot]):
            work.dismiss(each, why)
        return
    home = "" if demand.portable else old.node
    work.ask(
        Pending(service=service.name, slot=old.slot, revision=demand.revision, home=home, cause=Cause.RENEWAL, why=why)
    )


def _stopped(service: Service, failed: list[Replica], olds: list[Replica]) -> Note:
    slots = ", ".join(str(slot) for slot in sorted(each.slot for each in failed))
    text = f"{service.name} is renewed no further, {len(olds)} slots keep the revision before: the new one does not get ready in {slots}"
    return Note(what=text, service=service.name)

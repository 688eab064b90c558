"""Emptying the nodes that people drain, without taking more of a service away at a time than it allows.

A replica that serves is replaced first: it goes when the new one was healthy for long enough (`handover`). At most `max_parallel` of a
service are on their way at a time, and only as many as leave `replicas - max_parallel` healthy. One that does not serve may always go,
or a broken service would block a drain for ever. An hour after the drain began nobody is asked any more. Replicas whose data is on the
node stay, and that is said.
"""

from __future__ import annotations

from tidegate.placement.demand import Demand
from tidegate.placement.replica import Cause, Pending, Replica
from tidegate.placement.round import Note, Round, Service

DEADLINE = 3600.0


def drain(work: Round, service: Service, demand: Demand) -> None:
    """Ask for new places of replicas on drained nodes, as far as the budget goes."""
    budget = work.available(service, demand) - (demand.replicas - demand.max_parallel) - service.migrating
    for places in list(service.slots.values()):
        replica = places[-1]
        if len(places) > 1 or replica.node not in work.drained or not work.alive(replica) or replica.done:
            continue
        if (service.name, replica.slot) in work.asked:
            continue  # it leaves for another reason
        if not demand.portable:
            work.notes.append(_stays(replica, demand))
            continue
        if replica.revision != demand.revision and not _overdue(work, replica):
            continue  # it is renewed anyway, elsewhere
        if _free(work, replica) or budget > 0:
            budget -= replica.ready
            _leave(work, replica, demand)


def _free(work: Round, replica: Replica) -> bool:
    """Whether the budget is not asked: it does not serve, or the drain has taken too long."""
    return not replica.ready or _overdue(work, replica)


def _overdue(work: Round, replica: Replica) -> bool:
    since = work.nodes[replica.node].drained_since
    work.later(since + DEADLINE)
    return bool(since) and work.now >= since + DEADLINE


def _leave(work: Round, replica: Replica, demand: Demand) -> None:
    why = f"{replica.node} is drained"
    if demand.leaves_first:
        work.dismiss(replica, why)  # its slot is filled again when it is gone
        return
    work.ask(Pending(service=replica.service, slot=replica.slot, revision=demand.revision, cause=Cause.DRAIN, why=why))
    if _overdue(work, replica):
        work.replaces.add((replica.service, replica.slot))


def _stays(replica: Replica, demand: Demand) -> Note:
    what = (
        f"{replica.service} {replica.slot} stays on {replica.node}: its volumes {', '.join(demand.volumes)} are there"
    )
    return Note(what=what, service=replica.service, node=replica.node)

"""Slots whose node is gone, or whose replica does not stay up: which of them go elsewhere now."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.placement.demand import Demand
from tidegate.placement.replica import Cause, Pending, Replica
from tidegate.placement.reschedule import again, crashing
from tidegate.placement.round import Round, Service


def recover(work: Round, service: Service, demand: Demand) -> None:
    """Ask for a new place of each slot that has to move now. What was lost of an older revision comes again as the wanted one."""
    if not demand.moves:
        return
    for places in list(service.slots.values()):
        newest = places[-1]
        lost_at = work.lost_at(newest)
        if newest.done:
            continue  # nothing of it has to run
        if lost_at is not None:
            if any(work.alive(each) for each in places if each.revision == newest.revision):
                continue  # an older copy is there
            _lost(work, newest, demand, lost_at)
        elif len(places) == 1 and crashing(newest) and _may_leave(work, newest, demand):
            _crashed(work, newest)


def _may_leave(work: Round, replica: Replica, demand: Demand) -> bool:
    """Whether one that does not stay up may go elsewhere, and there is an elsewhere. One of an older revision is renewed instead."""
    fixed = demand.exclusive or replica.service in work.scene.held or replica.revision != demand.revision
    return not fixed and len(work.nodes) > 1


def _lost(work: Round, replica: Replica, demand: Demand, lost_at: float) -> None:
    standing = work.standings.get(replica.node)
    zone = standing.zone if standing is not None else ""
    if replica.node not in work.drained and any(brake.holds(zone) for brake in work.brakes):
        return
    due, moves = again(replica.place, lost_at)
    due = max(due, work.fenced_at(replica, demand, lost_at))
    if work.now < due:
        work.later(due)
        return
    if demand.leaves_first:
        work.replaces.add((replica.service, replica.slot))
    why = f"{replica.node} is gone"
    work.ask(replace(_pending(replica, Cause.FAILURE, moves, why), revision=demand.revision))


def _crashed(work: Round, replica: Replica) -> None:
    due, moves = again(replica.place, replica.ended_at)
    if work.now < due:
        work.later(due)
        return
    why = f"it ended {replica.ended} times on {replica.node}"
    work.ask(_pending(replica, Cause.CRASH, moves, why, avoid=(replica.node,)))
    work.replaces.add((replica.service, replica.slot))


def _pending(replica: Replica, cause: Cause, moves: int, why: str, avoid: tuple[str, ...] = ()) -> Pending:
    return Pending(
        service=replica.service,
        slot=replica.slot,
        revision=replica.revision,
        moves=moves,
        cause=cause,
        why=why,
        avoid=avoid,
    )

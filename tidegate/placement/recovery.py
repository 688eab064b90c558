"""Slots whose node is gone, or whose replica does not stay up: which of them go elsewhere now."""

from __future__ import annotations

from tidegate.placement.demand import Demand
from tidegate.placement.replica import Cause, Pending, Replica
from tidegate.placement.reschedule import again, crashing, fenced_at
from tidegate.placement.round import Round, Service


def recover(work: Round, service: Service) -> None:
    """Ask for a new place of each slot that has to move now."""
    for places in list(service.lines()):
        newest = places[-1]
        demand = work.demands.get((service.name, newest.revision))
        if demand is None or not demand.moves:
            continue
        lost_at = work.lost_at(newest)
        if lost_at is not None:
            if any(work.alive(each) for each in places):
                continue  # an older copy is there
            _lost(work, newest, demand, lost_at)
        elif len(places) == 1 and crashing(newest) and not demand.exclusive and service.name not in work.scene.held:
            _crashed(work, newest)


def _lost(work: Round, replica: Replica, demand: Demand, lost_at: float) -> None:
    standing = work.standings.get(replica.node)
    zone = standing.zone if standing is not None else ""
    if replica.node not in work.drained and any(brake.holds(zone) for brake in work.brakes):
        return
    due, moves = again(replica.place, lost_at)
    due = max(due, fenced_at(demand, lost_at))
    if work.now < due:
        work.later(due)
        return
    if demand.exclusive:
        work.replaces[replica.service, replica.slot] = replica.place
    work.ask(_pending(replica, Cause.FAILURE, moves, f"{replica.node} is gone"))


def _crashed(work: Round, replica: Replica) -> None:
    due, moves = again(replica.place, replica.ended_at)
    if work.now < due:
        work.later(due)
        return
    why = f"it ended {replica.ended} times on {replica.node}"
    work.ask(_pending(replica, Cause.CRASH, moves, why, avoid=(replica.node,)))
    work.replaces[replica.service, replica.slot] = replica.place


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

"""A slot with two places: which one stays.

A slot has two after a failure (the new node starts while the old one may come back), and while it moves by our own choice (the new one
starts first). The new one takes over once it was healthy for long enough, or at once where no other serves. Until then, after a failure,
a copy that comes back healthy wins, since it may be the only one that serves; of a move by choice the old one stays as long as it takes,
and after five minutes the move is given up. Where neither gets healthy within that time only one stays.
"""

from __future__ import annotations

from tidegate.placement.demand import Demand
from tidegate.placement.replica import Cause, Replica
from tidegate.placement.reschedule import MOVED
from tidegate.placement.round import Round, Service

#: A replica that is not healthy by then does not get so.
HEALTHY_DEADLINE = 300.0


def settle(work: Round, service: Service, demand: Demand) -> None:
    """Dismiss those that have been replaced, or that replace nothing any more."""
    for places in [line for line in service.lines() if len(line) > 1]:
        _settle(work, list(places), demand)


def _settle(work: Round, places: list[Replica], demand: Demand) -> None:
    alive = [each for each in places if work.alive(each)]
    if not alive:
        return
    newest = alive[-1]
    others = [each for each in places if each is not newest]
    serving = [each for each in alive[:-1] if each.ready]
    if newest.ready and (not serving or work.healthy(newest, demand)):
        _dismiss(work, others, f"{newest.place.node} has taken over")
        return
    if serving and newest.place.cause in MOVED:
        _dismiss(work, [newest], f"the replica on {serving[-1].node} is back and serves")
    elif len(alive) > 1 and not newest.ready:
        deadline = newest.place.since + HEALTHY_DEADLINE
        work.later(deadline)
        if work.now >= deadline:
            _give_up(work, newest, others)
    _dismiss(
        work, [each for each in others if _gone_after(work, each, newest)], "its node went while the slot moved there"
    )


def _give_up(work: Round, newest: Replica, others: list[Replica]) -> None:
    """Two of a slot run and the new one does not get healthy: one is enough."""
    if newest.place.cause in (Cause.DRAIN, Cause.REBALANCE):
        _dismiss(work, [newest], f"it did not get healthy within {HEALTHY_DEADLINE:g} s, the one before stays")
    else:
        _dismiss(work, others, f"neither got healthy, the one on {newest.node} stays")


def _gone_after(work: Round, other: Replica, newest: Replica) -> bool:
    """Whether a newer place than the newest that lives is gone: the slot needs it no more."""
    return other.generation > newest.generation and work.lost_at(other) is not None


def _dismiss(work: Round, replicas: list[Replica], why: str) -> None:
    for each in replicas:
        work.dismiss(each, why)

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
    for line in [each for each in service.lines() if len(each) > 1]:
        places = list(line)
        while over := _over(work, places, demand):
            for replica, why in over:
                places.remove(replica)
                work.dismiss(replica, why)


def _over(work: Round, places: list[Replica], demand: Demand) -> list[tuple[Replica, str]]:
    """Those of a slot's places that it needs no more, and why; there may be others once these are gone."""
    alive = [each for each in places if work.alive(each)]
    if not alive or len(places) == 1:
        return []
    newest = alive[-1]
    others = [each for each in places if each is not newest]
    serving = [each for each in alive[:-1] if each.ready]
    if newest.ready and (not serving or work.healthy(newest, demand)):
        return [(each, f"{newest.node} has taken over") for each in others]
    if serving and newest.place.cause in MOVED:
        return [(newest, f"the replica on {serving[-1].node} is back and serves")]
    if len(alive) > 1 and not newest.ready and _too_late(work, newest):
        return _given_up(newest, others)
    return [(each, "its node went while the slot moved there") for each in others if _gone_after(work, each, newest)]


def _too_late(work: Round, newest: Replica) -> bool:
    deadline = newest.place.since + HEALTHY_DEADLINE
    work.later(deadline)
    return work.now >= deadline


def _given_up(newest: Replica, others: list[Replica]) -> list[tuple[Replica, str]]:
    """Two of a slot run and the new one does not get healthy: one is enough."""
    if newest.place.cause in (Cause.DRAIN, Cause.REBALANCE):
        return [(newest, f"it did not get healthy within {HEALTHY_DEADLINE:g} s, the one before stays")]
    return [(each, f"neither got healthy, the one on {newest.node} stays") for each in others]


def _gone_after(work: Round, other: Replica, newest: Replica) -> bool:
    """Whether a newer place than the newest that lives is gone: the slot needs it no more."""
    return other.generation > newest.generation and work.lost_at(other) is not None

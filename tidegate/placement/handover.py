"""A slot with two places: which one stays.

A slot has two after a failure (the new node starts while the old one may come back), while it moves by our own choice (the new one
starts first), and while it is renewed. The new one takes over once it was healthy for long enough, or at once where no other serves; new is
who is of the wanted revision, whatever its generation. Until then, after a failure, a copy that comes back healthy wins, since it may be
the only one that serves; of a move by choice the old one stays as long as it takes, and after five minutes the move is given up. Where
neither gets healthy within that time only one stays, but of two revisions both stay, until another one is wanted. Where two cannot be side
by side, and there are two since that was not said before, one stays.
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
    for places in [list(each) for each in service.slots.values() if len(each) > 1]:
        while over := _over(work, places, demand):
            for replica, why in over:
                places.remove(replica)
                work.dismiss(replica, why)


def _over(work: Round, places: list[Replica], demand: Demand) -> list[tuple[Replica, str]]:
    """Those of a slot's places that it needs no more, and why; there may be others once these are gone."""
    alive = [each for each in places if work.alive(each)]
    if not alive or len(places) == 1:
        return []
    if demand.leaves_first:
        kept = min(alive, key=lambda each: (not each.ready, each.revision != demand.revision, -each.generation))
        return [(each, "two of it cannot be side by side") for each in places if each is not kept]
    newest = alive[-1]
    others = [each for each in places if each is not newest]
    serving = [each for each in alive[:-1] if each.ready]
    if newest.ready and (not serving or work.healthy(newest, demand)):
        return [(each, f"{newest.node} has taken over") for each in others]
    if newest.revision != demand.revision and len(alive) > 1:
        return _but_one(alive)
    alike = [each for each in alive[:-1] if each.revision == newest.revision]
    if newest.place.cause in MOVED and any(each.ready for each in alike):
        return [(newest, f"the replica on {next(each.node for each in alike if each.ready)} is back and serves")]
    if alike and not newest.ready and _too_late(work, newest):
        return _given_up(newest, alike)
    return [(each, "its node went while the slot moved there") for each in others if _gone_after(work, each, newest)]


def _but_one(alive: list[Replica]) -> list[tuple[Replica, str]]:
    """None of these is wanted: one goes on, which serves if one does, until there is one that is."""
    kept = min(alive, key=lambda each: (not each.ready, each.generation))
    return [(each, "another revision is wanted now") for each in alive if each is not kept]


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

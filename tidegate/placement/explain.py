"""Why a service is, or would be, where it is: counts per filter and the best candidates, as values and in words."""

from __future__ import annotations

from zlib import crc32

from tidegate.placement.decision import Filter
from tidegate.placement.filters import Trial
from tidegate.placement.place import counted
from tidegate.placement.replica import Pending
from tidegate.placement.saying import described, reason, refused
from tidegate.placement.scene import Scene
from tidegate.placement.scores import Score, Scorer
from tidegate.placement.tally import Room, Tally
from tidegate.value import Value

BEST = 5


class Miss(Value):
    """A filter, the nodes it excludes, and what it says of them."""

    filter: str
    nodes: tuple[str, ...]
    text: str


class Explanation(Value):
    """What would happen to one replica more of a service, now. `best` are the first candidates, best first, of `candidates`."""

    service: str
    revision: str
    nodes: int
    misses: tuple[Miss, ...] = ()
    candidates: int = 0
    best: tuple[Score, ...] = ()
    text: tuple[str, ...] = ()


def explained(slot: Pending, scene: Scene, seed: int) -> Explanation | None:
    """Where the slot would go and why; None where the scene has no such demand."""
    tally = Tally(scene, seed)
    demand = tally.demands.get((slot.service, slot.revision))
    if demand is None:
        return None
    trial = Trial(demand, tally, home=slot.home, avoid=slot.avoid)
    misses = _misses(trial, slot)
    scorer = Scorer(trial, crc32(f"{seed}/{slot.service}".encode()))
    rooms = [room for room in trial.choices if trial.excluded_by(room) is None]
    rooms.sort(key=lambda room: _rank(trial, scorer, room))
    best = tuple(scorer.score(room) for room in rooms[:BEST])
    return Explanation(
        service=slot.service,
        revision=slot.revision,
        nodes=len(tally.rooms),
        misses=misses,
        candidates=len(rooms),
        best=best,
        text=_told(trial, slot, misses, best),
    )


def _rank(trial: Trial, scorer: Scorer, room: Room) -> tuple[int | tuple[int, ...], ...]:
    key = scorer.key(room)
    return (key[0], trial.zones.skew(trial.zones.bucket(room)), *key[1:])


def _misses(trial: Trial, slot: Pending) -> tuple[Miss, ...]:
    by_filter: dict[Filter, list[str]] = {}
    for room in trial.tally.rooms.values():
        miss = trial.excluded_by(room)
        if miss is not None:
            by_filter.setdefault(miss, []).append(room.name)
    return tuple(
        Miss(
            filter=each.value,
            nodes=tuple(by_filter[each]),
            text=f"{len(by_filter[each])} {reason(each, trial.demand, slot)}",
        )
        for each in Filter
        if each in by_filter
    )


def _told(trial: Trial, slot: Pending, misses: tuple[Miss, ...], best: tuple[Score, ...]) -> tuple[str, ...]:
    if not best:
        return (refused(slot, counted(trial), len(trial.tally.rooms), trial.demand),)
    head = f"{slot.service} {slot.slot} goes to {best[0].node}"
    return (head, *(described(each) for each in best), *(miss.text for miss in misses))

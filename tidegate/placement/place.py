"""One round of placing: slots that need a node, a picture of the cluster, a seed -> orders, and refusals with counts.

Slots of one (service, revision) share their candidates: a heap per zone, so that a replica costs a few comparisons and not a look at each
node. A slot that is bound to a node, or must not go to one, or has volumes, is looked at by itself. Equal nodes are taken in an order made
of the seed, so a round can be replayed.

A round looks at `effort` nodes at most and leaves the rest for the next one: that bounds how long it takes, whatever is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from types import MappingProxyType
from zlib import crc32

from tidegate.placement.decision import Decision, Filter, Refusal
from tidegate.placement.demand import Demand
from tidegate.placement.filters import Trial
from tidegate.placement.replica import Pending, Place
from tidegate.placement.saying import refused
from tidegate.placement.scene import Scene
from tidegate.placement.scores import Key, Scorer
from tidegate.placement.tally import Room, Tally
from tidegate.placement.zones import Bucket

EFFORT = 40_000
#: What a place costs, in looks at nodes.
_STEP = 20


def place(pending: Iterable[Pending], scene: Scene, now: float, seed: int, effort: int = EFFORT) -> Decision:
    """Decide on a node for each slot, in their order; slots of a demand that is not there are refused."""
    return decide(tuple(pending), Tally(scene, seed), now, seed, effort)


def decide(
    pending: tuple[Pending, ...],
    tally: Tally,
    now: float,
    seed: int,
    effort: int = EFFORT,
    moving: Mapping[tuple[str, int], Place] = MappingProxyType({}),
) -> Decision:
    """The same, on a tally that the caller made and that counts the new places afterwards. `moving`: (service, slot) -> the place
    that the slot leaves by choice; it does not count for evenness once there is a new one."""
    places: list[Place] = []
    refusals: list[Refusal] = []
    left: list[Pending] = []
    for group in _turned(_groups(pending, tally, moving), tally, seed, effort):
        if effort <= 0:
            left += group
            continue
        old = moving.get((group[0].service, group[0].slot))
        if old is not None:
            tally.overlook(old, -1)
        waiting = len(refusals)
        effort -= _one(group, tally, now, seed, places, refusals)
        if len(refusals) > waiting:
            effort -= len(tally.rooms)  # to count what excludes them
            if old is not None:
                tally.overlook(old, 1)
    return Decision(places=tuple(places), refusals=tuple(refusals), left=tuple(left))


def _one(
    group: list[Pending], tally: Tally, now: float, seed: int, places: list[Place], refusals: list[Refusal]
) -> int:
    """Decide on one group; what it cost."""
    first = group[0]
    demand = tally.demands.get((first.service, first.revision))
    if demand is None:
        refusals += [_unknown(each) for each in group]
        return _STEP
    trial = Trial(demand, tally, home=first.home, avoid=first.avoid)
    candidates = Candidates(trial, crc32(f"{seed}/{first.service}".encode()))
    for number, slot in enumerate(group):
        room = candidates.best()
        if room is None:
            refusals += _refusals(group[number:], trial)
            break
        order = ordered(slot, demand, room.name, now)
        tally.add(order)
        candidates.placed(room)
        places.append(order)
    return len(trial.choices) + _STEP * len(group)


class Candidates:
    """The nodes that may take a replica of one demand, best first within each zone."""

    def __init__(self, trial: Trial, salt: int) -> None:
        self._trial = trial
        self._scorer = Scorer(trial, salt)
        self._heaps: dict[Bucket, list[tuple[Key, int]]] = {}
        self._by_index: dict[int, Room] = {}
        key, excluded, bucket = self._scorer.key, trial.excluded_now, trial.zones.bucket
        for room in trial.choices:
            if excluded(room) is None:
                self._heaps.setdefault(bucket(room), []).append((key(room), room.index))
                self._by_index[room.index] = room
        for heap in self._heaps.values():
            heapify(heap)

    def best(self) -> Room | None:
        """The best node; None if there is none, or the account's quota is used up."""
        if self._trial.over_quota():
            return None
        zones = self._trial.zones
        chosen: Room | None = None
        least: tuple[int | tuple[int, ...], ...] = ()
        for bucket in list(self._heaps):
            room = self._head(bucket)
            if room is None or not zones.allows(room):
                continue
            key = self._heaps[bucket][0][0]
            rank = (key[0], zones.skew(bucket), *key[1:])
            if chosen is None or rank < least:
                chosen, least = room, rank
        return chosen

    def placed(self, room: Room) -> None:
        """A replica is on the node now, and counted there."""
        self._trial.placed(room)
        heap = self._heaps[self._trial.zones.bucket(room)]
        heappop(heap)
        if self._trial.excluded_now(room) is None:
            heappush(heap, (self._scorer.key(room), room.index))

    def _head(self, bucket: Bucket) -> Room | None:
        """The best node of a zone that is still one: its own replicas may have excluded it since."""
        heap = self._heaps[bucket]
        while heap:
            room = self._by_index[heap[0][1]]
            if self._trial.excluded_now(room) is None:
                key = self._scorer.key(room)
                if key == heap[0][0]:
                    return room
                heappop(heap)  # what it is worth has changed with its neighbours
                heappush(heap, (key, room.index))
            else:
                heappop(heap)
        del self._heaps[bucket]
        return None


def ordered(slot: Pending, demand: Demand, node: str, now: float) -> Place:
    """The order for a slot to run on a node."""
    return Place(
        service=slot.service,
        slot=slot.slot,
        generation=slot.generation,
        revision=slot.revision,
        node=node,
        since=now,
        cause=slot.cause,
        why=slot.why,
        reservation=demand.reservation,
        ports=demand.ports,
        account=demand.account,
        moves=slot.moves,
        stop_grace=demand.stop_grace,
    )


def counted(trial: Trial) -> Counter[Filter]:
    """How many nodes each filter excludes."""
    found = (trial.excluded_by(room) for room in trial.tally.rooms.values())
    return Counter(each for each in found if each is not None)


def _groups(pending: tuple[Pending, ...], tally: Tally, moving: Mapping[tuple[str, int], Place]) -> list[list[Pending]]:
    """Slots that share their candidates, in the order of the first of each."""
    groups: dict[tuple[object, ...], list[Pending]] = {}
    for slot in pending:
        demand = tally.demands.get((slot.service, slot.revision))
        bound = slot.home or slot.avoid or (demand and demand.volumes)
        alone = bound or (slot.service, slot.slot) in moving
        key = (slot.service, slot.revision, slot.slot) if alone else (slot.service, slot.revision)
        groups.setdefault(key, []).append(slot)
    return list(groups.values())


def _turned(groups: list[list[Pending]], tally: Tally, seed: int, effort: int) -> list[list[Pending]]:
    """What can go to one node only has its turn first: it may have been taken away there a moment ago, and others that refuse to be beside
    it wait for just that. If there are too many for one round, begin somewhere else each time, or those that no node takes would hold
    up the others."""
    groups = sorted(groups, key=lambda group: not group[0].home)
    if len(groups) * len(tally.rooms) <= effort:
        return groups
    start = crc32(f"{seed}".encode()) % len(groups)
    return groups[start:] + groups[:start]


def _refusals(group: list[Pending], trial: Trial) -> list[Refusal]:
    counts, nodes = counted(trial), len(trial.tally.rooms)
    by_filter = {each.value: counts[each] for each in Filter if counts[each]}
    return [
        Refusal(
            service=slot.service,
            slot=slot.slot,
            revision=slot.revision,
            counts=by_filter,
            nodes=nodes,
            text=refused(slot, counts, nodes, trial.demand),
        )
        for slot in group
    ]


def _unknown(slot: Pending) -> Refusal:
    text = f"{slot.service} {slot.slot} waits: nobody says any more what revision {slot.revision} is"
    return Refusal(service=slot.service, slot=slot.slot, revision=slot.revision, counts={}, nodes=0, text=text)

"""Which places there should be, by what is wanted and what is there. The leader writes the difference.

For each slot of a service one generation is wanted, but for the time in which a new one takes the place of an old one: then the new one
is there beside it until it is ready (start first), or the old one is gone before the new one is placed (stop first). A slot whose
new replica is not ready holds up all further ones, so that a version that does not work replaces no more than `max_parallel` replicas,
and, started first, none at all.

A place that leaves is taken away only after its node said that nothing of it is left, and then its slot may be placed anew. Nothing here
depends on what was decided before: the same facts give the same places, and places as decided give no change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from tidegate.placement.demand import Demand
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Place, Replica, State
from tidegate.stacks.naming import key_of
from tidegate.value import Value


class Wanted(Value):
    """What is wanted of a service. `stop_first` as in `stack.Member`; while one of `after` has replicas, its own do not leave."""

    demand: Demand
    stop_first: bool = False
    after: tuple[str, ...] = ()


class Scene(Value):
    """All facts. `wanted`: by service; what is not in it is to go, in the order that `after` has. `gone` and `void` are keys of
    places whose nodes said so (`report`). `held` services are moved by somebody else now. A node that is not among `nodes`, or not
    ready, is *lost*; where we are `alone` it does not come back."""

    wanted: dict[str, Wanted] = {}
    replicas: tuple[Replica, ...] = ()
    nodes: tuple[NodeFacts, ...] = ()
    gone: frozenset[str] = frozenset()
    void: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    alone: bool = False


class Spot(Value):
    """A slot that needs a node; `near` is the node where its last replica was, `pinned` that it may be on no other."""

    demand: Demand
    slot: int
    generation: int
    near: str = ""
    pinned: bool = False


# Slots of one service and all places -> slot to node, of those that there is a node for.
Choose = Callable[[tuple[Spot, ...], Iterable[Place]], Mapping[int, str]]


def decide(scene: Scene, choose: Choose, now: float) -> dict[str, Place | None]:
    """What has to change, by place key: a place to write, or None for one to take away."""
    before = {key_of(each.place): each.place for each in scene.replicas}
    after: dict[str, Place] = {}
    by_service: dict[str, list[Replica]] = {service: [] for service in sorted(scene.wanted)}
    for replica in sorted(scene.replicas, key=lambda each: (each.service, each.slot, each.generation)):
        by_service.setdefault(replica.service, []).append(replica)
    lost = _lost(scene)
    for service, replicas in by_service.items():
        if service in scene.held:
            after |= {key_of(each.place): each.place for each in replicas}
            continue
        wanted = scene.wanted.get(service)
        kept = [each for each in replicas if not _over(each, scene, wanted, lost)]
        if wanted is None or not (wanted.demand.replicas or wanted.demand.everywhere):
            busy = {each.service for each in scene.replicas if key_of(each.place) not in scene.gone}
            waits = wanted is not None and any(other in busy for other in wanted.after)
            made = [each.place if waits else _left(each.place, "it is not wanted any more", now) for each in kept]
        else:
            made = _Slots(wanted.demand, replicas, kept, lost, now).decided(wanted, scene.nodes, after.values(), choose)
        after |= {key_of(place): place for place in made if not (place.leaving and lost.counts(place))}
    changes: dict[str, Place | None] = {key: place for key, place in after.items() if before.get(key) != place}
    return changes | {key: None for key in before if key not in after}


# ----------------------------------------------------------------------------------------------------------- private


class _Lost(Value):
    """Nodes that are lost, and whether so many of them that it is rather we who are cut off: then nothing moves."""

    nodes: frozenset[str]
    many: bool

    def counts(self, place: Place) -> bool:
        """Whether nobody is to be waited for on the place's node."""
        return place.node in self.nodes and not self.many


def _lost(scene: Scene) -> _Lost:
    ready = {node.name for node in scene.nodes if node.ready}
    all_ = {each.node for each in scene.replicas} | {node.name for node in scene.nodes}
    lost = frozenset(all_ - ready)
    return _Lost(nodes=lost, many=len(lost) > 1 and len(lost) * 3 > len(all_) and not scene.alone)


def _over(replica: Replica, scene: Scene, wanted: Wanted | None, lost: _Lost) -> bool:
    """Whether a place is to be taken away: it has done what it was for, or its node is lost and its slot is to be elsewhere. What runs
    there all the same is removed by that node when it is back, as it has no place."""
    key = key_of(replica.place)
    if replica.node in lost.nodes:
        moves = wanted is None or replica.place.leaving or wanted.demand.moves
        return scene.alone or (moves and not lost.many)
    return key in scene.gone if replica.place.leaving else key in scene.void


def _left(place: Place, why: str, now: float) -> Place:
    return place if place.leaving else replace(place, leaving=True, leaving_since=now, why=why)


class _Slots:
    """The places of one service, slot by slot, while they are decided."""

    def __init__(
        self, demand: Demand, known: Iterable[Replica], kept: Iterable[Replica], lost: _Lost, now: float
    ) -> None:
        self._demand = demand
        self._now = now
        self._lost = lost
        self._known = tuple(known)  # those that are taken away now too: their names are not given again at once
        self._barred: frozenset[str] = frozenset()  # nodes that an operator wants empty; set at the beginning
        self._places = {key_of(each.place): each.place for each in kept}
        self._seen = {key_of(each.place): each for each in kept}

    def decided(
        self, wanted: Wanted, nodes: Iterable[NodeFacts], others: Iterable[Place], choose: Choose
    ) -> list[Place]:
        """All places that there should be."""
        known = tuple(nodes)
        targets = [node.name for node in known if node.ready and not node.drained]
        self._barred = frozenset(node.name for node in known if node.drained)
        self._one_each()
        self._fewer()
        spots = [*self._renewed(wanted, targets), *self._missing(wanted, targets)]
        free = tuple(spot for spot in spots if not spot.pinned)
        chosen = dict(choose(free, (*others, *self._places.values()))) if free else {}
        chosen |= {spot.slot: spot.near for spot in spots if spot.pinned}
        for spot in spots:
            if spot.slot in chosen:
                place = self._placed(spot, chosen[spot.slot])
                self._places[key_of(place)] = place
        return list(self._places.values())

    def _placed(self, spot: Spot, node: str) -> Place:
        demand = self._demand
        return Place(
            service=demand.service,
            slot=spot.slot,
            generation=spot.generation,
            revision=demand.revision,
            node=node,
            since=self._now,
            reservation=demand.reservation,
            ports=demand.ports,
            account=demand.account,
        )

    # ------------------------------------------------------------------------------------------------------- reading

    def _staying(self, slot: int) -> list[Place]:
        return [place for place in self._places.values() if place.slot == slot and not place.leaving]

    def _live(self) -> list[int]:
        """Slots that somebody has who is to stay, in order."""
        return sorted({place.slot for place in self._places.values() if not place.leaving})

    def _new(self, place: Place) -> bool:
        """Whether it is what is wanted. One on a node that is to be empty is not, unless what it writes to is there."""
        moves = place.node in self._barred and not self._demand.volumes
        return place.revision == self._demand.revision and not moves

    def _ready(self, place: Place) -> bool:
        replica = self._seen.get(key_of(place))
        return replica is not None and replica.state is State.READY

    def _settled(self, place: Place) -> bool:
        """Whether it is ready, and has been for long enough to be trusted."""
        replica = self._seen.get(key_of(place))
        return (
            self._ready(place) and replica is not None and self._now - replica.ready_since >= self._demand.min_healthy
        )

    def _renewed_well(self, slot: int) -> bool:
        return any(self._new(place) and self._settled(place) for place in self._staying(slot))

    def _next(self, slot: int) -> int:
        known = (each.generation for each in self._known if each.slot == slot)
        there = (place.generation for place in self._places.values() if place.slot == slot)
        return 1 + max((*known, *there), default=0)

    # ------------------------------------------------------------------------------------------------------- changing

    def _leave(self, place: Place, why: str) -> None:
        if self._lost.counts(place):
            del self._places[key_of(place)]
        else:
            self._places[key_of(place)] = _left(place, why, self._now)

    def _one_each(self) -> None:
        """Of several in a slot the one of the new revision stays, with one of the old until it is settled."""
        for slot in self._live():
            staying = self._staying(slot)
            news = [place for place in staying if self._new(place)]
            olds = sorted(
                (place for place in staying if not self._new(place)),
                key=lambda each: (not self._ready(each), each.generation),
            )
            for place in news[:-1]:
                self._leave(place, "a later one has its slot")
            for place in olds if news and self._settled(news[-1]) else olds[1:]:
                self._leave(place, "another one has taken its place")

    def _fewer(self) -> None:
        """Slots beyond what is wanted leave: those first that do not serve, then old ones, then those counted last."""
        if self._demand.everywhere:
            self._one_per_node()
            return
        live = self._live()
        order = sorted(
            live,
            key=lambda slot: (
                any(map(self._ready, self._staying(slot))),
                any(map(self._new, self._staying(slot))),
                -slot,
            ),
        )
        for slot in order[: max(0, len(live) - self._demand.replicas)]:
            for place in self._staying(slot):
                self._leave(place, f"{self._demand.replicas} are wanted")

    def _one_per_node(self) -> None:
        slots: dict[str, int] = {}
        for place in sorted((each for each in self._places.values() if not each.leaving), key=lambda each: each.slot):
            if place.node in self._barred:
                self._leave(place, f"nothing is to run on {place.node}")
            elif slots.setdefault(place.node, place.slot) != place.slot:
                self._leave(place, f"one is enough on {place.node}")

    def _renewed(self, wanted: Wanted, targets: list[str]) -> list[Spot]:
        """Old slots whose turn it is get a new replica beside, or leave so that one can come. One that waits for its lost node to come
        back has no turn, and holds nobody up."""
        lost = self._lost.nodes
        live = [slot for slot in self._live() if any(place.node not in lost for place in self._staying(slot))]
        olds = [slot for slot in live if not any(map(self._new, self._staying(slot)))]
        going = {place.slot for place in self._places.values() if place.leaving}
        busy = len(going | {slot for slot in live if slot not in olds and not self._renewed_well(slot)})
        if wanted.stop_first:  # slots between two replicas
            count = len(targets) if self._demand.everywhere else self._demand.replicas
            busy += max(0, count - len(going.union(live if self._demand.everywhere else self._live())))
        turn = max(0, self._demand.max_parallel - busy)
        spots = []
        for slot in [each for each in olds if each not in going][:turn]:
            old = self._staying(slot)[0]
            if wanted.stop_first:
                self._leave(old, "another one takes its place")
            else:
                spots.append(self._spot(slot, old.node, pinned=self._demand.everywhere))
        return spots

    def _missing(self, wanted: Wanted, targets: list[str]) -> list[Spot]:
        """Slots that nobody has. One that still has somebody who leaves waits for that, where the two cannot be side by side."""
        taken = {place.slot for place in self._places.values() if wanted.stop_first or not place.leaving}
        if self._demand.everywhere:
            held = {place.node for place in self._places.values() if wanted.stop_first or not place.leaving}
            free = (slot for slot in range(1, len(targets) + len(taken) + 1) if slot not in taken)
            return [
                self._spot(slot, node, pinned=True)
                for slot, node in zip(free, [each for each in targets if each not in held], strict=False)
            ]
        lacking = self._demand.replicas - len(self._live())
        away = {place.slot for place in self._places.values() if place.leaving} - set(self._live())
        lacking -= len(away) if wanted.stop_first else 0
        free = (slot for slot in range(1, self._demand.replicas + len(taken) + 1) if slot not in taken)
        return [self._spot(slot, self._last_node(slot)) for slot, _ in zip(free, range(lacking), strict=False)]

    def _spot(self, slot: int, near: str, *, pinned: bool = False) -> Spot:
        return Spot(demand=self._demand, slot=slot, generation=self._next(slot), near=near, pinned=pinned)

    def _last_node(self, slot: int) -> str:
        there = [place for place in self._places.values() if place.slot == slot]
        return max(there, key=lambda each: each.generation).node if there else ""


def here(nodes: Iterable[NodeFacts]) -> Choose:
    """Where there is one node, that one, while it takes something."""
    able = [node.name for node in nodes if node.ready and not node.drained]

    def choose(spots: tuple[Spot, ...], _: Iterable[Place]) -> Mapping[int, str]:
        return {spot.slot: spot.near if spot.near in able else able[0] for spot in spots} if able else {}

    return choose

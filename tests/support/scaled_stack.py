"""A service of a stack on several nodes, scaled by its load and placed by the leader's own decisions, in virtual time: all of it pure."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.control.scaling import unknown
from tidegate.elasticity import Metric, ScalingPolicy
from tidegate.placement.demand import Demand
from tidegate.placement.memory import Memory
from tidegate.placement.node import NodeFacts
from tidegate.placement.planning import Plan, plan
from tidegate.placement.replica import Place, State
from tidegate.placement.replica import Replica as Placed
from tidegate.placement.scene import Scene
from tidegate.scaling.decide import decide, look_seconds
from tidegate.scaling.record import Decision, Record
from tidegate.scaling.seen import Replica, Sight

SERVICE = "shop/web"
TICK = 2.0
START_SECONDS, LEAVE_SECONDS = 12.0, 6.0


class ScaledStack:
    """`load` is in replicas' worth of CPU. `mute` nodes cannot be asked, `dead` ones are gone, `drained` ones are to be empty.
    Replicas of a revision in `broken` never get ready."""

    def __init__(self, policy: ScalingPolicy, nodes: str = "abc", replicas: int = 2) -> None:
        self.policy = policy
        self.names = nodes
        self.now = self.begun = 1_000_000.0
        self.load = 0.2
        self.revision = "r1"
        self.broken: set[str] = set()
        self.mute: set[str] = set()
        self.dead: set[str] = set()
        self.drained: set[str] = set()
        self.wanted = replicas
        self.waiting = 0
        self.record = Record()
        self.memory = Memory()
        self.decisions: list[Decision] = []
        self.places: dict[str, Place] = {}
        self._look_at = self.now

    # ------------------------------------------------------------------------------------------------------- what is so

    def ready_since(self, place: Place) -> float:
        """0 while it is not."""
        at = place.since + START_SECONDS
        serves = self.now >= at and place.node not in self.dead and place.revision not in self.broken
        return at if serves and not place.leaving else 0.0

    @property
    def serving(self) -> list[Place]:
        """Those that take requests."""
        return [place for place in self.places.values() if self.ready_since(place)]

    @property
    def old(self) -> list[Place]:
        """Those that are yet to be renewed."""
        return [each for each in self.places.values() if each.revision != self.revision and not each.leaving]

    @property
    def changes(self) -> list[tuple[int, int]]:
        return [(each.current, each.wanted) for each in self.decisions if each.changes]

    @property
    def settled(self) -> bool:
        """Whether as many are ready as are wanted, nobody leaves, and none is of an earlier revision."""
        return len(self.serving) == len(self.places) == self.wanted and not self.old

    # ------------------------------------------------------------------------------------------------------- what happens

    def run(self, seconds: float) -> ScaledStack:
        until = self.now + seconds
        while self.now < until:
            self._place()
            if self.now >= self._look_at or (self.waiting and not self.wanted):
                self._look()
            self.now += TICK
        return self

    def _place(self) -> None:
        nodes = tuple(
            NodeFacts(name=name, index=at, ready=True, drained=name in self.drained)
            for at, name in enumerate(self.names)
            if name not in self.dead
        )
        demand = Demand(service=SERVICE, revision=self.revision, replicas=self.wanted, max_parallel=1, min_healthy=10.0)
        scene = Scene(demands=(demand,), nodes=nodes, replicas=tuple(map(self._placed, self.places.values())))
        decided = plan(scene, self.memory, self.now, seed=1, leader_since=0.0)
        self._remember(decided)
        for place in decided.deletes:
            del self.places[place.key]
        for place in decided.places:
            self.places[place.key] = place

    def _remember(self, decided: Plan) -> None:
        memory = self.memory
        self.memory = Memory(
            ledger=decided.ledger or memory.ledger,
            standings={
                name: each
                for name, each in (memory.standings | {one.node: one for one in decided.standings}).items()
                if name not in decided.forget
            },
            failures={
                name: each
                for name, each in (memory.failures | {one.service: one for one in decided.failures}).items()
                if name not in decided.mended
            },
        )

    def _placed(self, place: Place) -> Placed:
        since = self.ready_since(replace(place, leaving=False))
        state = State.READY if since else State.STARTING
        if place.node in self.dead:
            state = State.LOST
        elif self._gone(place):
            state = State.PENDING
        return Placed(place=place, state=state, ready_since=since, gone=self._gone(place))

    def _gone(self, place: Place) -> bool:
        return place.leaving and self.now >= place.leaving_since + LEAVE_SECONDS and place.node not in self.dead

    def sight(self) -> Sight:
        serving = self.serving
        cpu = min(100.0, 100.0 * self.load / len(serving)) if serving else 0.0
        replicas = tuple(
            Replica(
                id=place.key,
                started_at=place.since,
                ready_since=self.ready_since(place),
                measured_since=self.now - look_seconds(self.policy),
                figures={Metric.CPU: cpu} if place in serving and place.node not in self.mute else {},
            )
            for place in self.places.values()
            if not place.leaving and place.node not in self.dead
        )
        silent = dict.fromkeys(sorted(self.mute - self.dead), "no answer")
        frozen = f"{len(self.old)} of its replicas are yet to be renewed" if self.old else ""
        return Sight(
            current=self.wanted,
            replicas=replicas,
            whole={Metric.REQUESTS: self.load, Metric.IN_FLIGHT: self.load},
            partial=unknown(silent, ()),
            waiting=self.waiting if not self.wanted else 0,
            frozen=frozen,
        )

    def _look(self) -> None:
        self._look_at = self.now + look_seconds(self.policy)
        self.record, decision = decide(self.policy, self.sight(), self.record, self.now)
        self.decisions.append(decision)
        self.wanted = decision.wanted

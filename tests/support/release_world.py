"""A small world for releases: containers that come up, serve and end; workers that take over tables; a clock. Everything an edge
does is one call, so that a test may stop anywhere. After each commit and each act the world checks what must never happen."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from tests.support.releases import WEB, olds
from tidegate.model import InstanceState, Overrides, TrafficMode
from tidegate.release.acts import Create, Fetch, Remove, Start, Stop, acts
from tidegate.release.advance import advance
from tidegate.release.capacity import ceiling, needed
from tidegate.release.gates import Outcome, Verdict
from tidegate.release.holding import asked_gates
from tidegate.release.image import Pin
from tidegate.release.overlay import overlay
from tidegate.release.record import UNDECIDED
from tidegate.release.seen import Container, Seen
from tidegate.release.spec import Strategy
from tidegate.release.stored import read, written


@dataclass
class World:
    """`stored` is the record in the store. `ready_after`: seconds until a started container is ready, None: never."""

    stored: object
    now: float = 1000.0
    ready_after: float | None = 2.0
    idle_after: float = 3.0
    verdict: Outcome | None = Outcome.PASS
    sure: bool = False  # whether a pass is
    stable: dict[str, Container] = field(default_factory=lambda: {each.id: each for each in olds()})
    candidate: dict[str, Container] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)  # when a container began to come up
    table: Overrides = field(default_factory=Overrides)  # what every worker has
    drained_at: dict[str, float] = field(default_factory=dict)
    crash_after: int = -1  # the program dies after so many writes and acts
    done: int = 0
    writes: int = 0
    late: bool = False  # the workers have not taken over the newest table
    disturbed: bool = False  # replicas were lost by no fault of the release, so requests may have nobody
    images: dict[str, Pin] = field(default_factory=dict)  # what the engines were found to hold
    log: list[str] = field(default_factory=list)

    # ------------------------------------------------------------------------------------------------ what is seen

    def seen(self) -> Seen:
        return Seen(
            stable=self._as_seen(self.stable),
            candidate=self._as_seen(self.candidate),
            live=self.table == overlay(Overrides(), [self.stored]),
            verdicts=self._verdicts(),
            judged_at=self.now if self.verdict is not None else 0.0,
            images=self.images,
        )

    def _as_seen(self, side):
        return tuple(replace(each, idle=self._idle(each.id)) for each in side.values())

    def _idle(self, id_):
        return id_ in self.drained_at and self.now >= self.drained_at[id_] + self.idle_after

    def _verdicts(self):
        if self.verdict is None:
            return ()
        gates = asked_gates(self.stored)
        return tuple(
            Verdict(gate=gate.name, outcome=self.verdict, text="as the test says", sure=self.sure) for gate in gates
        )

    # ------------------------------------------------------------------------------------------- what the edge does

    def commit(self, release):
        """One write. What was there before and after is checked."""
        before = self.stored
        assert release.rank >= before.rank, "a transition backwards"
        self._check_rise(before, release)
        self._check_heeded(before, release)
        self._check_kept(release)
        self._spend()
        self.stored = read(written(release), "key")
        assert self.stored == release, "the store changes nothing"
        self.writes += 1
        self.log.append(
            f"{self.now:.0f} {release.state.value} {release.step}/{release.phase.value} {dict(release.weights)}"
        )

    def publish(self):
        """Every worker takes over the table, unless they are late."""
        if self.late:
            return
        self.table = overlay(Overrides(), [self.stored])
        for id_ in self.table.drained:
            self.drained_at.setdefault(id_, self.now)
        for id_ in [each for each in self.drained_at if each not in self.table.drained]:
            del self.drained_at[id_]
        self.check_served()

    def do(self, act):
        self._spend()
        if isinstance(act, Fetch):
            self.images = self.images | {act.node: Pin(id=f"sha256:{self.stored.spec.change.image}")}
        elif isinstance(act, Create):
            assert not self.stored.lacking, "made before it is stored of which image"
            id_ = f"new-{act.name}"
            made = Container(id=id_, name=act.name, number=act.number, state=InstanceState.CREATED)
            self.candidate.setdefault(id_, made)  # made twice is found
        elif isinstance(act, Start):
            self._set(act.container, state=InstanceState.RUNNING, exit_code=None)
            self.started[act.container] = self.now
        elif isinstance(act, Stop):
            assert act.container in self.table.drained, "stopped while it may get requests"
            self._set(act.container, state=InstanceState.STOPPED, ready_since=0.0, exit_code=0)
        elif isinstance(act, Remove):
            assert not self._get(act.container).alive
            side = self.stable if act.container in self.stable else self.candidate
            del side[act.container]
        self._check_number()

    def _spend(self):
        if self.done == self.crash_after:
            raise Killed
        self.done += 1

    def tick(self, seconds=1.0):
        """Time passes; containers get ready."""
        self.now += seconds
        for id_, since in list(self.started.items()):
            there = id_ in self.stable or id_ in self.candidate
            if not there or not self._get(id_).alive:
                del self.started[id_]
            elif self.ready_after is not None and self.now >= since + self.ready_after:
                self._set(id_, ready_since=self.now)
                del self.started[id_]

    def turn(self):
        """What the edge does between two looks at the clock: advance until nothing changes, publish, act."""
        for _ in range(100):
            after = advance(self.stored, self.seen(), self.now)
            if after is self.stored:
                break
            self.commit(after)
            self.publish()
        else:
            raise AssertionError("it never comes to rest")
        self.publish()
        for act in acts(self.stored, self.seen()):
            self.do(act)

    def run(self, seconds=3000.0, until=None):
        """Turn and tick until the record is as `until` says, or nothing more can come."""
        end = self.now + seconds
        while self.now < end:
            self.turn()
            if until is not None and until(self.stored):
                return self
            self.tick()
        assert until is None, f"it never got there: {self.log[-5:]}"
        return self

    # -------------------------------------------------------------------------------------------- what others do

    def _get(self, id_):
        return self.stable.get(id_) or self.candidate[id_]

    def _set(self, id_, **fields):
        side = self.stable if id_ in self.stable else self.candidate
        side[id_] = replace(side[id_], **fields)

    def crash(self, id_, exit_code=1):
        self._set(id_, state=InstanceState.STOPPED, ready_since=0.0, exit_code=exit_code)

    def breaks(self, id_, how):
        each = self._get(id_)
        if how == "vanishes":
            del (self.stable if id_ in self.stable else self.candidate)[id_]
        elif not each.alive:
            return
        elif how == "ends":
            self.crash(id_)
        elif how == "restarts":
            self._set(id_, restarts=each.restarts + 1)
        elif how == "memory":
            self._set(id_, state=InstanceState.STOPPED, ready_since=0.0, exit_code=137, out_of_memory=True)
        else:
            self.gets_unready(id_)

    def recover(self):
        """Everything that runs is ready, or comes up."""
        for each in (*self.stable.values(), *self.candidate.values()):
            if each.alive and not each.ready:
                self._set(each.id, ready_since=self.now)

    def owner_starts(self, count):
        """Where somebody else starts the candidate's containers: so many of them run."""
        for number in range(1, count + 1):
            there = self.candidate.get(f"own{number}")
            if there is None or not there.alive:
                self.candidate[f"own{number}"] = Container(id=f"own{number}", name=f"own{number}", number=number)
                self.started[f"own{number}"] = self.now

    def follow(self, release):
        """Another release begins, of the two sides changed over."""
        self.stable, self.candidate = self.candidate, self.stable
        self.stored = release
        self.publish()

    def heal(self):
        """From here on nothing fails any more."""
        if not self.stored.spec.creates and not self.stored.spec.rollback_of:
            self.owner_starts(self.stored.spec.replicas)
        self.ready_after, self.verdict, self.late, self.crash_after = 2.0, Outcome.PASS, False, -1
        for each in (*self.stable.values(), *self.candidate.values()):
            self._set(each.id, restarts=0, out_of_memory=False)
        self.recover()

    def gets_unready(self, id_):
        self._set(id_, ready_since=0.0)

    # ---------------------------------------------------------------------------------------- what must never happen

    def _check_rise(self, before, after):
        """No weight is raised for a side that nobody of is ready."""
        spec = after.spec
        candidates = [each for each in self.candidate.values() if each.ready and _serves(after, each)]
        stables = [each for each in self.stable.values() if each.ready and _serves(after, each)]
        if after.share > before.share:
            assert len(candidates) >= needed(spec, after.weights) > 0, "a share that nobody covers"
        if after.share < before.share:
            assert stables, "traffic goes back to nobody"

    def _check_heeded(self, before, after):
        """While a gate says that the candidate fails, it gets no more of the traffic, and the old side loses nobody, unless a person
        wants it."""
        asked_to = before.paused is not None or before.skip or before.full or after.history[-1].who == "bob"
        if self.verdict is not Outcome.FAIL or not asked_gates(before) or asked_to:
            return
        leaving = {id_ for id_, fate in after.fates.items() if fate.wish == "drain"} & set(self.stable)
        assert after.share <= before.share, "a share for a version that fails"
        assert leaving <= set(before.fates), "an old replica leaves for a version that fails"

    def _check_kept(self, after):
        """Canary and blue-green keep all of the old side until it is decided."""
        whole = after.spec.strategy in (Strategy.CANARY, Strategy.BLUE_GREEN)
        if whole and after.state in UNDECIDED:
            assert not [id_ for id_ in self.stable if id_ in after.fates], "the old side was reduced too early"

    def _check_number(self):
        running = sum(each.alive for each in (*self.stable.values(), *self.candidate.values()))
        if self.stored.spec.creates:
            assert running <= ceiling(self.stored.spec), "more containers than the release may have"

    def check_served(self):
        """Requests have somebody, or wait."""
        if self.disturbed or self.table.modes.get(WEB) is TrafficMode.HOLD or WEB not in self.table.weights:
            return
        weights, spec = self.table.weights[WEB], self.stored.spec
        sides = ((spec.stable_name, self.stable), (spec.candidate_name, self.candidate))
        assert any(
            weights.get(name) and each.ready and each.id not in self.table.drained
            for name, side in sides
            for each in side.values()
        ), "requests have nobody"


class Killed(Exception):
    """The program ended here."""


def _serves(release, container):
    return container.id not in release.fates or release.fates[container.id].wish == "return"

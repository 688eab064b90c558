"""Releases under failures, verbs and crashes in any order. The world checks after every write and act what must never happen; at
the end everybody behaves, and the release must end, whichever way, and the same way if the program dies on the way there."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.support.release_world import Killed, World
from tests.support.releases import V1, V2, olds
from tidegate.errors import Conflict
from tidegate.release.gates import DEFAULT_GATES, Outcome
from tidegate.release.record import Cause, State, begun
from tidegate.release.spec import OnFailure, Retire, Slot, Strategy
from tidegate.release.strategies import Options, asked
from tidegate.release.succession import overtaken, reversal
from tidegate.release.verbs import By, abort, pause, promote, resume, weigh


class Releases(RuleBasedStateMachine):
    @initialize(
        strategy=st.sampled_from(Strategy),
        stables=st.integers(1, 4),
        replicas=st.integers(1, 4),
        parallelism=st.integers(0, 3),
        hold=st.sampled_from([0.0, 20.0]),
        retain=st.sampled_from([0.0, 40.0]),
        confirm=st.booleans(),
        gates=st.sampled_from([(), DEFAULT_GATES]),
        retire=st.sampled_from([None, *Retire]),
        on_failure=st.sampled_from(OnFailure),
        manual=st.booleans(),
        ours=st.booleans(),
    )
    def begin(
        self, strategy, stables, replicas, parallelism, hold, retain, confirm, gates, retire, on_failure, manual, ours
    ):
        options = Options(
            strategy=strategy,
            parallelism=parallelism,
            hold_seconds=hold,
            retain_seconds=retain,
            confirm=confirm,
            gates=gates,
            retire=retire,
            on_failure=on_failure,
            manual=manual and strategy is Strategy.BLUE_GREEN,
        )
        old = olds(stables)
        slots = tuple(Slot(container=each.id) for each in old) if ours else ()
        spec = asked(options, V1, V2, stables=stables, replicas=replicas, slots=slots, prefix="web-v2-")
        self.world = World(stored=begun(spec, 1, 1000.0, "ann"), stable={each.id: each for each in old})

    # ------------------------------------------------------------------------------------------------ time, the edge

    @rule(seconds=st.sampled_from([1.0, 5.0, 15.0, 60.0, 400.0]))
    def time_passes(self, seconds):
        self.world.tick(seconds)

    @rule(turns=st.integers(1, 30))
    def the_edge_works(self, turns):
        for _ in range(turns):
            self.world.turn()
            self.world.tick()

    @rule(deeds=st.integers(0, 8))
    def it_is_killed(self, deeds):
        self.world.crash_after = self.world.done + deeds
        with suppress(Killed):
            self.world.turn()
        self.world.crash_after = -1

    @rule(late=st.booleans())
    def workers_are_late(self, late):
        self.world.late = late

    # ------------------------------------------------------------------------------------------------------- failures

    @rule(pick=st.integers(0, 9), how=st.sampled_from(["ends", "restarts", "memory", "unready", "vanishes"]))
    def a_container_breaks(self, pick, how):
        every = [*self.world.candidate, *self.world.stable]
        if not every:
            return
        self.world.disturbed = True
        self.world.breaks(every[pick % len(every)], how)

    @rule()
    def all_recover(self):
        self.world.recover()

    @rule(after=st.sampled_from([None, 2.0, 30.0]))
    def new_containers_take(self, after):
        self.world.ready_after = after
        self.world.disturbed |= after is None

    @rule(verdict=st.sampled_from([None, *Outcome]), sure=st.booleans())
    def gates_say(self, verdict, sure):
        self.world.verdict, self.world.sure = verdict, sure

    # ---------------------------------------------------------------------------------------------------------- verbs

    @rule(full=st.booleans(), keep=st.booleans())
    def promote(self, full, keep):
        self.says(lambda release, seen, by: promote(release, seen, by, full=full, keep=keep))

    @rule()
    def pause(self):
        self.says(pause)

    @rule()
    def resume(self):
        self.says(resume)

    @rule()
    def abort(self):
        self.says(abort)

    @rule(old=st.integers(0, 100), new=st.integers(0, 100))
    def weigh(self, old, new):
        self.says(lambda release, seen, by: weigh(release, seen, by, {"v1": old, "v2": new}))

    def says(self, verb):
        """Whether it was taken."""
        try:
            after = verb(self.world.stored, self.world.seen(), By(who="bob", when=self.world.now))
        except Conflict:
            return False
        self.world.commit(after)
        self.world.publish()
        return True

    @precondition(lambda self: not self.world.stored.spec.creates and not self.world.stored.spec.rollback_of)
    @rule(count=st.integers(1, 4))
    def their_owner_starts_some(self, count):
        self.world.owner_starts(count)

    @rule()
    def rollback(self):
        release, world = self.world.stored, self.world
        try:
            back = reversal(release, world.seen(), release.number + 1, By(who="bob", when=world.now))
        except Conflict:
            return
        assert overtaken(release, back, world.now).closed or release.closed
        world.follow(back)

    # -------------------------------------------------------------------------------------------------------- the end

    def teardown(self):
        if not hasattr(self, "world"):
            return
        self.world.heal()
        here = deepcopy(self.world)
        end = self.ending()
        for deeds in (1, 4, 9):
            self.world = deepcopy(here)
            self.world.crash_after = self.world.done + deeds
            assert self.ending() == end

    def ending(self):
        """Where it ends when everybody behaves and a person answers."""
        for _ in range(60):
            try:
                self.world.run(seconds=150.0)
                if self.world.stored.finished:
                    break
                self.answer()
            except Killed:
                self.world.crash_after = -1
        stored = self.world.stored
        assert stored.finished, f"{stored.state.value} {stored.paused} {self.world.log[-5:]}"
        state, weights = stored.state, dict(stored.weights)
        while True:
            try:
                self.world.run(seconds=150.0)
                break
            except Killed:
                self.world.crash_after = -1
        self.leaves_things_in_order(state)
        return state, weights

    def leaves_things_in_order(self, state):
        """The loser is gone if it was to go, and traffic is where somebody serves."""
        spec, world = self.world.stored.spec, self.world
        if state is State.ROLLED_BACK and spec.discard is Retire.REMOVE:
            assert not world.candidate
        if state is State.COMPLETE and spec.retire is Retire.REMOVE:
            assert not world.stable
        if not world.stored.closed and state is not State.FAILED:
            winner = world.stable if state is State.ROLLED_BACK else world.candidate
            assert not winner or any(each.id not in world.table.drained for each in winner.values())

    def answer(self):
        paused = self.world.stored.paused
        if paused is not None and paused.cause is Cause.FAILURE:
            return self.says(abort) or self.says(resume)
        if paused is not None and paused.cause in (Cause.OPERATOR, Cause.STUCK):
            return self.says(resume)
        if paused is not None or self.world.stored.state is State.AWAITING_CONFIRM:
            return self.says(promote) or self.says(abort)
        return False


Releases.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
test_whatever_happens_a_release_ends = Releases.TestCase

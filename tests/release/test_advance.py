from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from tests.support.release_world import Killed, World
from tests.support.releases import V1, V2, WEB, news, olds, release, seen
from tidegate.release.advance import advance
from tidegate.release.gates import DEFAULT_GATES, Outcome
from tidegate.release.record import Cause, Fate, Phase, State, Wish, begun
from tidegate.release.samples import Counts
from tidegate.release.spec import OnFailure, OnUnsure, Retire, Slot, Strategy
from tidegate.release.strategies import Options, asked
from tidegate.release.verbs import By, abort, promote, resume

SLOTS = tuple(Slot(container=f"old{number}") for number in (1, 2, 3))
STRATEGIES = list(Strategy)
DRAIN, STOP = (Fate(wish=wish, since=1000.0) for wish in (Wish.DRAIN, Wish.STOP))


def world(strategy, replicas=3, slots=SLOTS, world=None, **options):
    options = {"gates": (), "confirm": False} | options
    made = asked(
        Options(strategy=strategy, **options), V1, V2, stables=3, replicas=replicas, slots=slots, prefix="web-v2-"
    )
    return World(stored=begun(made, 1, 1000.0, "ann"), **world or {})


def states(made):
    return list(dict.fromkeys(line.split()[1] for line in made.log))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_ends_with_the_new_version_alone(strategy):
    made = world(strategy).run(until=lambda each: each.closed)

    assert made.stored.state is State.COMPLETE
    assert made.stored.weights == {"v1": 0, "v2": 100}
    assert sorted(each.name for each in made.candidate.values() if each.ready) == ["web-v2-1", "web-v2-2", "web-v2-3"]
    assert not made.stable


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_states_come_in_their_order(strategy):
    made = world(strategy, confirm=True).run(until=lambda each: each.state is State.AWAITING_CONFIRM)
    made.commit(promote(made.stored, made.seen(), By(who="ann", when=made.now)))
    made.run(until=lambda each: each.finished)

    expected = ["starting", "gating", "shifting", "awaiting-confirm", "draining", "complete"]
    assert states(made) == expected


def shares(made):
    found = [line.rpartition(" {")[2] for line in made.log]
    return [int(text.split(": ")[-1].rstrip("}")) for text in dict.fromkeys(found)]


def test_a_canary_moves_share_by_share_each_for_its_time():
    made = world(Strategy.CANARY, shares=(5, 25, 50), hold_seconds=60.0).run(until=lambda each: each.finished)

    assert shares(made) == [0, 5, 25, 50, 100]
    held = [moment.when for moment in made.stored.history if moment.what.startswith("share")]
    assert all(later - earlier >= 60.0 for earlier, later in itertools.pairwise(held))


def test_rolling_replaces_slot_by_slot():
    made = world(Strategy.ROLLING).run(until=lambda each: each.finished)

    assert shares(made) == [0, 33, 66, 100]


@pytest.mark.parametrize(
    ("parallelism", "steps"), [(1, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]), (4, [0, 40, 80, 100])]
)
def test_rolling_of_ten_replicas_goes_by_its_parallelism(parallelism, steps):
    slots = tuple(Slot(container=each.id) for each in olds(10))
    made = asked(
        Options(strategy=Strategy.ROLLING, parallelism=parallelism, gates=()),
        V1,
        V2,
        stables=10,
        replicas=10,
        slots=slots,
    )
    rolled = World(stored=begun(made, 1, 1000.0, "ann"), stable={each.id: each for each in olds(10)})

    assert shares(rolled.run(until=lambda each: each.finished)) == steps


def test_requests_wait_while_what_cannot_live_beside_itself_is_replaced():
    made = world(Strategy.REPLACE)
    made.run(until=lambda each: each.held)

    assert made.table.modes == {WEB: "hold"}
    made.run(until=lambda each: each.weights["v2"] == 100)
    assert made.table.modes == {}


def test_nobody_stops_for_a_replica_that_its_owner_has_not_started():
    made = world(Strategy.REPLACE, slots=()).run(seconds=60.0)
    assert (made.stored.held, made.stored.fates) == (False, {})

    made.owner_starts(3)
    assert made.run(until=lambda each: each.finished).stored.state is State.COMPLETE


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("replicas", [1, 2, 5])
def test_the_new_version_may_have_more_or_fewer_replicas(strategy, replicas):
    made = world(strategy, replicas=replicas).run(until=lambda each: each.closed)

    assert made.stored.state is State.COMPLETE
    assert len(made.candidate) == replicas


# --------------------------------------------------------------------------------------------------- what goes wrong


def test_what_the_old_side_did_is_remembered_when_its_window_ends_until_the_release_does():
    before, later = Counts(requests=500), Counts(requests=700)
    began = replace(release(), state=State.GATING, candidates=3, most_ready=3)
    look = seen(candidate=news(), reference=before)
    shifting = advance(began, look, 1100.0)

    assert (shifting.phase, shifting.reference) == (Phase.SHIFT, before)
    noted = advance(shifting, seen(candidate=news(2), reference=later), 1101.0)
    assert (noted.most_ready, noted.reference) == (2, before)  # the same window
    done = replace(shifting, state=State.DRAINING, weights={"v1": 0, "v2": 100})
    assert advance(done, seen(stable=(), candidate=news()), 3000.0).reference is None


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_version_that_never_gets_ready_is_taken_back(strategy):
    made = world(strategy, world={"ready_after": None})
    made.run(until=lambda each: each.state is State.ROLLING_BACK)
    made.ready_after = 2.0
    made.run(until=lambda each: each.closed)

    assert made.stored.state is State.ROLLED_BACK
    assert "replicas ready, none more for 300 s: web-v2-1 is not ready" in made.stored.reason
    assert (made.stored.weights, len(made.stable), made.candidate) == ({"v1": 100, "v2": 0}, 3, {})


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_version_that_crashes_while_it_is_watched_is_taken_back(strategy):
    made = world(strategy, hold_seconds=60.0)
    made.run(until=lambda each: each.state is State.SHIFTING and each.phase == "hold")
    made.tick(30.0)
    made.crash("new-web-v2-1", exit_code=3)
    made.run(until=lambda each: each.closed)

    assert made.stored.state is State.ROLLED_BACK
    assert made.stored.reason == "web-v2-1 ended with exit code 3"
    assert sum(each.ready for each in made.stable.values()) == 3


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_version_that_fails_a_gate_is_taken_back_from_every_step(strategy):
    steps = len(world(strategy, hold_seconds=60.0).stored.spec.steps)
    for step in range(steps):
        made = world(strategy, hold_seconds=60.0, gates=DEFAULT_GATES)
        if not made.stored.spec.steps[step].hold_seconds:
            continue
        made.run(until=lambda each, step=step: each.step == step and each.phase == "hold")
        made.verdict = Outcome.FAIL
        made.run(until=lambda each: each.closed)

        assert made.stored.state is State.ROLLED_BACK
        assert made.stored.reason.startswith("restarts: as the test says")
        assert sum(each.ready for each in made.stable.values()) == 3


@pytest.mark.parametrize("phase", ["start", "shift", "reduce"])
@pytest.mark.parametrize("strategy", [Strategy.ROLLING, Strategy.CANARY])
def test_what_a_gate_finds_between_two_holds_is_not_kept_for_the_next_one(strategy, phase):
    made = world(strategy, hold_seconds=60.0, gates=DEFAULT_GATES)
    made.run(until=lambda each: each.step == 1 and each.phase == "hold")
    made.late, made.idle_after = phase == "shift", 5.0
    if phase == "shift":
        made.stored = replace(made.stored, phase=Phase.SHIFT)
    elif strategy is Strategy.ROLLING or phase == "start":
        made.run(until=lambda each: each.phase == phase)
    else:
        return  # a canary leaves all of the old side
    made.verdict = Outcome.FAIL
    made.turn()
    made.late = False

    assert made.stored.state is State.ROLLING_BACK
    assert made.stored.reason.startswith("success: as the test says")
    assert made.run(until=lambda each: each.closed).stored.state is State.ROLLED_BACK


def test_a_batch_whose_gates_are_sure_is_not_held_any_longer():
    slow, quick = (world(Strategy.ROLLING, gates=DEFAULT_GATES, world={"sure": sure}) for sure in (False, True))
    for made in (slow, quick):
        made.run(until=lambda each: each.finished)

    assert slow.now - quick.now == 3 * 10.0  # of three batches; the end is watched for its whole time all the same


def test_the_count_goes_on_in_the_next_step_where_a_batch_had_too_few_requests():
    made = world(Strategy.ROLLING, gates=DEFAULT_GATES, world={"verdict": Outcome.INCONCLUSIVE})
    made.run(until=lambda each: each.step == 0 and each.phase == "hold")
    began = made.stored.window
    made.run(until=lambda each: each.step == 1 and each.phase == "hold")
    assert made.stored.window == began
    made.verdict = Outcome.PASS
    made.run(until=lambda each: each.step == 2 and each.phase == "hold")
    assert made.stored.window == made.stored.phase_since


def test_who_promotes_past_a_gate_that_fails_is_not_told_of_the_same_requests_again():
    made = world(Strategy.CANARY, shares=(5, 50), hold_seconds=60.0, gates=DEFAULT_GATES, on_failure=OnFailure.PAUSE)
    made.run(until=lambda each: each.phase == "hold")
    began, made.verdict = made.stored.window, Outcome.FAIL
    made.tick(9.0)
    made.run(until=lambda each: each.paused is not None)
    after = promote(made.stored, made.seen(), By(who="ann", when=made.now))

    assert (after.paused, after.window) == (None, made.now)
    assert after.window > began


def test_resumed_between_two_holds_what_was_counted_is_forgiven():
    made = world(Strategy.ROLLING, gates=DEFAULT_GATES, on_failure=OnFailure.PAUSE)
    made.run(until=lambda each: each.step == 1 and each.phase == "start")
    made.verdict = Outcome.FAIL
    made.run(until=lambda each: each.paused is not None)
    made.tick(5.0)
    after = resume(made.stored, made.seen(), By(who="ann", when=made.now))

    assert (after.window, after.phase) == (made.now, Phase.START)


def test_promoted_to_the_end_no_gate_is_asked_any_more():
    made = world(Strategy.ROLLING, gates=DEFAULT_GATES)
    made.run(until=lambda each: each.step == 1 and each.phase == "start")
    made.stored = promote(made.stored, made.seen(), By(who="ann", when=made.now), full=True)
    made.verdict = Outcome.FAIL

    assert made.run(until=lambda each: each.finished).stored.state is State.COMPLETE


def test_a_version_without_traffic_is_held_and_then_a_person_is_asked():
    made = world(Strategy.CANARY, gates=DEFAULT_GATES, hold_seconds=60.0, world={"verdict": Outcome.INCONCLUSIVE})
    made.run(until=lambda each: each.paused is not None)

    assert (made.stored.step, made.stored.extended, made.stored.paused.cause) == (0, 3, Cause.INCONCLUSIVE)
    assert made.now >= 1000.0 + 4 * 60.0
    assert made.stored.share == 0.05


def test_gates_that_cannot_be_asked_neither_pass_nor_fail():
    made = world(Strategy.CANARY, gates=DEFAULT_GATES, world={"verdict": Outcome.ERROR})
    made.run(until=lambda each: each.paused is not None)

    assert made.stored.paused.cause is Cause.INCONCLUSIVE


def test_gates_that_nobody_asks_hold_it_as_well():
    made = world(Strategy.CANARY, gates=DEFAULT_GATES, world={"verdict": None})
    made.run(until=lambda each: each.paused is not None, seconds=6000.0)

    assert "not asked yet" in made.stored.paused.text


def test_a_rolling_release_of_an_idle_service_ends_all_the_same():
    made = world(Strategy.ROLLING, gates=DEFAULT_GATES, world={"verdict": Outcome.INCONCLUSIVE})

    assert made.run(until=lambda each: each.finished).stored.state is State.COMPLETE
    said = [moment for moment in made.stored.history if moment.what == "goes on without a verdict"]
    assert len(said) == 4  # held after each batch and at the end, and never taken for a success
    assert said[0].why.startswith("restarts: as the test says")


def test_a_rolling_release_may_ask_a_person_where_nobody_asks_the_new_version():
    silent = {"verdict": Outcome.INCONCLUSIVE}
    made = world(Strategy.ROLLING, gates=DEFAULT_GATES, on_unsure=OnUnsure.WAIT, world=silent)
    made.run(until=lambda each: each.paused is not None)

    assert (made.stored.step, made.stored.paused.cause) == (0, Cause.INCONCLUSIVE)


def test_a_failure_may_ask_a_person_instead():
    made = world(Strategy.CANARY, on_failure=OnFailure.PAUSE)
    made.run(until=lambda each: each.phase == "hold")
    made.crash("new-web-v2-1")
    made.disturbed = True
    made.run(seconds=30.0)

    assert (made.stored.paused.cause, made.stored.share) == (Cause.FAILURE, 0.05)


def test_a_release_whose_old_side_is_gone_stays_with_the_new_one():
    made = world(Strategy.CANARY).run(until=lambda each: each.step == 3 and each.phase == "hold")
    made.disturbed = True
    made.stable.clear()
    made.crash("new-web-v2-1")
    made.run(seconds=30.0)

    assert made.stored.paused.text.endswith("nobody of v1 is left to go back to")


def test_a_replica_that_is_unready_for_a_moment_does_no_harm_and_for_long_it_does():
    made = world(Strategy.BLUE_GREEN, hold_seconds=600.0).run(
        until=lambda each: each.share == 1.0 and each.phase == "hold"
    )
    made.gets_unready("new-web-v2-1")
    made.run(seconds=5.0)
    made._set("new-web-v2-1", ready_since=made.now)
    made.run(seconds=20.0)
    assert (made.stored.state, made.stored.short_since) == (State.SHIFTING, 0.0)

    made.gets_unready("new-web-v2-1")
    made.run(until=lambda each: each.closed)
    assert made.stored.reason == "2 of 3 replicas that a share of 100% needs are ready"


def test_when_nobody_of_either_side_can_serve_traffic_goes_back_at_once():
    made = world(Strategy.BLUE_GREEN, hold_seconds=600.0).run(
        until=lambda each: each.share == 1.0 and each.phase == "hold"
    )
    made.disturbed = True
    for number in (1, 2, 3):
        made.gets_unready(f"new-web-v2-{number}")
    made.turn()

    assert made.stored.share == 0.0


def test_a_rollback_that_moved_traffic_is_not_rolled_back_by_itself():
    back = world(Strategy.CANARY)
    back.stored = replace(back.stored, spec=replace(back.stored.spec, rollback_of=1))
    back.run(until=lambda each: each.phase == "hold")
    back.crash("new-web-v2-1")
    back.run(seconds=10.0)

    assert back.stored.paused.text == "web-v2-1 ended with exit code 1; a rollback is not rolled back by itself"


def test_an_old_side_that_never_comes_back_leaves_a_failed_release():
    made = world(Strategy.REPLACE, hold_seconds=60.0).run(until=lambda each: each.share == 1.0 and each.phase == "hold")
    made.ready_after = None
    made.disturbed = True
    made.crash("new-web-v2-1")
    made.run(until=lambda each: each.finished)

    assert made.stored.state is State.FAILED
    assert "v1 did not take over within" in made.stored.reason


def test_workers_that_never_follow_do_not_keep_the_next_release_from_beginning():
    made = world(Strategy.BLUE_GREEN, confirm=True, retain_seconds=0.0)
    made.run(until=lambda each: each.state is State.AWAITING_CONFIRM)
    made.late = True
    made.commit(promote(made.stored, made.seen(), By(who="ann", when=made.now)))
    made.run(until=lambda each: each.finished)

    assert all(each.ready for each in made.stable.values())
    made.late = False
    assert made.run(until=lambda each: each.closed).stored.state is State.COMPLETE


@pytest.mark.parametrize(
    ("late", "why"), [(True, "not every worker has taken over the weights"), (False, "left behind: old1")]
)
def test_what_takes_too_long_to_leave_is_left_behind(late, why):
    decided = replace(
        release(retire=Retire.REMOVE), state=State.DRAINING, phase_since=1000.0, retire_at=1000.0, fates={"old1": DRAIN}
    )
    look = seen(stable=olds(1), candidate=news(), live=not late)

    assert advance(decided, look, 1599.0).state is State.DRAINING
    assert advance(replace(decided, fates={"old1": STOP}), look, 1600.0).history[-1].why == why


def test_each_further_replica_that_is_ready_gives_the_others_their_time_again():
    starting = replace(release(), state=State.STARTING, phase_since=1000.0, progress_at=1000.0, candidates=3)
    noted = advance(starting, seen(candidate=news(2)), 1200.0)

    assert (noted.most_ready, noted.progress_at, noted.state) == (2, 1200.0, State.STARTING)
    assert advance(noted, seen(candidate=news(2)), 1499.0).state is State.STARTING
    assert advance(noted, seen(candidate=news(2)), 1500.0).state is State.ROLLING_BACK


def test_nothing_is_decided_while_not_everything_is_in_sight():
    begins = release()

    assert advance(begins, seen(whole=False), 5000.0) is begins


def test_a_closed_release_is_left_alone():
    done = replace(release(), state=State.COMPLETE, closed=True)

    assert advance(done, seen(candidate=news()), 5000.0) is done


# ------------------------------------------------------------------------------------------------------ what survives


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("fails", [False, True])
def test_killed_after_any_write_or_act_it_ends_the_same(strategy, fails):
    def through(crash_after):
        made = world(strategy, hold_seconds=20.0, world={"crash_after": crash_after})
        while not made.stored.closed:
            try:
                made.run(until=lambda each: each.closed or (fails and each.share > 0.3 and not each.finished))
                if not made.stored.closed and made.verdict is Outcome.PASS:
                    made.verdict = Outcome.FAIL
                    for id_ in [each for each, there in made.candidate.items() if there.alive][:1]:
                        made.crash(id_)
                made.run(until=lambda each: each.closed)
            except Killed:
                made.crash_after = -1  # the next life is not disturbed; the record is read again by each commit
        names = sorted(each.name for each in (*made.stable.values(), *made.candidate.values()) if each.ready)
        return made.stored.state, made.stored.weights, names, made.done

    state, weights, names, done = through(-1)
    assert state is (State.ROLLED_BACK if fails else State.COMPLETE)
    for after in range(done):
        assert through(after)[:3] == (state, weights, names), f"killed after {after}"


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("verdict", [Outcome.FAIL, Outcome.INCONCLUSIVE])
def test_killed_after_any_write_or_act_its_gates_are_heeded_all_the_same(strategy, verdict):
    """They say so from the first share on; a canary and a blue-green one then wait for a person, who goes back."""

    def through(crash_after):
        made = world(strategy, hold_seconds=20.0, gates=DEFAULT_GATES, world={"crash_after": crash_after})
        while not made.stored.closed:
            try:
                made.run(until=lambda each: each.closed or each.paused or (each.window and made.verdict is not verdict))
                made.verdict = verdict
                if made.stored.paused:
                    made.stored = abort(made.stored, made.seen(), By(who="ann", when=made.now))
            except Killed:
                made.crash_after = -1
        return made.stored.state, made.stored.weights, made.done

    state, weights, done = through(-1)
    goes_on = verdict is Outcome.INCONCLUSIVE and strategy in (Strategy.ROLLING, Strategy.REPLACE)
    assert state is (State.COMPLETE if goes_on else State.ROLLED_BACK)
    for after in range(done):
        assert through(after)[:2] == (state, weights), f"killed after {after}"

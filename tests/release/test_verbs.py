from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.release_world import World
from tests.support.releases import WEB, news, olds, release, seen
from tidegate.errors import Conflict
from tidegate.release.record import Cause, Pause, Phase, State
from tidegate.release.spec import OnFailure, Retire, Side, Step
from tidegate.release.verbs import By, abort, pause, promote, resume, weigh

ANN = By(who="ann", when=1030.0, why="looks good")
STEPS = (
    Step(candidates=1, share=10, stables=3, hold_seconds=60.0),
    Step(candidates=2, share=50, stables=3, hold_seconds=60.0, confirm=True),
    Step(candidates=3, share=100, stables=3, hold_seconds=60.0, confirm=True),
)


def canary(**given):
    return World(stored=release(steps=STEPS, **given))


def holding(step=0, **given):
    made = canary(**given)
    if step:
        made.run(until=lambda each: each.phase == "hold")
    for index in range(step + 1):
        made.run(until=lambda each, index=index: each.step == index and each.phase == "hold")
        if index < step:
            made.commit(promote(made.stored, made.seen(), by(made)))
            made.run(until=lambda each, index=index: each.step > index or each.paused is not None)
            if made.stored.paused is not None:
                made.commit(promote(made.stored, made.seen(), by(made)))
    return made


def by(made):
    return By(who="ann", when=made.now, why="looks good")


def waiting(**given):
    made = holding(2, **given)
    made.run(until=lambda each: each.state is State.AWAITING_CONFIRM)
    return made


# ------------------------------------------------------------------------------------------------------------ promote


def test_promote_skips_what_is_left_of_a_hold():
    made = holding()
    made.commit(promote(made.stored, made.seen(), by(made)))
    before = made.now
    made.run(until=lambda each: each.step == 1)

    assert made.now == before
    assert made.stored.history[-1].who == "ann"


def test_promote_confirms_a_stop_in_the_middle():
    made = holding(1)
    made.run(until=lambda each: each.paused is not None)
    assert made.stored.paused.cause is Cause.CONFIRM
    made.commit(promote(made.stored, made.seen(), by(made)))
    made.run(until=lambda each: each.step == 2)

    assert made.stored.paused is None


def test_promote_confirms_the_end():
    made = waiting()
    made.commit(promote(made.stored, made.seen(), by(made)))
    made.run(until=lambda each: each.finished)

    assert (made.stored.state, made.stored.weights) == (State.COMPLETE, {"v1": 0, "v2": 100})


def test_promoted_to_the_end_it_skips_all_holds_and_steps_that_need_no_more():
    made = holding()
    made.commit(promote(made.stored, made.seen(), by(made), full=True))
    before = made.now
    made.run(until=lambda each: each.finished)

    assert made.now - before < 30.0
    assert not [line for line in made.log if "'v2': 50" in line]


def test_promote_goes_on_after_the_gates_knew_too_little():
    made = holding()
    unsure = replace(made.stored, paused=Pause(cause=Cause.INCONCLUSIVE, text="12 requests", since=made.now))
    after = promote(unsure, made.seen(), by(made))

    assert (after.paused, after.skip) == (None, True)


@pytest.mark.parametrize(
    ("phase", "why"),
    [
        (Phase.START, "1 of 1 replicas are ready, and no share goes to the others"),
        (Phase.SHIFT, "the new weights are on their way to the workers"),
        (Phase.REDUCE, "replicas of v1 are leaving"),
    ],
)
def test_there_is_nothing_to_promote_while_it_waits_for_no_person(phase, why):
    busy = replace(release(steps=STEPS), state=State.SHIFTING, phase=phase)

    with pytest.raises(Conflict, match="T2002") as raised:
        promote(busy, seen(candidate=news(1)), ANN)
    assert raised.value.problems[0].cause == why


def test_nobody_is_promoted_who_is_not_ready():
    made = waiting()
    made.gets_unready(next(iter(made.candidate)))
    half = replace(made.stored, weights={"v1": 50, "v2": 50})

    with pytest.raises(Conflict, match="T2003"):
        promote(half, made.seen(), by(made))


# -------------------------------------------------------------------------------------------------------- pause, resume


def test_a_pause_stops_the_clock_of_a_hold():
    made = holding()
    made.run(seconds=20.0)
    made.commit(pause(made.stored, made.seen(), by(made)))
    made.run(seconds=500.0)
    assert (made.stored.step, made.stored.share) == (0, 0.1)

    made.commit(resume(made.stored, made.seen(), by(made)))
    resumed = made.now
    made.run(until=lambda each: each.step == 1)
    assert 35.0 <= made.now - resumed <= 41.0


def test_a_pause_stops_the_clock_of_a_start():
    starting = replace(release(), state=State.STARTING, progress_at=1000.0)
    paused = pause(starting, seen(), By(who="ann", when=1010.0))

    assert resume(paused, seen(), By(who="ann", when=1510.0)).progress_at == 1500.0


@pytest.mark.parametrize("phase", [Phase.SHIFT, Phase.REDUCE])
def test_a_pause_stops_the_clock_of_what_takes_too_long(phase):
    waiting = replace(release(), state=State.SHIFTING, phase=phase, phase_since=1000.0)
    paused = pause(waiting, seen(), By(who="ann", when=1010.0))

    assert resume(paused, seen(), By(who="ann", when=9010.0)).phase_since == 9000.0


def test_a_pause_is_no_reason_to_send_requests_to_what_is_broken():
    made = holding()
    made.commit(pause(made.stored, made.seen(), by(made)))
    made.crash("new-web-v2-1")
    made.run(until=lambda each: each.state is State.ROLLED_BACK)

    assert made.stored.reason == "web-v2-1 ended with exit code 1"


def test_a_hold_that_ended_in_a_pause_begins_anew():
    made = holding()
    unsure = replace(made.stored, extended=3, paused=Pause(cause=Cause.INCONCLUSIVE, text="12 requests", since=1100.0))
    after = resume(unsure, made.seen(), By(who="ann", when=5000.0))

    assert (after.extended, after.phase_since, after.until) == (0, 5000.0, 5060.0)


def test_what_broke_is_made_anew_when_a_person_lets_it_go_on():
    made = holding(on_failure=OnFailure.PAUSE)
    made.crash("new-web-v2-1", exit_code=3)
    made.run(until=lambda each: each.paused is not None)
    made.ready_after = 60.0
    made.commit(resume(made.stored, made.seen(), by(made)))
    made.run(until=lambda each: each.step == 1 and each.phase == "hold")

    assert all(each.ready for each in made.candidate.values())


def test_restarts_that_a_person_has_seen_are_forgiven():
    restless = seen(candidate=news(1, restarts=3))
    halt = Pause(cause=Cause.FAILURE, text="new1 restarted 3 times", since=1000.0)
    halted = replace(release(), state=State.SHIFTING, step=1, phase=Phase.HOLD, paused=halt)

    assert resume(halted, restless, ANN).restarted == {"new1": 3}
    assert promote(halted, restless, ANN).restarted == {"new1": 3}


def test_what_was_stuck_gets_its_time_again():
    halt = Pause(cause=Cause.STUCK, text="old1 does not end", since=1600.0)
    after = resume(replace(release(), state=State.SHIFTING, phase=Phase.REDUCE, paused=halt), seen(), ANN)

    assert (after.paused, after.phase_since) == (None, 1030.0)


def test_what_the_plan_wants_confirmed_is_not_resumed_but_promoted():
    halt = Pause(cause=Cause.CONFIRM, text="", since=1.0)

    with pytest.raises(Conflict) as raised:
        resume(replace(release(), paused=halt), seen(), ANN)
    assert "promote it" in raised.value.problems[0].cause


@pytest.mark.parametrize("state", [State.AWAITING_CONFIRM, State.DRAINING, State.ROLLING_BACK, State.COMPLETE])
def test_only_what_goes_on_by_itself_can_be_paused(state):
    with pytest.raises(Conflict, match="T2002"):
        pause(replace(release(), state=state), seen(), ANN)


def test_while_requests_are_held_there_is_no_pause():
    with pytest.raises(Conflict, match="requests are held"):
        pause(replace(release(), state=State.STARTING, held=True), seen(), ANN)


def test_what_is_not_paused_is_not_resumed_and_what_is_paused_not_paused():
    with pytest.raises(Conflict, match="not paused"):
        resume(release(), seen(), ANN)
    with pytest.raises(Conflict, match="waits for you"):
        pause(pause(release(), seen(), ANN), seen(), ANN)


# -------------------------------------------------------------------------------------------------------------- abort


@pytest.mark.parametrize("step", [0, 1, 2])
def test_abort_goes_back_from_every_step(step):
    made = holding(step)
    made.commit(abort(made.stored, made.seen(), by(made)))
    made.turn()
    assert made.table.weights == {WEB: {"v1": 100, "v2": 0}}
    made.run(until=lambda each: each.closed)

    assert (made.stored.state, made.stored.reason, made.candidate) == (State.ROLLED_BACK, "looks good", {})


def test_before_anything_began_abort_ends_it():
    made = canary()
    made.commit(abort(made.stored, made.seen(), By(who="ann", when=made.now)))

    assert made.run(until=lambda each: each.closed).stored.reason == "aborted by ann"


def test_while_the_old_side_still_drains_abort_brings_it_back():
    made = waiting(retire=Retire.REMOVE)
    made.commit(promote(made.stored, made.seen(), by(made)))
    made.run(until=lambda each: bool(each.fates))
    made.commit(abort(made.stored, made.seen(), by(made)))
    made.run(until=lambda each: each.closed)

    assert (made.stored.state, made.stored.weights) == (State.ROLLED_BACK, {"v1": 100, "v2": 0})
    assert sum(each.ready for each in made.stable.values()) == 3


def test_there_is_no_way_back_to_a_side_that_is_gone():
    half = replace(release(), state=State.SHIFTING, weights={"v1": 50, "v2": 50})

    with pytest.raises(Conflict, match="T2003"):
        abort(half, seen(stable=(), candidate=news()), ANN)
    assert abort(release(), seen(stable=(), candidate=news()), ANN).state is State.ROLLING_BACK


@pytest.mark.parametrize("state", [State.ROLLING_BACK, State.COMPLETE, State.ROLLED_BACK, State.FAILED])
def test_what_is_decided_is_not_aborted(state):
    with pytest.raises(Conflict, match="T2002"):
        abort(replace(release(), state=state), seen(), ANN)


# -------------------------------------------------------------------------------------------------- weights by hand


def test_a_share_that_a_person_raised_is_not_lowered_by_the_next_step():
    made = World(stored=release(steps=(replace(STEPS[0], candidates=2), *STEPS[1:])))
    made.run(until=lambda each: each.phase == "hold")
    made.commit(pause(made.stored, made.seen(), by(made)))
    made.commit(weigh(made.stored, made.seen(), by(made), {"v1": 40, "v2": 60}))
    made.commit(resume(made.stored, made.seen(), by(made)))
    made.run(until=lambda each: each.step == 1 and each.phase == "hold")

    assert made.stored.weights == {"v1": 40, "v2": 60}


NGINX = {
    "service": "shop/nginx-v1",
    "stable": Side(service="shop/nginx-v1", version="1"),
    "candidate": Side(service="shop/nginx-v2", version="2"),
    "targets": ("nginx.test",),
    "steps": (Step(candidates=3, share=0, stables=3, confirm=True),),
    "slots": (),
    "retire": Retire.REMOVE,
    "discard": Retire.REMOVE,
    "manual": True,
}


def two_services():
    made = World(stored=release(**NGINX), candidate={each.id: each for each in news()})
    made.run(until=lambda each: each.state is State.AWAITING_CONFIRM)
    return made


def test_two_services_on_one_route_begin_with_all_on_the_old_one():
    assert two_services().table.weights == {"nginx.test": {"shop/nginx-v1": 100, "shop/nginx-v2": 0}}


def test_relative_weights_are_moved_by_hand_and_confirmed_with_force():
    made = two_services()
    made.commit(weigh(made.stored, made.seen(), by(made), {"shop/nginx-v2": 100}))
    assert made.stored.share == 0.5
    made.commit(promote(made.stored, made.seen(), by(made)))
    made.run(until=lambda each: each.closed)

    assert made.stored.weights == {"shop/nginx-v1": 0, "shop/nginx-v2": 100}
    assert (made.stable, len(made.candidate)) == ({}, 3)


def test_confirmed_without_force_the_weights_stay_and_the_old_service_leaves():
    made = two_services()
    made.commit(weigh(made.stored, made.seen(), by(made), {"shop/nginx-v1": 20, "shop/nginx-v2": 80}))
    made.commit(promote(made.stored, made.seen(), by(made), keep=True))
    made.run(until=lambda each: each.closed)

    assert (made.stored.weights, made.stable) == ({"shop/nginx-v1": 20, "shop/nginx-v2": 80}, {})


def test_nobody_confirms_weights_that_leave_the_new_service_without_requests():
    made = two_services()

    with pytest.raises(Conflict, match="has no weight"):
        promote(made.stored, made.seen(), by(made), keep=True)


def test_rolled_back_the_new_service_leaves_and_the_old_one_has_everything():
    made = two_services()
    made.commit(weigh(made.stored, made.seen(), by(made), {"shop/nginx-v1": 50, "shop/nginx-v2": 50}))
    made.commit(abort(made.stored, made.seen(), by(made)))
    made.run(until=lambda each: each.closed)

    assert (made.candidate, len(made.stable)) == ({}, 3)
    assert made.stored.weights == {"shop/nginx-v1": 100, "shop/nginx-v2": 0}


@pytest.mark.parametrize(
    "weights", [{"shop/nginx-v3": 1}, {"shop/nginx-v2": -1}, {"shop/nginx-v2": 1001}, {"shop/nginx-v1": 0}]
)
def test_weights_that_mean_nothing_are_refused(weights):
    made = two_services()

    with pytest.raises(Conflict, match="T2002"):
        weigh(made.stored, made.seen(), by(made), weights)


def test_no_weight_is_raised_by_hand_that_nobody_serves():
    made = two_services()
    few = seen(stable=olds(), candidate=news(1))

    with pytest.raises(Conflict, match="T2003") as raised:
        weigh(made.stored, few, by(made), {"shop/nginx-v2": 100})
    assert raised.value.problems[0].cause == ("1 replicas of 2 are ready, 2 are needed; 3 of 1 are")


def test_a_release_that_moves_its_weights_itself_is_paused_first():
    made = holding()

    with pytest.raises(Conflict, match="pause it first"):
        weigh(made.stored, made.seen(), by(made), {"v2": 20})
    halted = pause(made.stored, made.seen(), by(made))
    assert weigh(halted, made.seen(), by(made), {"v2": 20}).weights == {"v1": 90, "v2": 20}

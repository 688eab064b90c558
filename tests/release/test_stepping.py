from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.release_world import World
from tests.support.releases import V1, V2, news, olds, release, seen
from tidegate.release.record import Fate, Phase, State, Wish, begun
from tidegate.release.spec import Slot, Step, Strategy
from tidegate.release.stepping import entered, held_again, passed, stepped
from tidegate.release.strategies import Options, asked
from tidegate.release.verbs import By, promote

SLOTS = tuple(Slot(container=f"old{number}") for number in (3, 1, 2))


def world(strategy, **options):
    spec = asked(
        Options(strategy=strategy, gates=(), **options), V1, V2, stables=3, replicas=3, slots=SLOTS, prefix="web-v2-"
    )
    return World(stored=begun(spec, 1, 1000.0, "ann"))


def reducing(step, stable):
    """Who is told to leave in the step."""
    given = release(steps=(step,), slots=SLOTS)
    weights = {"v1": 100 - step.share, "v2": step.share}
    at = replace(given, state=State.SHIFTING, phase=Phase.REDUCE, phase_since=1000.0, weights=weights)
    return list(stepped(at, seen(stable=stable, candidate=news()), 1001.0).fates)


def test_a_release_begins_with_its_first_step_and_remembers_earlier_restarts():
    begins = stepped(release(), seen(candidate=news(1, restarts=2)), 1000.0)

    assert (begins.state, begins.phase, begins.candidates, begins.restarted) == (
        State.STARTING,
        Phase.START,
        3,
        {"new1": 2},
    )


def test_replicas_that_are_ready_prove_themselves_before_they_get_a_share():
    made = world(Strategy.CANARY)
    made.run(until=lambda each: each.state is State.GATING)
    ready_at = made.now
    made.run(until=lambda each: each.share > 0)

    assert made.now - ready_at >= 10.0


def test_a_share_that_the_replicas_of_the_step_do_not_cover_is_not_given():
    at = replace(
        release(steps=(Step(candidates=1, share=100, stables=3),)),
        state=State.GATING,
        phase_since=1000.0,
        progress_at=1000.0,
    )

    assert stepped(at, seen(candidate=news(1)), 1001.0) is at
    assert stepped(at, seen(candidate=news(3)), 1001.0).share == 1.0


def test_while_requests_are_held_a_replica_serves_as_soon_as_it_is_ready():
    made = world(Strategy.REPLACE).run(until=lambda each: each.share == 1.0)
    times = {moment.what: moment.when for moment in made.stored.history}

    assert times["share 100 %"] == times["3 replicas of v2 ready"]


def test_weights_are_at_every_worker_before_they_are_watched():
    made = world(Strategy.CANARY)
    made.run(until=lambda each: each.state is State.GATING)
    made.late = True
    made.run(seconds=100.0)
    assert (made.stored.phase, made.stored.share) == (Phase.SHIFT, 0.05)

    made.late = False
    made.run(until=lambda each: each.phase is Phase.HOLD)


def test_workers_that_do_not_follow_are_a_persons_to_look_at():
    made = world(Strategy.CANARY)
    made.run(until=lambda each: each.state is State.GATING)
    made.late = True
    made.run(until=lambda each: each.paused is not None)

    assert made.stored.paused.text == "the workers' tables are late for 600 s"


def test_replicas_are_never_fewer_in_a_later_step():
    steps = (Step(candidates=3, share=10, stables=3), Step(candidates=1, share=20, stables=3))

    assert entered(replace(release(steps=steps), candidates=3), 1, 1000.0).candidates == 3


@pytest.mark.parametrize(
    ("step", "leaving"),
    [
        (Step(candidates=1, share=33, stables=2), ["old2"]),
        (Step(candidates=1, share=33, stables=1), ["old2", "old1"]),
        (Step(candidates=1, share=33, stables=2, stop_first=True), ["old3"]),
        (Step(candidates=1, share=33, stables=1, stop_first=True), ["old3", "old1"]),
    ],
)
def test_who_serves_nobody_leaves_first_and_with_stop_first_whose_slot_comes_first(step, leaving):
    old = olds()

    assert reducing(step, (old[0], replace(old[1], ready_since=0.0), old[2])) == leaving


def test_what_has_ended_by_itself_is_not_counted_among_those_that_stay():
    old = olds()

    assert reducing(Step(candidates=1, share=33, stables=2), (*old, *olds(1, state="stopped"))) == ["old1"]


def test_in_a_hurry_no_step_is_skipped_that_reduces_the_old_side():
    made = world(Strategy.ROLLING)
    made.run(until=lambda each: each.state is State.STARTING)
    made.commit(promote(made.stored, made.seen(), By(who="ann", when=made.now), full=True))
    made.run(until=lambda each: each.finished)

    assert made.stored.state is State.COMPLETE
    assert [line for line in made.log if "'v2': 33" in line]


def test_time_in_which_the_owner_started_the_new_ones_is_not_held_against_the_old_ones():
    steps = (Step(candidates=3, share=100, stables=0, stop_first=True),)
    waiting = replace(release(steps=steps, slots=()), state=State.STARTING, phase=Phase.REDUCE, phase_since=1000.0)
    leaving = stepped(waiting, seen(candidate=news()), 1599.0)

    assert {fate.wish for fate in leaving.fates.values()} == {Wish.DRAIN}
    assert stepped(leaving, seen(candidate=news()), 1601.0) == leaving


def test_a_container_that_does_not_end_is_a_persons_to_look_at():
    at = replace(
        release(steps=(Step(candidates=1, share=33, stables=2),)),
        state=State.SHIFTING,
        phase=Phase.REDUCE,
        phase_since=1000.0,
        fates={"old1": Fate(wish=Wish.STOP, since=1000.0)},
    )

    assert stepped(at, seen(candidate=news()), 1599.0) is at
    assert stepped(at, seen(candidate=news()), 1600.0).paused.text == "old1 does not end for 600 s"


def test_a_hold_that_begins_anew_forgets_what_was_said():
    again = held_again(replace(release(), step=1, extended=2), 2000.0)

    assert (again.phase, again.until, again.extended, again.phase_since) == (Phase.HOLD, 2060.0, 0, 2000.0)


def test_after_its_hold_a_step_reduces_the_old_side_or_has_done_so():
    stops = release(steps=(Step(candidates=1, share=100, stables=0, stop_first=True),))

    assert passed(release(), 1000.0).phase is Phase.REDUCE
    assert passed(stops, 1000.0).state is State.DRAINING


def test_old_replicas_do_not_leave_while_they_have_the_share_that_a_person_gave_them_back():
    """Paused, set back by hand, resumed: the step's share comes first."""
    step = Step(candidates=3, share=100, stables=0)
    at = replace(
        release(steps=(step,)),
        state=State.SHIFTING,
        phase=Phase.REDUCE,
        phase_since=1000.0,
        weights={"v1": 13, "v2": 0},
    )
    shifted = stepped(at, seen(candidate=news()), 1001.0)

    assert (shifted.share, shifted.fates, shifted.phase) == (1.0, {}, Phase.REDUCE)
    assert len(stepped(shifted, seen(candidate=news()), 1002.0).fates) == 3
    assert stepped(at, seen(candidate=news(1)), 1001.0) is at


def test_where_the_old_stop_first_those_that_took_their_place_have_their_share_again_before_more_of_them_leave():
    steps = (
        Step(candidates=2, share=66, stables=1, stop_first=True),
        Step(candidates=3, share=100, stables=0, stop_first=True),
    )
    at = replace(
        release(steps=steps),
        state=State.SHIFTING,
        step=1,
        phase=Phase.REDUCE,
        weights={"v1": 13, "v2": 0},
        candidates=2,
    )
    shifted = stepped(at, seen(stable=olds(1), candidate=news(2)), 1001.0)

    assert (shifted.weights, shifted.fates) == ({"v1": 34, "v2": 66}, {})
    assert len(stepped(shifted, seen(stable=olds(1), candidate=news(2)), 1002.0).fates) == 1

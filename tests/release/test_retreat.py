from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.releases import container, ended, news, olds, release, seen
from tidegate.release.record import Fate, Phase, State, Wish
from tidegate.release.retreat import begin_retreat, can_return, retreated
from tidegate.release.spec import Retire, Slot, Step

ROLLING = (
    Step(candidates=1, share=33, stables=2),
    Step(candidates=2, share=66, stables=1),
    Step(candidates=3, share=100, stables=0),
)
STOP_FIRST = tuple(replace(step, stop_first=True) for step in ROLLING)


def fates(wish, *ids):
    return {id_: Fate(wish=wish, since=1000.0, name=id_) for id_ in ids}


def back(percent, *, fates=None, held=False, progress_at=1000.0, **asked):
    return replace(
        release(**asked),
        state=State.ROLLING_BACK,
        reason="it crashed",
        weights={"v1": 100 - percent, "v2": percent},
        fates=fates or {},
        held=held,
        phase_since=1000.0,
        progress_at=progress_at,
        most_ready=3,
    )


def wishes(release_, wish):
    return sorted(id_ for id_, fate in release_.fates.items() if fate.wish is wish)


# -------------------------------------------------------------------------------------------------------- whether


@pytest.mark.parametrize(
    ("stable", "told", "possible"),
    [
        (olds(1), {}, True),
        (olds(1), fates(Wish.DRAIN, "old1"), True),
        ((ended(olds(1)[0]),), fates(Wish.STOP, "old1"), True),
        ((ended(olds(1)[0]),), {}, False),
        ((ended(olds(1)[0]),), fates(Wish.REMOVE, "old1"), False),
        ((container("old1", ready_since=0.0),), {}, False),
        ((), {}, False),
    ],
)
def test_there_is_a_way_back_to_whom_serves_or_was_stopped_by_us(stable, told, possible):
    assert can_return(replace(release(), fates=told), seen(stable=stable)) is possible


def test_the_way_back_has_a_reason_makes_nobody_and_is_no_pause():
    going = replace(release(), state=State.SHIFTING, phase=Phase.HOLD, candidates=3, retire_at=5.0)
    after = begin_retreat(going, seen(candidate=news()), 1000.0, reason="it crashed", who="ann")

    assert (after.state, after.reason, after.candidates, after.paused, after.retire_at) == (
        State.ROLLING_BACK,
        "it crashed",
        0,
        None,
        0.0,
    )
    assert after.history[-1].who == "ann"


# ------------------------------------------------------------------------------------------------ the old side returns


def test_who_was_draining_serves_again_at_once():
    after = retreated(back(50, fates=fates(Wish.DRAIN, "old1", "old2")), seen(candidate=news()), 1001.0)

    assert after.fates == {}


def test_who_was_stopped_starts_again_as_far_as_there_is_room():
    stopped = tuple(ended(each) for each in olds())
    given = back(100, fates=fates(Wish.STOP, "old1", "old2", "old3"), steps=ROLLING)
    after = retreated(given, seen(stable=stopped, candidate=news()), 1001.0)

    assert wishes(after, Wish.RETURN) == ["old1"]


def test_containers_of_somebody_else_leave_room_for_all():
    stopped = tuple(ended(each) for each in olds())
    given = back(100, fates=fates(Wish.STOP, "old1", "old2", "old3"), steps=ROLLING, slots=())

    assert len(wishes(retreated(given, seen(stable=stopped, candidate=news()), 1001.0), Wish.RETURN)) == 3


def test_who_is_still_ending_is_waited_for():
    given = back(0, fates=fates(Wish.STOP, "old1"), steps=ROLLING)

    assert retreated(given, seen(stable=olds(1)), 1001.0) is given


def test_where_both_cannot_live_side_by_side_a_place_is_free_when_the_new_one_has_ended():
    stopped = tuple(ended(each) for each in olds())
    given = back(100, fates=fates(Wish.STOP, "old1", "old2", "old3"), steps=STOP_FIRST)
    leaving = retreated(given, seen(stable=stopped, candidate=news()), 1001.0)
    assert wishes(leaving, Wish.DRAIN) == ["new1"]

    ending = replace(leaving, fates=leaving.fates | fates(Wish.STOP, "new1"))
    assert retreated(ending, seen(stable=stopped, candidate=news()), 1002.0) is ending
    gone = seen(stable=stopped, candidate=(ended(news()[0]), *news()[1:]))
    assert wishes(retreated(ending, gone, 1003.0), Wish.RETURN) == ["old1"]


def test_no_old_replica_returns_beside_a_new_one_that_still_ends():
    stopped = tuple(ended(each) for each in olds())
    told = fates(Wish.STOP, "old1", "old2", "old3", "new1")
    given = back(33, fates=told, steps=STOP_FIRST)

    assert retreated(given, seen(stable=stopped, candidate=news(1)), 1001.0) is given


def test_the_next_batch_leaves_when_the_one_before_is_back():
    stopped = (*olds(1, ready_since=0.0), *(ended(each) for each in olds()[1:]))
    given = back(66, fates=fates(Wish.STOP, "old2", "old3") | fates(Wish.RETURN, "old1"), steps=STOP_FIRST)

    assert retreated(given, seen(stable=stopped, candidate=news()[1:]), 1001.0) is given


# ---------------------------------------------------------------------------------------------------------- the share


@pytest.mark.parametrize(
    ("able", "told", "share"),
    [(3, {}, 0), (1, {}, 0), (1, fates(Wish.RETURN, "old2", "old3"), 67), (2, fates(Wish.RETURN, "old3"), 34)],
)
def test_the_share_falls_to_what_the_old_side_cannot_carry_yet(able, told, share):
    stable = (*olds(able), *(replace(each, ready_since=0.0) for each in olds()[able:]))
    after = retreated(back(100, fates=told, steps=ROLLING), seen(stable=stable, candidate=news()), 1001.0)

    assert after.weights == {"v1": 100 - share, "v2": share}


def test_a_candidate_that_nobody_serves_has_no_share_whoever_still_comes():
    stable = (*olds(1), *(replace(each, ready_since=0.0) for each in olds()[1:]))
    given = back(100, fates=fates(Wish.RETURN, "old2", "old3"), steps=ROLLING)

    assert retreated(given, seen(stable=stable), 1001.0).share == 0.0


def test_the_share_never_rises_on_the_way_back():
    given = back(10, fates=fates(Wish.RETURN, "old2", "old3"), steps=ROLLING, discard=Retire.KEEP)
    stable = (*olds(1), *(replace(each, ready_since=0.0) for each in olds()[1:]))

    assert retreated(given, seen(stable=stable, candidate=news(1)), 1001.0) is given


def test_held_requests_go_to_the_first_that_is_ready():
    after = retreated(back(0, held=True, steps=STOP_FIRST), seen(stable=olds(1)), 1001.0)

    assert not after.held


# ------------------------------------------------------------------------------------------------- the new side leaves


def test_broken_replicas_leave_before_the_workers_know_and_the_others_after():
    broken = (replace(news()[0], ready_since=0.0), *news()[1:])
    first = retreated(back(0), seen(candidate=broken, live=False), 1001.0)
    assert wishes(first, Wish.DRAIN) == ["new1"]

    assert retreated(first, seen(candidate=broken, live=False), 1002.0) is first
    assert wishes(retreated(first, seen(candidate=broken), 1002.0), Wish.DRAIN) == ["new1", "new2", "new3"]


def test_as_many_stay_as_the_share_still_needs():
    stable = (*olds(1), *(replace(each, ready_since=0.0) for each in olds()[1:]))
    given = back(67, fates=fates(Wish.RETURN, "old2", "old3"), steps=ROLLING)

    assert wishes(retreated(given, seen(stable=stable, candidate=news()), 1001.0), Wish.DRAIN) == ["new1"]


def test_requests_wait_when_the_last_one_leaves_before_the_old_can_return():
    stopped = (ended(olds()[0]),)
    given = back(100, fates=fates(Wish.STOP, "old1"), steps=STOP_FIRST[2:], slots=(Slot(container="old1"),), replicas=1)
    after = retreated(given, seen(stable=stopped, candidate=news(1)), 1001.0)

    assert (wishes(after, Wish.DRAIN), after.held) == (["new1"], True)


def test_what_shall_be_kept_is_not_told_to_leave():
    after = retreated(back(0, discard=Retire.KEEP), seen(candidate=news()), 1001.0)

    assert (after.state, after.fates) == (State.ROLLED_BACK, {})


# ------------------------------------------------------------------------------------------------------------ the end


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (seen(live=False), {}),
        (seen(busy=True), {}),
        (seen(candidate=(ended(news()[0]),)), fates(Wish.REMOVE, "new1")),
        (seen(stable=(*olds(2), replace(olds()[2], ready_since=0.0))), fates(Wish.RETURN, "old3")),
    ],
)
def test_it_is_not_over_while_somebody_is_on_the_way(look, told):
    given = back(0, fates=told)

    assert retreated(given, look, 1001.0) is given


def test_it_is_over_when_the_old_side_has_everything_and_the_new_one_is_gone():
    after = retreated(back(0), seen(), 1001.0)

    assert (after.state, after.history[-1].why) == (State.ROLLED_BACK, "it crashed")


def test_who_does_not_come_back_is_not_waited_for():
    stable = (*olds(2), replace(olds()[2], ready_since=0.0))
    given = back(0, fates=fates(Wish.RETURN, "old3"))

    assert retreated(given, seen(stable=stable), 1299.0) is given
    after = retreated(given, seen(stable=stable), 1300.0)
    assert (after.fates, after.history[-1].what) == ({}, "goes on without old3")


def test_where_nobody_comes_back_it_has_failed_and_traffic_stays():
    stable = tuple(replace(each, ready_since=0.0) for each in olds())
    given = back(50, fates=fates(Wish.RETURN, "old1", "old2", "old3"), discard=Retire.KEEP)

    assert retreated(given, seen(stable=stable, candidate=news()), 1599.0) is given
    after = retreated(given, seen(stable=stable, candidate=news()), 1600.0)
    assert (after.state, after.share, after.fates) == (State.FAILED, 0.5, {})
    assert after.reason == "it crashed; and v1 did not take over within 600 s"

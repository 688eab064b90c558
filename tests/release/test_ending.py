from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.releases import ended, news, olds, release, seen
from tidegate.release.ending import begin_draining, cleaned, drained, retired
from tidegate.release.record import Fate, State, Wish
from tidegate.release.spec import Retire

HALF = replace(release(), state=State.AWAITING_CONFIRM, weights={"v1": 50, "v2": 50})
STOPPED = {each.id: Fate(wish=Wish.STOP, since=1000.0) for each in olds()}


def done(state=State.COMPLETE, *, fates=None, retire_at=0.0, short_since=0.0, **asked):
    weights = {"v1": 0, "v2": 100} if state is State.COMPLETE else {"v1": 100, "v2": 0}
    return replace(
        release(**asked),
        state=state,
        weights=weights,
        phase_since=1000.0,
        fates=fates or {},
        retire_at=retire_at,
        short_since=short_since,
    )


# ------------------------------------------------------------------------------------------------------------- draining


@pytest.mark.parametrize(
    ("retire", "retain", "retire_at"),
    [
        (Retire.KEEP, 0.0, 0.0),
        (Retire.REMOVE, 0.0, 1000.0),
        (Retire.STOP, 0.0, 1000.0),
        (Retire.REMOVE, 300.0, 0.0),
    ],
)
def test_the_old_side_leaves_at_once_unless_it_is_retained_or_kept(retire, retain, retire_at):
    given = replace(HALF, spec=replace(HALF.spec, retire=retire, retain_seconds=retain))
    after = begin_draining(given, 1000.0, "ann")

    assert (after.state, after.weights, after.retire_at) == (State.DRAINING, {"v1": 0, "v2": 100}, retire_at)
    assert after.history[-1].who == "ann"


def test_weights_that_shall_stay_as_they_were_set_do():
    assert begin_draining(replace(HALF, keep=True), 1000.0).weights == {"v1": 50, "v2": 50}


def test_it_is_complete_when_every_worker_knows_and_what_is_retained_has_its_time():
    draining = done(State.DRAINING, retire=Retire.REMOVE, retain_seconds=300.0)

    assert drained(draining, seen(live=False), 1001.0) is draining
    after = drained(draining, seen(), 1001.0)
    assert (after.state, after.retire_at, after.fates) == (State.COMPLETE, 1301.0, {})


# --------------------------------------------------------------------------------------------------------- complete


def test_what_is_retained_leaves_after_its_time():
    retained = done(retire=Retire.REMOVE, retire_at=1301.0)

    assert retired(retained, seen(candidate=news()), 1300.0) is retained
    assert set(retired(retained, seen(candidate=news()), 1301.0).fates) == {"old1", "old2", "old3"}


def test_what_has_ended_by_itself_is_removed_with_the_others_but_not_stopped():
    look = seen(stable=(ended(olds()[0]), *olds()[1:]), candidate=news())

    assert len(retired(done(retire=Retire.REMOVE, retire_at=1000.0), look, 1000.0).fates) == 3
    assert len(retired(done(retire=Retire.STOP, retire_at=1000.0), look, 1000.0).fates) == 2


def test_what_was_stopped_may_be_started_again_by_its_owner_and_is_not_stopped_then():
    stopped = done(retire=Retire.STOP, retire_at=1000.0, fates=STOPPED)
    after = retired(stopped, seen(stable=tuple(ended(each) for each in olds()), candidate=news()), 1001.0)

    assert (after.fates, after.retire_at, after.closed) == ({}, 0.0, False)
    assert retired(after, seen(candidate=news()), 1002.0) is after


def test_with_its_last_container_the_old_side_needs_no_more_governing():
    assert retired(done(), seen(stable=(), candidate=news()), 1001.0).closed
    assert not retired(done(), seen(candidate=news()), 1001.0).closed


def test_where_the_new_side_is_gone_the_old_one_serves_again_after_a_moment():
    missed = retired(done(), seen(), 1001.0)
    assert (missed.short_since, missed.closed) == (1001.0, False)
    assert retired(missed, seen(), 1010.9) is missed
    assert retired(missed, seen(), 1011.0).closed


def test_a_new_side_that_is_made_anew_loses_nothing():
    assert retired(done(short_since=1001.0), seen(candidate=news()), 1005.0).short_since == 0.0


def test_a_record_that_was_overtaken_waits_only_for_its_own_loser():
    overtaken = replace(done(), weights={"v1": 0})

    assert retired(overtaken, seen(), 1001.0) is overtaken


# ------------------------------------------------------------------------------------------------------ rolled back


def test_what_we_made_and_appears_late_is_removed():
    after = cleaned(done(State.ROLLED_BACK), seen(candidate=news(1)), 1001.0)

    assert after.fates["new1"].wish is Wish.DRAIN
    assert cleaned(after, seen(candidate=news(1)), 1002.0) is after


@pytest.mark.parametrize("asked", [{"slots": ()}, {"discard": Retire.KEEP}])
def test_what_somebody_else_started_or_shall_be_kept_is_left_alone(asked):
    rolled_back = done(State.ROLLED_BACK, **asked)

    assert cleaned(rolled_back, seen(candidate=news()), 1001.0) is rolled_back


def test_it_is_not_closed_while_something_may_still_be_made():
    rolled_back = done(State.ROLLED_BACK)

    assert cleaned(rolled_back, seen(busy=True), 1001.0) is rolled_back
    assert cleaned(rolled_back, seen(), 1001.0).closed


@pytest.mark.parametrize("state", [State.ROLLED_BACK, State.FAILED])
def test_where_the_old_side_is_gone_the_new_one_serves_after_a_moment(state):
    look = seen(stable=(), candidate=news())
    missed = cleaned(done(state, slots=()), look, 1001.0)

    assert (missed.short_since, cleaned(missed, look, 1011.0).closed) == (1001.0, True)
    assert cleaned(missed, seen(candidate=news()), 1005.0).short_since == 0.0

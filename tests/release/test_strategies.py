from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.releases import V1, V2, WEB, spec
from tidegate.errors import ConfigError
from tidegate.model import ReleasePolicy
from tidegate.policy import FieldMatch, Match
from tidegate.release.capacity import ceiling, needed, shared
from tidegate.release.spec import OnUnsure, Retire, Slot, Step, Strategy
from tidegate.release.strategies import Options, asked, labelled, steps


def test_blue_green_is_all_beside_all_then_all_at_once_then_a_person():
    assert steps(Options(strategy=Strategy.BLUE_GREEN), 3, 3) == (
        Step(candidates=3, share=0, stables=3),
        Step(candidates=3, share=100, stables=3, hold_seconds=60.0, confirm=True),
    )


def test_a_canary_grows_with_its_share_and_the_old_side_stays():
    made = steps(Options(strategy=Strategy.CANARY), 10, 10)

    assert [(each.share, each.candidates, each.hold_seconds) for each in made] == [
        (5, 1, 60.0),
        (10, 1, 60.0),
        (25, 3, 60.0),
        (50, 5, 60.0),
        (100, 10, 60.0),
    ]
    assert {each.stables for each in made} == {10}


def test_the_last_share_is_all_of_it_also_where_that_was_not_said():
    made = steps(Options(strategy=Strategy.CANARY, shares=(5, 50), hold_seconds=1.0, confirm=True), 2, 2)

    assert [(each.share, each.confirm) for each in made] == [(5, False), (50, False), (100, True)]


def test_rolling_replaces_by_slots_and_then_watches():
    assert steps(Options(parallelism=2), 3, 3) == (
        Step(candidates=2, share=66, stables=1, hold_seconds=10.0, brief=True),
        Step(candidates=3, share=100, stables=0, hold_seconds=10.0, brief=True),
        Step(candidates=3, share=100, stables=0, hold_seconds=30.0),
    )


@pytest.mark.parametrize("strategy", [Strategy.ROLLING, Strategy.REPLACE])
def test_a_batch_is_not_watched_for_longer_than_the_end(strategy):
    made = steps(Options(strategy=strategy, parallelism=1, hold_seconds=4.0), 2, 2)

    assert (made[0].hold_seconds, made[0].brief, made[-1].hold_seconds) == (4.0, True, 4.0)


def test_replace_stops_all_of_the_old_first():
    assert steps(Options(strategy=Strategy.REPLACE), 2, 2) == (
        Step(candidates=2, share=100, stables=0, stop_first=True),
        Step(candidates=2, share=100, stables=0, hold_seconds=30.0),
    )


def test_weights_moved_by_hand_need_one_step():
    assert steps(Options(strategy=Strategy.BLUE_GREEN, manual=True), 3, 3) == (
        Step(candidates=3, share=0, stables=3, confirm=True),
    )


def test_containers_of_somebody_else_are_not_reduced():
    assert {each.stables for each in steps(Options(), 3, 3, keeps=True)} == {3}


@pytest.mark.parametrize("shares", [(0,), (101,), (10, 10), (50, 25)])
def test_shares_that_do_not_rise_lead_nowhere(shares):
    with pytest.raises(ConfigError, match="T2007"):
        steps(Options(strategy=Strategy.CANARY, shares=shares), 3, 3)


@pytest.mark.parametrize(("stables", "replicas"), [(0, 3), (3, 0)])
def test_a_side_without_replicas_leads_nowhere(stables, replicas):
    with pytest.raises(ConfigError, match="at least one replica"):
        steps(Options(), stables, replicas)


@given(
    st.sampled_from(Strategy),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 7),
    st.lists(st.integers(1, 100), unique=True).map(sorted),
)
def test_every_step_can_be_reached_and_none_needs_more_than_one_batch_extra(
    strategy, stables, replicas, parallel, shares
):
    options = Options(strategy=strategy, parallelism=parallel, shares=tuple(shares))
    made = asked(options, V1, V2, stables=stables, replicas=replicas, slots=(Slot(container="old1"),))

    for before, after in zip(made.steps, made.steps[1:], strict=False):
        assert after.share >= before.share
        assert after.candidates >= before.candidates
        assert after.stables <= before.stables
    for step in made.steps:
        assert needed(made, shared(made, step.share)) <= step.candidates <= replicas
    assert (made.steps[-1].share, made.steps[-1].candidates) == (100, replicas)
    extra = {Strategy.ROLLING: parallel or 1, Strategy.REPLACE: 0}.get(strategy, min(stables, replicas))
    assert ceiling(made) <= max(stables, replicas) + extra


def test_our_own_containers_are_removed_and_those_of_somebody_else_kept():
    ours = asked(Options(), V1, V2, stables=1, replicas=1, slots=(Slot(container="old1"),))
    theirs = asked(Options(), V1, V2, stables=1, replicas=1)

    assert (ours.retire, ours.discard) == (Retire.REMOVE, Retire.REMOVE)
    assert (theirs.retire, theirs.discard) == (Retire.KEEP, Retire.KEEP)
    assert theirs.targets == (WEB,)


def test_what_is_to_be_replaced_has_to_stop():
    assert asked(Options(strategy=Strategy.REPLACE), V1, V2, stables=1, replicas=1).retire is Retire.STOP


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        (Options(), 30.0),
        (Options(strategy=Strategy.REPLACE), 3.0),
        (Options(strategy=Strategy.REPLACE, parallelism=1), 30.0),
        (Options(strategy=Strategy.REPLACE, drain_seconds=20.0), 20.0),
        (Options(strategy=Strategy.REPLACE, drain_seconds=0.0), 0.0),
    ],
)
def test_where_requests_wait_for_the_old_side_to_end_it_is_given_little_time(options, seconds):
    assert asked(options, V1, V2, stables=3, replicas=3).drain_seconds == seconds


def test_who_is_watched_waits_for_a_person_where_gates_know_nothing_and_rolling_goes_on():
    canary = asked(Options(strategy=Strategy.CANARY), V1, V2, stables=1, replicas=1)
    rolling = asked(Options(), V1, V2, stables=1, replicas=1)

    assert (canary.on_unsure, rolling.on_unsure) == (OnUnsure.WAIT, OnUnsure.PASS)


def test_labels_are_options():
    beta = Match(headers=(FieldMatch(name="x-beta", value="1"),))
    policy = ReleasePolicy(
        strategy="blue-green", hold_seconds=5.0, confirm=False, parallelism=2, retire="stop", previews=(beta,)
    )

    assert labelled(policy, ()) == Options(
        strategy=Strategy.BLUE_GREEN,
        hold_seconds=5.0,
        confirm=False,
        parallelism=2,
        retire=Retire.STOP,
        previews=(beta,),
        gates=(),
    )
    assert labelled(ReleasePolicy(shares=(5,)), ()).strategy is Strategy.CANARY
    assert spec().strategy is Strategy.BLUE_GREEN

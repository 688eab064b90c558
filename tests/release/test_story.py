from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.releases import V1, V2, news, olds, release, seen
from tidegate.release.gates import DEFAULT_GATES
from tidegate.release.record import Cause, Fate, Pause, Phase, State, Wish
from tidegate.release.spec import Slot, Strategy
from tidegate.release.story import planned, standing
from tidegate.release.strategies import Options, asked

SLOTS = tuple(Slot(container=each.id) for each in olds())


def plan(strategy, slots=SLOTS, gates=(), **options):
    made = Options(strategy=strategy, gates=gates, **options)
    return planned(asked(made, V1, V2, stables=3, replicas=3, slots=slots))


def test_a_canary_in_words():
    assert plan(Strategy.CANARY, shares=(10,), gates=DEFAULT_GATES, confirm=True) == (
        "1 replica of v2 started",
        "10 % of the traffic to v2",
        "watched for 60 s: restarts, success, refusals, latency",
        "2 replicas of v2 started",
        "100 % of the traffic to v2",
        "watched for 60 s: restarts, success, refusals, latency",
        "waits to be confirmed",
        "the containers of v1 are removed 300 s later",
    )


def test_rolling_in_words():
    assert plan(Strategy.ROLLING, parallelism=2) == (
        "2 replicas of v2 started",
        "66 % of the traffic to v2",
        "2 replicas of v1 stopped",
        "1 replica of v2 started",
        "100 % of the traffic to v2",
        "1 replica of v1 stopped",
        "watched for 30 s: no gates",
        "the containers of v1 are removed",
    )


def test_replace_in_words():
    assert plan(Strategy.REPLACE)[:3] == (
        "3 replicas of v1 stopped; requests wait until they are replaced",
        "3 replicas of v2 started",
        "100 % of the traffic to v2",
    )


def test_weights_by_hand_over_containers_of_somebody_else_in_words():
    assert plan(Strategy.BLUE_GREEN, slots=(), manual=True) == (
        "3 replicas of v2 ready",
        "waits to be confirmed",
        "100 % of the traffic to v2, or the weights as they were set by hand",
        "the containers of v1 stay without traffic",
    )


GOING = replace(release(), state=State.SHIFTING, step=1, weights={"v1": 50, "v2": 50}, phase_since=1000.0)
LEAVING = {"old1": Fate(wish=Wish.DRAIN, since=1.0)}


@pytest.mark.parametrize(
    ("fields", "sentence", "left"),
    [
        ({"state": State.PENDING, "phase": Phase.START}, "2 of 3 replicas of v2 ready", None),
        ({"phase": Phase.START}, "2 of 3 replicas of v2 ready", 290.0),
        ({"phase": Phase.SHIFT}, "the workers to take over the weights", None),
        ({"phase": Phase.HOLD, "until": 1060.0}, "v2 is watched", 50.0),
        ({"phase": Phase.HOLD, "until": 1060.0, "extended": 2}, "v2 is watched, extended 2 times", 50.0),
        ({"phase": Phase.REDUCE, "fates": LEAVING}, "1 replica of v1 to end", None),
        ({"state": State.AWAITING_CONFIRM}, "a person has to confirm", None),
        ({"state": State.DRAINING, "fates": LEAVING}, "1 replica of v1 to end", None),
        ({"state": State.ROLLING_BACK, "reason": "it crashed"}, "3 of 3 replicas of v1 ready: it crashed", None),
        ({"state": State.ROLLED_BACK, "reason": "it crashed"}, "it crashed", None),
        ({"state": State.COMPLETE, "retire_at": 1100.0}, "v1 is retained", 90.0),
        ({"state": State.COMPLETE}, "", None),
    ],
)
def test_what_it_waits_for_is_one_sentence(fields, sentence, left):
    found = standing(replace(GOING, **fields), seen(candidate=news(2)), 1010.0)

    assert (found.waits_for, found.seconds_left) == (sentence, left)


def test_a_pause_says_whose_it_is():
    mine = Pause(cause=Cause.OPERATOR, text="lunch", since=1.0, who="ann")
    gates = Pause(cause=Cause.INCONCLUSIVE, text="12 requests", since=1.0)

    for pause, text in ((mine, "paused by ann: lunch"), (gates, "paused: 12 requests")):
        assert standing(replace(GOING, paused=pause), seen(), 1010.0).waits_for == text


def test_where_it_is_has_its_numbers():
    found = standing(GOING, seen(candidate=news(2)), 1010.0)

    assert (found.step, found.steps, found.share_percent, found.ready, found.wanted) == (2, 2, 50.0, 2, 3)

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace

from tests.support.releases import release, spec
from tidegate.release.record import HISTORY, Moment, Phase, State, begun, told
from tidegate.release.spec import Step


def test_a_release_begins_with_all_traffic_on_the_old_side():
    begins = begun(spec(), 7, 1000.0, "ann", "a new colour")

    assert (begins.state, begins.weights, begins.share) == (State.PENDING, {"v1": 100, "v2": 0}, 0.0)
    assert begins.asked_by == Moment(
        when=1000.0, who="ann", what="blue-green from v1 to v2 asked for", why="a new colour"
    )
    assert str(begins) == "release 7 of shop/web"


@pytest.mark.parametrize(
    ("weights", "share"), [({"v1": 100, "v2": 100}, 0.5), ({"v1": 0, "v2": 7}, 1.0), ({"v1": 0, "v2": 0}, 0.0), ({}, 0)]
)
def test_the_share_is_what_relative_weights_mean(weights, share):
    assert replace(release(), weights=weights).share == share


def test_the_rank_grows_with_state_then_step_then_phase():
    one = release()
    in_order = [
        one,
        replace(one, state=State.STARTING),
        replace(one, state=State.SHIFTING),
        replace(one, state=State.SHIFTING, phase=Phase.HOLD),
        replace(one, state=State.SHIFTING, step=1),
        replace(one, state=State.ROLLING_BACK),
    ]

    assert all(before.rank < after.rank for before, after in itertools.pairwise(in_order))


def test_where_the_old_leave_first_that_is_the_first_phase():
    stops = release(steps=(Step(candidates=1, share=100, stables=0, stop_first=True),))

    assert replace(stops, phase=Phase.REDUCE).rank < replace(stops, phase=Phase.START).rank


def test_a_history_keeps_its_beginning_and_its_end():
    history = ()
    for number in range(HISTORY + 50):
        history = told(history, Moment(when=float(number), who="ann", what=str(number)))

    assert len(history) == HISTORY
    assert (history[0].what, history[1].what, history[-1].what) == ("0", "51", "149")


@pytest.mark.parametrize("state", list(State))
def test_a_release_is_finished_when_it_cannot_become_anything_else(state):
    assert replace(release(), state=state).finished is (state in ("complete", "rolled-back", "failed"))

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.releases import container, ended, news, olds, release, seen, spec
from tidegate.release.capacity import ceiling, covered, needed, ready, shared, staying, steady
from tidegate.release.record import Fate, Wish
from tidegate.release.spec import Step


@pytest.mark.parametrize(
    ("weights", "stables", "replicas", "expected"),
    [
        ({"v1": 100, "v2": 0}, 3, 3, 0),
        ({"v1": 95, "v2": 5}, 3, 3, 1),
        ({"v1": 50, "v2": 50}, 3, 3, 2),
        ({"v1": 100, "v2": 100}, 10, 10, 5),
        ({"v1": 0, "v2": 100}, 3, 3, 3),
        ({"v1": 0, "v2": 100}, 10, 2, 2),
        ({"v1": 0, "v2": 1}, 1, 5, 1),
    ],
)
def test_a_share_needs_as_much_of_the_new_as_it_had_of_the_old(weights, stables, replicas, expected):
    assert needed(spec(stables=stables, replicas=replicas), weights) == expected


def test_a_share_that_rises_needs_its_replicas_ready():
    begun = release()

    assert not covered(begun, seen(candidate=news(1)), shared(begun.spec, 50))
    assert covered(begun, seen(candidate=news(2)), shared(begun.spec, 50))


def test_going_back_needs_anybody_of_the_old_side_and_no_more():
    half = replace(release(), weights={"v1": 50, "v2": 50})

    assert covered(half, seen(stable=olds(1)), shared(half.spec, 0))
    assert not covered(half, seen(stable=()), shared(half.spec, 0))


def test_weights_that_mean_the_same_need_nobody():
    assert covered(release(), seen(stable=()), {"v1": 7, "v2": 0})


def test_who_is_told_to_leave_does_not_count_and_who_returns_does():
    three = replace(
        release(), fates={"old1": Fate(wish=Wish.DRAIN, since=1.0), "old2": Fate(wish=Wish.RETURN, since=1.0)}
    )

    assert [each.id for each in staying(three, olds())] == ["old2", "old3"]
    assert [each.id for each in ready(three, (*olds()[:2], ended(olds()[2])))] == ["old2"]


def test_only_what_was_ready_for_long_enough_is_steady():
    fresh = (container("new1", ready_since=995.0), container("new2", ready_since=990.0))

    assert [each.id for each in steady(release(), fresh, 1000.0)] == ["new2"]


@pytest.mark.parametrize(
    ("steps", "most"),
    [
        ((Step(candidates=3, share=100, stables=3),), 6),
        ((Step(candidates=1, share=33, stables=2), Step(candidates=2, share=66, stables=1)), 4),
        ((Step(candidates=1, share=33, stables=2, stop_first=True),), 3),
    ],
)
def test_the_ceiling_is_what_the_fullest_step_needs(steps, most):
    assert ceiling(spec(steps=steps)) == most

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.support.router import upstreams
from tidegate.router.bounds import Bounds
from tidegate.router.contest import Contest


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(0, 5))
def test_while_nobody_is_busy_shares_follow_the_weights(weights, offset):
    group = Contest(upstreams(len(weights)), weights, offset)
    picked = Counter(group.pick().port - 1001 for _ in range(2000))
    for index, weight in enumerate(weights):
        assert abs(picked[index] / 2000 - weight / sum(weights)) < 0.06


@given(st.lists(st.integers(0, 20), min_size=2, max_size=6, unique=True), st.sampled_from([1, 3]))
def test_the_busiest_of_equals_gets_nothing(in_flight, weight):
    some = upstreams(len(in_flight))
    for one, claims in zip(some, in_flight, strict=True):
        one.in_flight = claims
    group = Contest(some, [weight] * len(some))
    assert max(in_flight) not in {group.pick().in_flight for _ in range(200)}


def test_requests_that_take_time_are_spread_evenly():
    some = upstreams(5)
    group = Contest(some, [1] * 5)
    for _ in range(500):
        group.pick().in_flight += 1
    assert max(one.in_flight for one in some) - min(one.in_flight for one in some) <= 4


def test_twice_the_weight_carries_twice_the_requests():
    some = upstreams(3)
    group = Contest(some, [2, 1, 1])
    for _ in range(400):
        group.pick().in_flight += 1
    assert abs(some[0].in_flight - 200) <= 10


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_whoever_has_room_is_found(in_flight):
    some = upstreams(len(in_flight))
    for one, claims in zip(some, in_flight, strict=True):
        one.in_flight = claims
    choice = Contest(some, [1] * len(some)).pick_allowed(0, Bounds(requests=2))
    assert (choice is None) == (min(in_flight) >= 2)
    assert choice is None or choice.in_flight < 2


def test_workers_roll_dice_of_their_own():
    some = upstreams(4)
    assert len({tuple(Contest(some, [1] * 4, worker).pick().port for _ in range(1)) for worker in range(8)}) > 1

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.router.assembly import Share
from tidegate.router.assembly import build_balancer as build_from
from tidegate.router.balancer import Balancer, Rotation


def build_balancer(backends, offset):
    return build_from([Share(weight, endpoints) for weight, endpoints in backends], offset)


weights = st.lists(st.integers(1, 30), min_size=1, max_size=8)


@given(weights, st.integers(0, 50))
def test_after_total_picks_each_item_got_exactly_its_weight(shares, offset):
    rotation = Rotation(list(range(len(shares))), shares, offset)
    rounds = len(shares) if rotation.even else sum(shares)
    picked = Counter(rotation.pick() for _ in range(rounds))
    expected = dict.fromkeys(range(len(shares)), 1) if rotation.even else dict(enumerate(shares))
    assert picked == expected


@given(weights)
def test_no_item_is_ever_more_than_one_turn_ahead_of_its_share(shares):
    rotation = Rotation(list(range(len(shares))), shares)
    picked = Counter()
    for turn in range(1, 2 * sum(shares) + 1):
        picked[rotation.pick()] += 1
        fair = Counter({item: turn * share / sum(shares) for item, share in enumerate(shares)})
        assert all(picked[item] - fair[item] <= len(shares) for item in fair)


def test_five_to_one_is_spread_out():
    rotation = Rotation(["a", "b"], [5, 1])
    assert "".join(rotation.pick() for _ in range(6)) == "aaabaa"


def test_a_canary_of_five_percent_gets_five_of_every_hundred():
    balancer = build_balancer([(95, [("old", 1), ("old2", 1)]), (5, [("new", 1)])], 0)
    for _ in range(3):
        picked = Counter(balancer.pick(None) for _ in range(100))
        assert picked["new"] == 5
        assert abs(picked["old"] - picked["old2"]) <= 1


def test_weight_zero_and_backends_without_endpoints_get_nothing():
    balancer = build_balancer([(0, [("a", 1)]), (1, []), (1, [("b", 0)]), (1, [("c", 1)])], 3)
    assert {balancer.pick(None) for _ in range(10)} == {"c"}


def test_without_anybody_there_is_no_pick():
    for backends in ([], [(0, [("a", 1)])], [(5, [])]):
        balancer = build_balancer(backends, 7)
        assert not balancer.ready()
        assert balancer.pick(None) is None
        assert balancer.pick(["a"]) is None


@given(
    st.lists(st.tuples(st.integers(0, 200), st.lists(st.integers(1, 100), max_size=4)), min_size=1, max_size=4),
    st.data(),
)
def test_whoever_was_not_tried_is_found_while_there_is_one(shape, data):
    backends = [
        (weight, [(f"{at}.{n}", share) for n, share in enumerate(shares)]) for at, (weight, shares) in enumerate(shape)
    ]
    ready = [name for weight, endpoints in backends for name, _ in endpoints if weight]
    balancer = build_balancer(backends, data.draw(st.integers(0, 20)))
    tried = []
    while len(tried) < len(ready):
        choice = balancer.pick(tried)
        assert choice in ready
        assert choice not in tried
        tried.append(choice)
    assert balancer.pick(tried) is None


def test_only_a_single_backend_with_endpoints_is_the_only_one():
    only = build_balancer([(1, []), (5, [("a", 1), ("b", 1)])], 0).only()
    assert only.items == ("a", "b")
    assert build_balancer([(1, [("a", 1)]), (1, [("b", 1)])], 0).only() is None
    assert build_balancer([(1, [])], 0).only() is None


def test_workers_with_different_offsets_start_at_different_endpoints():
    endpoints = [(name, 1) for name in "abc"]
    assert {build_balancer([(1, endpoints)], offset).pick(None) for offset in range(3)} == set("abc")


@pytest.mark.parametrize("weights", [(95, 5), (99, 1), (50, 50)])
@pytest.mark.parametrize("between", [1, 3, 7])
def test_a_share_holds_however_often_the_endpoints_behind_it_change(weights, between):
    """A round that began anew each time would never come to the rare one."""
    found = Counter()
    balancer = None
    for turn in range(2000):
        if turn % between == 0:
            fresh = Balancer(Rotation([Rotation([name], [1]) for name in "ab"], weights), ("a", "b"))
            if balancer is not None:
                fresh.resume(balancer)
            balancer = fresh
        found[balancer.pick(None)] += 1
    assert abs(found["b"] - 20 * weights[1]) <= 1


def test_other_weights_or_backends_begin_a_new_round():
    def half_way(names, weights):
        balancer = Balancer(Rotation([Rotation([name], [1]) for name in names], weights), names)
        return balancer, [balancer.pick(None) for _ in range(3)]

    before, _ = half_way(("a", "b"), (5, 1))
    for names, weights in ((("a", "b"), (4, 1)), (("a", "c"), (5, 1)), (("a",), (1,))):
        _, picks = half_way(names, weights)
        again = Balancer(Rotation([Rotation([name], [1]) for name in names], weights), names)
        again.resume(before)
        assert [again.pick(None) for _ in range(3)] == picks

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.placement import NOW, node, replica
from tidegate.placement.replica import State
from tidegate.placement.victims import victims

NODES = {
    each.name: each for each in (node("a1", "a"), node("a2", "a"), node("b1", "b"), node("dry", "b", drained=True))
}


def gone(*replicas, count=1):
    return [each.slot for each in victims(replicas, count, NODES, "r1", NOW)]


@pytest.mark.parametrize(
    ("victim", "other"),
    [
        (replica("dry", 1), replica("b1", 2, state=State.PENDING)),
        (replica("unknown", 1), replica("b1", 2, state=State.PENDING)),
        (replica("a1", 1, state=State.PENDING), replica("b1", 2, state=State.UNHEALTHY)),
        (replica("a1", 1, state=State.UNHEALTHY), replica("b1", 2, revision="r0")),
        (replica("a1", 1, revision="r0"), replica("b1", 2, in_flight=0)),
        (replica("a1", 1, in_flight=5), replica("a1", 2, long_lived=1, in_flight=1)),
        (replica("a1", 1, in_flight=1), replica("a1", 2, in_flight=2)),
        (replica("a1", 1, since=NOW - 60.0), replica("a1", 2, since=NOW - 6000.0)),
        (replica("a1", 2, since=NOW - 1000.0), replica("a1", 1, since=NOW - 600.0)),  # ages alike: the higher slot
    ],
    ids=["drained", "gone", "not running", "not ready", "older revision", "long-lived", "in flight", "young", "slot"],
)
def test_what_serves_least_goes_first(victim, other):
    assert gone(other, victim) == gone(victim, other) == [victim.slot]


def test_zones_are_made_even_before_nodes():
    replicas = [replica("a1", 1), replica("a2", 2), replica("b1", 3), replica("b1", 4), replica("a2", 5)]
    assert gone(*replicas, count=1) == [5]  # zone a has three, and a2 two of them
    left = set(range(1, 6)) - set(gone(*replicas, count=3))
    assert Counter(NODES[each.node].zone for each in replicas if each.slot in left) == {"a": 1, "b": 1}


def test_requests_in_flight_decide_only_among_equals():
    assert gone(replica("a1", 1, in_flight=9), replica("a2", 2, in_flight=9), replica("b1", 3)) != [3]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12), st.integers(0, 12))
def test_of_equals_nobody_goes_who_carries_more_than_one_that_stays(burdens, count):
    replicas = [
        replica("a1", slot, in_flight=flying, long_lived=min(lasting, flying))
        for slot, (flying, lasting) in enumerate(burdens, 1)
    ]
    dismissed = set(gone(*replicas, count=count))
    burden = {each.slot: (each.carried.long_lived > 0, each.carried.in_flight) for each in replicas}
    left = [burden[slot] for slot in burden.keys() - dismissed]
    assert all(burden[slot] <= least for slot in dismissed for least in left)


@given(st.lists(st.sampled_from(["a1", "a2", "b1"]), min_size=1, max_size=15), st.integers(0, 15))
def test_scale_in_never_makes_zones_less_even_than_it_finds_them(hosts, count):
    replicas = [replica(host, slot) for slot, host in enumerate(hosts, 1)]
    dismissed = {each.slot for each in victims(replicas, count, NODES, "r1", NOW)}
    assert len(dismissed) == min(count, len(hosts))
    before, after = (
        Counter(NODES[each.node].zone for each in some)
        for some in (replicas, [each for each in replicas if each.slot not in dismissed])
    )
    assert abs(after["a"] - after["b"]) <= max(1, abs(before["a"] - before["b"]))

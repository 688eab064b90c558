from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.support.dns import name, place, target
from tidegate.dns import rrset
from tidegate.dns.answer import MAX_VARIANTS
from tidegate.dns.record import packed
from tidegate.model import DnsMode

A, B = place("a", "10.1.0.1"), place("b", "10.2.0.1")


def told(targets, *networks):
    return [p.network for _, places in rrset.reachable(targets, frozenset(networks)) for p in places]


def test_targets_that_are_not_ready_are_left_out():
    assert [t.name for t in rrset.usable(name("n", target("x", ready=False), target("y")))] == ["y"]


def test_weight_nought_gets_nothing_while_another_has_some():
    assert [t.name for t in rrset.usable(name("n", target("x", weight=0), target("y")))] == ["y"]
    assert [t.name for t in rrset.usable(name("n", target("x", weight=0)))] == ["x"]


def test_only_addresses_on_shared_networks_are_told_where_there_are_any():
    assert told([target("t", A, B)], "b") == ["b"]
    assert told([target("t", A), target("u", B)], "b") == ["b"]


def test_without_a_shared_network_all_are_told():
    assert told([target("t", A), target("u", B)], "c") == ["a", "b"]
    assert told([target("t", A, B)]) == ["a", "b"]


def test_a_shared_network_with_a_way_out_goes_before_one_without():
    assert told([target("t", place("i", "10.3.0.1", internal=True), A)], "i", "a") == ["a"]
    assert told([target("t", place("i", "10.3.0.1", internal=True), A)], "i") == ["i"]


def test_each_address_of_the_family_is_given_once():
    places = [A, A, place("b", "10.2.0.1", "fd00::1"), place("c", "odd")]
    assert rrset.addresses(places, 4) == [packed("10.1.0.1"), packed("10.2.0.1")]
    assert rrset.addresses(places, 16) == [packed("fd00::1")]


def test_answers_differ_by_asker_only_where_networks_or_the_router_come_in():
    assert not rrset.differs_by_asker(name("n", target("t", A), target("u", place("a", "10.1.0.2"))))
    assert rrset.differs_by_asker(name("n", target("t", A), target("u", B)))
    assert rrset.differs_by_asker(name("n", target("t", A, place("a", "10.1.0.3"))))
    assert rrset.differs_by_asker(name("n", mode=DnsMode.PROXY))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8))
def test_a_round_holds_everyone_with_a_weight_near_its_share(weights):
    order = rrset.weighted_order(weights)
    counts = Counter(order)
    total = sum(weights)
    assert len(order) <= MAX_VARIANTS + len(weights)
    for index, weight in enumerate(weights):
        if total:
            assert bool(counts[index]) == bool(weight)
            assert abs(counts[index] / len(order) - weight / total) < 0.15

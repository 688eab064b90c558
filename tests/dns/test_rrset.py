from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.support.dns import LOCAL, STRANGER, name, place, target
from tidegate.dns import rrset
from tidegate.dns.record import packed
from tidegate.dns.view import Asker
from tidegate.model import DnsMode

A, B = place("a", "10.1.0.1"), place("b", "10.2.0.1")


def asker(*networks, confined=False, local=LOCAL):
    return Asker(STRANGER, local, frozenset(networks), 1, recursion=True, stream=False, is_confined=confined)


def told(targets, *networks, **more):
    return [p.network for _, places in rrset.reachable(targets, asker(*networks, **more)) for p in places]


def test_targets_that_are_not_ready_are_left_out():
    assert [t.name for t in rrset.usable(name("n", target("x", ready=False), target("y")))] == ["y"]


def test_weight_nought_gets_nothing_while_another_has_some():
    assert [t.name for t in rrset.usable(name("n", target("x", weight=0), target("y")))] == ["y"]
    assert [t.name for t in rrset.usable(name("n", target("x", weight=0)))] == ["x"]


def test_while_a_target_has_a_weight_those_without_get_nothing_even_if_it_is_not_ready():
    assert not rrset.usable(name("n", target("x", share=0), target("y", ready=False)))


def test_only_addresses_on_shared_networks_are_told_where_there_are_any():
    assert told([target("t", A, B)], "b") == ["b"]
    assert told([target("t", A), target("u", B)], "b") == ["b"]


def test_without_a_shared_network_a_container_is_told_nothing_and_others_all():
    assert told([target("t", A), target("u", B)], "c", confined=True) == []
    assert told([target("t", A), target("u", B)], "c") == ["a", "b"]
    assert told([target("t", A, B)]) == ["a", "b"]


def test_what_is_routable_is_told_to_everybody_who_shares_no_network_with_it():
    everywhere = target("t", A, place("lan", "192.0.2.1", routable=True))
    assert told([everywhere], "c", confined=True) == ["lan"]
    assert told([everywhere], "a", confined=True) == ["a"]


def test_a_target_on_the_host_has_the_host_s_address_on_the_network_of_the_asker():
    host = target("t", A, B, on_host=True)
    assert told([host], "b", confined=True) == ["b"]
    ((_, (seen,)),) = rrset.reachable([host], asker())
    assert seen.ipv4 == "10.9.0.1"
    ((_, (seen,)),) = rrset.reachable([host], asker(local=packed("fd00::1")))
    assert seen.ipv6 == "fd00::1"


def test_a_shared_network_with_a_way_out_goes_before_one_without():
    assert told([target("t", place("i", "10.3.0.1", internal=True), A)], "i", "a") == ["a"]
    assert told([target("t", place("i", "10.3.0.1", internal=True), A)], "i") == ["i"]


def test_a_name_is_visible_to_a_container_that_shares_a_network_with_any_target_ready_or_not():
    web = name("web", target("t", A, ready=False))
    assert rrset.is_visible(web, asker("a", confined=True))
    assert not rrset.is_visible(web, asker("b", confined=True))
    assert rrset.is_visible(web, asker("b"))
    assert rrset.is_visible(name("web", target("t", A), mode=DnsMode.PROXY), asker("b", confined=True))


def test_each_address_of_the_family_is_given_once():
    places = [A, A, place("b", "10.2.0.1", "fd00::1"), place("c", "odd")]
    assert rrset.addresses(places, 4) == [packed("10.1.0.1"), packed("10.2.0.1")]
    assert rrset.addresses(places, 16) == [packed("fd00::1")]


def test_answers_differ_by_asker_unless_everybody_is_told_the_same_address():
    assert rrset.differs_by_asker(name("n", target("t", A)))
    assert rrset.differs_by_asker(name("n", mode=DnsMode.PROXY))
    assert rrset.differs_by_asker(name("n", target("t", on_host=True)))
    assert not rrset.differs_by_asker(name("n", target("t", place("lan", "192.0.2.1", routable=True))))


def test_versions_without_a_weight_are_left_out_unless_none_has_one():
    told_of = [(target("a", version="v1", share=9), [A]), (target("b", version="v2", share=0), [B])]
    assert [(share, len(members)) for share, members in rrset.by_version(told_of)] == [(9, 1)]
    assert [(share, len(members)) for share, members in rrset.by_version(told_of[1:])] == [(1, 1)]


VERSIONS = st.lists(
    st.tuples(st.integers(1, 1000), st.lists(st.integers(1, 100), min_size=1, max_size=5)), min_size=1, max_size=4
)


@given(VERSIONS)
def test_in_one_scale_each_version_has_its_share_and_each_target_its_part_of_it(versions):
    given_ = [
        (share, [(target(f"{number}.{index}", weight=weight), []) for index, weight in enumerate(weights)])
        for number, (share, weights) in enumerate(versions)
    ]
    scaled = {each.name: weight for (each, _), weight in rrset.in_one_scale(given_)}
    total = sum(scaled.values())
    shares = sum(share for share, _ in versions)
    assert all(1 <= weight <= 65535 for weight in scaled.values())
    for number, (share, weights) in enumerate(versions):
        for index, weight in enumerate(weights):
            wanted = share / shares * weight / sum(weights)
            assert abs(scaled[f"{number}.{index}"] / total - wanted) < 0.001


def test_a_small_share_is_kept_exactly_and_evenly_spread():
    order = rrset.weighted_order([99, 1])
    assert (len(order), order.count(1)) == (100, 1)
    assert rrset.weighted_order([1, 1, 2]) == [2, 0, 1, 2]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8))
def test_a_round_holds_everyone_with_a_weight_near_its_share(weights):
    order = rrset.weighted_order(weights)
    counts = Counter(order)
    total = sum(weights)
    assert len(order) <= rrset.MAX_TURNS + len(weights)
    for index, weight in enumerate(weights):
        if total:
            assert bool(counts[index]) == bool(weight)
            assert abs(counts[index] / len(order) - weight / total) < 0.01

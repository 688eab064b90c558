from __future__ import annotations

import pytest

from tests.support.placement import demand, node, order, replica, scene
from tidegate.placement.decision import Filter
from tidegate.placement.demand import Quota
from tidegate.placement.filters import Trial, satisfies
from tidegate.placement.resources import Resources
from tidegate.placement.rule_text import read
from tidegate.placement.tally import Tally


def first_miss(facts, wanted, replicas=(), demands=(), others=(), quotas=(), **more):
    tally = Tally(scene([facts, *others], [*demands, wanted], replicas, quotas=tuple(quotas)))
    return Trial(wanted, tally, **more).excluded_by(tally.rooms[facts.name])


@pytest.mark.parametrize(
    ("facts", "wanted", "miss"),
    [
        (node("n1"), demand(), None),
        (node("n1", ready=False, drained=True), demand(), Filter.READY),
        (node("n1", drained=True), demand("shop/web", "constraint:d==x"), Filter.CORDON),
        (node("n1"), demand("shop/web", "constraint:d==x"), Filter.CONSTRAINT),
        (node("n1", labels={"d": "x"}), demand("shop/web", "constraint:d==x"), None),
        (node("n1", labels={"d": "x"}), demand("shop/web", "constraint:d!=x"), Filter.CONSTRAINT),
        (node("n1"), demand("shop/web", "constraint:d==~x"), None),
        (node("n1", platform="linux/arm64"), demand(platforms=("linux/amd64",)), Filter.PLATFORM),
        (node("n1"), demand(platforms=("linux/amd64",)), None),  # not known: the engine will say
        (node("n1", cpu=1.0), demand(cpu=1.0), None),
        (node("n1", cpu=1.0), demand(cpu=1.1), Filter.RESOURCES),
        (node("n1", memory=100), demand(memory=101), Filter.RESOURCES),
        (node("n1", cpu=1.0, taken=Resources(cpu=0.5)), demand(cpu=0.6), Filter.RESOURCES),
        (node("n1", ports=("tcp/80",)), demand(ports=("tcp/80",)), Filter.PORT),
        (node("n1", ports=("udp/80",)), demand(ports=("tcp/80",)), None),
    ],
)
def test_the_first_filter_that_excludes_a_node_is_named(facts, wanted, miss):
    assert first_miss(facts, wanted) == miss


def test_a_slot_that_belongs_to_a_node_goes_to_no_other():
    assert first_miss(node("n1"), demand(), home="n2") is Filter.VOLUME
    assert first_miss(node("n1"), demand(), home="n1") is None


def test_a_slot_does_not_go_where_it_comes_from():
    assert first_miss(node("n1"), demand(), avoid=("n1",)) is Filter.AVOID


def test_data_of_an_earlier_life_is_used_again():
    wanted, holder = demand(volumes=("data",)), node("n2", volumes=("data", "x"))
    assert first_miss(node("n1"), wanted, others=[holder]) is Filter.VOLUME
    assert first_miss(holder, wanted, others=[node("n1")]) is None


def test_data_that_another_replica_uses_is_not_waited_for():
    wanted, holder = demand(volumes=("data",)), node("n2", volumes=("data",))
    assert first_miss(node("n1"), wanted, [replica("n2", 2)], others=[holder]) is None


def test_so_many_on_a_node_and_no_more():
    assert first_miss(node("n1"), demand(max_per_node=1), [replica("n1", 2)]) is Filter.MAX_PER_NODE
    assert first_miss(node("n1"), demand(max_per_node=1), [replica("n1", 2, revision="r0")]) is None


def test_neighbours_that_refuse_each_other_are_kept_apart():
    wanted = demand("shop/web", "affinity:service!=db")
    assert first_miss(node("n1"), wanted, [replica("n1", service="shop/db")], [demand("shop/db")]) is Filter.AFFINITY


@pytest.mark.parametrize(
    ("quota", "miss"),
    [
        (Quota(account="a", replicas=1), Filter.QUOTA),
        (Quota(account="a", replicas=2), None),
        (Quota(account="a", limit=Resources(cpu=1.5)), Filter.QUOTA),
        (Quota(account="a", limit=Resources(memory=1000)), Filter.QUOTA),
        (Quota(account="b", replicas=1), None),
    ],
)
def test_the_quota_of_the_account_is_asked_last(quota, miss):
    used = replica("n1", service="shop/db", account="a", reservation=Resources(cpu=1.0, memory=600))
    assert first_miss(node("n1"), demand(account="a", cpu=1.0, memory=600), [used], quotas=[quota]) == miss


def test_nodes_that_are_out_anyway_do_not_count_to_the_quota():
    quota, used = Quota(account="a", replicas=1), replica("n1", service="shop/db", account="a")
    assert first_miss(node("n1", ready=False), demand(account="a"), [used], quotas=[quota]) is Filter.READY


def test_a_constraint_on_addresses_takes_networks():
    facts = node("n1", addresses=("10.1.2.3",))
    assert satisfies(facts, read("constraint:node.ip==10.1.0.0/16"))
    assert not satisfies(facts, read("constraint:node.ip!=10.1.0.0/16"))


def test_what_is_placed_changes_what_is_excluded():
    wanted = demand(max_per_node=1)
    tally = Tally(scene([node("n1")], [wanted]))
    trial, room = Trial(wanted, tally), tally.rooms["n1"]
    assert trial.excluded_now(room) is None
    tally.add(order("n1"))
    trial.placed(room)
    assert trial.excluded_now(room) is Filter.MAX_PER_NODE

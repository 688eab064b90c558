from __future__ import annotations

import pytest

from tests.support.placement import demand, node, replica, scene
from tidegate.placement.neighbours import Neighbours, means, nodes_with
from tidegate.placement.rule_text import read
from tidegate.placement.tally import Tally

DB = demand("shop/db", labels={"tier": "data"})
THREE = [
    node("n1", images=("redis:3", "registry.example:5000/app:2")),
    node("n2"),
    node("n3", containers={"nginx-1": {"x": "y"}}),
]


def tally(*demands, replicas=(), nodes=THREE):
    return Tally(scene(nodes, [DB, *demands], replicas or [replica("n2", service="shop/db")]))


@pytest.mark.parametrize(
    ("expression", "owner", "found"),
    [
        ("affinity:service==db", "shop/web", {"n2"}),
        ("affinity:service==db", "other/web", set()),  # another stack has to say whose
        ("affinity:service==shop/db", "other/web", {"n2"}),
        ("affinity:service==shop_db", "other/web", {"n2"}),
        ("affinity:container==shop_db_1", "shop/web", {"n2"}),
        ("affinity:container==nginx-*", "shop/web", {"n3"}),
        ("affinity:tier==data", "shop/web", {"n2"}),
        ("affinity:x==y", "shop/web", {"n3"}),
        ("affinity:image==redis", "shop/web", {"n1"}),
        ("affinity:image==redis:3", "shop/web", {"n1"}),
        ("affinity:image==registry.example:5000/app", "shop/web", {"n1"}),
        ("affinity:image==redis:4", "shop/web", set()),
    ],
)
def test_an_affinity_names_nodes_by_service_container_image_or_label(expression, owner, found):
    assert nodes_with(read(expression), owner, tally()) == found


def test_a_refusal_holds_against_who_comes_later_too():
    shy = demand("shop/shy", "affinity:service!=web")
    web = demand()
    neighbours = Neighbours(web, tally(shy, web, replicas=[replica("n3", service="shop/shy")]))
    assert [each.name for each in THREE if neighbours.excludes(each.name)] == ["n3"]


def test_the_first_of_a_service_that_wants_itself_goes_anywhere_and_holds_the_others():
    web = demand("shop/web", "affinity:service==web")
    neighbours = Neighbours(web, tally(web))
    assert not neighbours.excludes("n1")
    neighbours.placed("n1")
    assert not neighbours.excludes("n1")
    assert neighbours.excludes("n2")


def test_a_service_that_refuses_itself_is_once_on_a_node():
    web = demand("shop/web", "affinity:service!=web")
    neighbours = Neighbours(web, tally(web))
    neighbours.placed("n1")
    assert neighbours.excludes("n1") and not neighbours.excludes("n2")


def test_what_is_not_there_satisfies_nobody_who_needs_it():
    web = demand("shop/web", "affinity:service==cache")
    assert Neighbours(web, tally(web)).excludes("n1")


def test_soft_rules_are_counted_and_exclude_nothing():
    web = demand("shop/web", "affinity:service==~db", "affinity:image!=~redis")
    neighbours = Neighbours(web, tally(web))
    assert [neighbours.wishes(name) for name in ("n1", "n2", "n3")] == [0, 2, 1]
    assert not neighbours.excludes("n1")


def test_an_image_says_nothing_of_a_service():
    assert not means(read("affinity:image==redis"), "shop/web", demand(image="redis"))

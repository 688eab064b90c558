from __future__ import annotations

from msgspec import json

from tests.support.placement import demand, node, placed, replica, scene, slots
from tidegate.placement.explain import Explanation, explained

SEVEN = [node(f"n{number}", f"z{number % 3}") for number in range(7)]


def explain(nodes, *demands, replicas=(), slot=None):
    return explained(slot or slots(1)[0], scene(nodes, demands, replicas), 1)


def test_the_first_of_the_five_best_candidates_is_where_it_would_go():
    there = [replica("n0", 9), replica("n1", 8)]
    found = explain(SEVEN, demand(), replicas=there)
    assert [each.node for each in found.best][:1] == placed(slots(1), SEVEN, [demand()], there)
    assert len(found.best) == 5 and found.candidates == 7
    assert found.text[0] == f"shop/web 1 goes to {found.best[0].node}"


def test_what_no_node_may_take_is_explained_by_counts_and_names():
    found = explain([*SEVEN[:2], node("n9", drained=True)], demand(cpu=100.0))
    assert not found.best
    assert [(miss.filter, miss.nodes) for miss in found.misses] == [("cordon", ("n9",)), ("resources", ("n0", "n1"))]
    assert found.text == ("shop/web 1 waits, no node of 3 takes it: 1 are drained, 2 have no room for 100 CPU",)


def test_candidates_and_misses_are_told_together():
    found = explain([SEVEN[0], node("n9", ready=False)], demand())
    assert [line.partition(":")[0] for line in found.text] == ["shop/web 1 goes to n0", "n0", "1 are not ready"]


def test_a_demand_that_is_not_there_has_no_explanation():
    assert explain(SEVEN) is None


def test_an_explanation_is_a_document():
    found = explain(SEVEN, demand("shop/web", "availability:az==3"))
    assert json.decode(json.encode(found), type=Explanation) == found

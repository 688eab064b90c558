from __future__ import annotations

import json

from msgspec.structs import replace

from tests.support.placement import node
from tests.support.stack_stage import member, stack
from tidegate.control.stackexplain import explain
from tidegate.placement.replica import Place, State
from tidegate.placement.resources import Resources
from tidegate.placement.stock import Stock, stocked
from tidegate.stacks.picture import Picture
from tidegate.stacks.report import Report
from tidegate.stacks.stack import Stack


def picture(wanted: Stack, *places: Place, **reports: Report) -> Picture:
    """`places` that are ready, but for those of `reports`, by slot."""
    said = {f"{each.node}/{each.key}": Report(placed=each.since, state=State.READY, ready_since=1.0) for each in places}
    for each in places:
        if (told := reports.get(f"slot{each.slot}")) is not None:
            said[f"{each.node}/{each.key}"] = told
    return Picture(stacks={wanted.name: wanted}, places={each.key: each for each in places}, reports=said)


def place(slot, on, **more):
    return Place(service="shop/web", slot=slot, generation=1, revision="config-of-image:1", node=on, since=1.0, **more)


def told(found: Picture, *nodes, **more):
    shop = found.stacks["shop"]
    return explain(found, shop, shop.members[0], nodes, **more)


def test_a_slot_that_waits_is_explained_by_what_excludes_each_node():
    web = member(scale=3, ports=("tcp/80",), reservation=Resources(cpu=2.0))
    found = picture(stack(web), place(1, "a", ports=("tcp/80",)), place(2, "b", ports=("tcp/80",)))
    nodes = (
        node("a"),
        node("b"),
        node("c", drained=True),
        node("d", cpu=1.0),
        stocked(node("e"), Stock(ports=("tcp/80",))),
    )
    answer = told(found, *nodes)
    assert (answer["slot"], answer["node"], answer["waiting"]) == (3, "", [3])
    assert {miss["filter"]: miss["nodes"] for miss in answer["explanation"]["misses"]} == {
        "cordon": ["c"],
        "resources": ["d"],
        "port": ["a", "b", "e"],
    }
    assert answer["steps"] == [
        "shop/web: 3 wanted, 2 placed, 2 ready",
        "  web 1 on a: ready",
        "  web 2 on b: ready",
        ("shop/web 3 waits, no node of 5 takes it: 1 are drained, 1 have no room for 2 CPU, 3 have tcp/80 in use"),
        "  c: cordon",
        "  d: resources",
        "  a, b, e: port",
    ]
    json.dumps(answer)


def test_where_all_have_a_node_one_more_is_explained_by_the_best_candidates():
    found = picture(stack(member(scale=1)), place(1, "a"))
    answer = told(found, node("a"), node("b"))
    assert (answer["slot"], answer["waiting"]) == (2, [])
    assert [each["node"] for each in answer["explanation"]["best"]] == ["b", "a"]
    assert answer["steps"][2:4] == ["one more, 2:", "shop/web 2 goes to b"]


def test_a_slot_with_a_node_is_looked_at_as_if_it_had_none():
    found = picture(
        stack(member(scale=2)), place(1, "a"), place(2, "a"), slot2=Report(placed=1.0, why="it is not ready yet")
    )
    answer = told(found, node("a"), node("b"), slot=2)
    assert (answer["slot"], answer["node"]) == (2, "a")
    assert "  web 2 on a: pending, it is not ready yet" in answer["steps"]
    assert "were 2 placed now:" in answer["steps"] and "shop/web 2 goes to b" in answer["steps"]


def test_a_slot_whose_data_is_on_a_node_that_is_away_belongs_there():
    found = picture(stack(member(volumes=("data",))), place(1, "away", leaving=True))
    answer = told(found, node("here"), node("away", ready=False))
    assert (
        "shop/web 1 waits, no node of 2 takes it: 1 are not ready, 1 are not away, where it belongs" in answer["steps"]
    )


def test_an_affinity_of_another_stack_counts():
    refuses = replace(member("db", stack="other"), expressions=("affinity:service!=shop/web",))
    found = picture(stack(member()))
    there = Place(service="other/db", slot=1, generation=1, revision="config-of-image:1", node="a", since=1.0)
    found = replace(found, stacks={**found.stacks, "other": stack(refuses, name="other")}, places={there.key: there})
    assert told(found, node("a"))["explanation"]["misses"][0]["filter"] == "affinity"


def test_who_else_places_the_service_is_said_and_a_service_everywhere_has_no_number():
    found = picture(stack(member(everywhere=True)), place(1, "a"))
    answer = told(found, node("a"), held="a release moves it")
    assert answer["steps"][0] == "shop/web: one is wanted on each node, 1 placed, 1 ready"
    assert answer["held"] == "a release moves it" and "a release moves it" in answer["steps"]


def test_of_a_stack_that_is_taken_down_nothing_is_placed():
    answer = told(picture(replace(stack(member()), leaving=True), place(1, "a")), node("a"))
    assert answer["explanation"] is None and answer["steps"][-1] == "the stack is taken down"

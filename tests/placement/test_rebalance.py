from __future__ import annotations

import pytest

from tests.support.placement import NOW, demand, memory, node, replica, scene, standing
from tidegate.placement.memory import Ledger
from tidegate.placement.planning import plan
from tidegate.placement.replica import Cause, State
from tidegate.placement.resources import Resources

TWO = [node("n1"), node("n2")]


def moved(nodes, demands, replicas, *, rebalanced_at=NOW - 300.0, up=None, ledger=None, **more):
    known = memory(
        *(standing(each.name, each.zone, up_since=(up or {}).get(each.name, 1.0)) for each in nodes),
        ledger=ledger or Ledger(rebalanced_at=rebalanced_at),
    )
    found = plan(scene(nodes, demands, replicas, **more), known, NOW, 1)
    assert all(each.cause is Cause.REBALANCE for each in found.places)
    return [(each.slot, each.node) for each in found.places], found


def on(host, count, first=1, service="shop/web", **more):
    return [replica(host, slot, service, **more) for slot in range(first, first + count)]


def test_two_more_on_one_node_are_worth_a_move_that_starts_first():
    moves, found = moved(TWO, [demand(replicas=2)], on("n1", 2))
    assert [each for _, each in moves] == ["n2"]
    assert found.places[0].generation == 2 and not found.places[0].leaving
    assert "2 replicas are on n1, 0 on n2" in found.places[0].why
    assert found.ledger.moved == {"shop/web": NOW}


def test_one_more_is_not():
    assert not moved(TWO, [demand(replicas=3)], [*on("n1", 2), *on("n2", 1, 3)])[0]


def test_zones_are_evened_out_first():
    nodes = [node("a1", "a"), node("a2", "a"), node("b1", "b")]
    moves, _ = moved(nodes, [demand(replicas=2)], [replica("a1", 1), replica("a2", 2)])
    assert [each for _, each in moves] == ["b1"]


def test_a_rule_that_does_not_hold_any_more_is_a_reason():
    nodes = [node("n1", labels={"d": "hdd"}), node("n2", labels={"d": "ssd"})]
    moves, found = moved(nodes, [demand("shop/web", "constraint:d==ssd")], on("n1", 1))
    assert moves == [(1, "n2")]
    assert "does not satisfy its rules any more (constraint)" in found.places[0].why


@pytest.mark.parametrize(("used", "moves"), [(3.5, 1), (3.0, 0)])
def test_a_full_node_gives_to_an_empty_one(used, moves):
    half = Resources(cpu=used / 2)
    there = [replica("n1", 1, reservation=half), replica("n1", 1, "shop/db", reservation=half)]
    found, _ = moved(TWO, [demand(cpu=used / 2), demand("shop/db", cpu=used / 2)], there)
    assert len(found) >= moves if moves else not found


@pytest.mark.parametrize(
    ("pair", "more"),
    [
        (on("n1", 2, since=NOW - 599.0), {}),
        (on("n1", 2), {"rebalanced_at": NOW - 299.0}),
        (on("n1", 2), {"ledger": Ledger(rebalanced_at=1.0, moved={"shop/web": NOW - 1799.0})}),
        (on("n1", 2), {"held": frozenset(("shop/web",))}),
        (on("n1", 2), {"up": {"n2": NOW - 119.0}}),
        (on("n1", 2, state=State.STARTING), {}),
        (on("n1", 2, ready_since=NOW - 5.0), {}),
        (on("n1", 2, state=State.ENDED, done=True), {}),
    ],
    ids=["young", "period", "cool-down", "release", "node just joined", "not healthy", "healthy too briefly", "done"],
)
def test_what_is_not_left_alone_for_long_enough_is_not_moved(pair, more):
    assert not moved(TWO, [demand(replicas=2)], pair, **more)[0]


@pytest.mark.parametrize(
    "wants",
    [{"volumes": ("data",)}, {"exclusive": True}, {"stop_first": True}, {"revision": "r2"}],
    ids=["data", "exclusive", "stop-first", "renewed"],
)
def test_what_cannot_move_without_being_missed_stays(wants):
    known = memory(standing("n1"), standing("n2"), ledger=Ledger(rebalanced_at=NOW - 300.0))
    found = plan(scene(TWO, [demand(replicas=2, **wants)], on("n1", 2)), known, NOW, 1)
    assert not [each for each in found.places if each.cause is Cause.REBALANCE]


def test_at_most_one_per_service_and_five_in_all():
    demands = [demand(f"shop/s{n}", replicas=4) for n in range(8)]
    there = [each for n in range(8) for each in on("n1", 4, service=f"shop/s{n}")]
    moves, found = moved(TWO, demands, there)
    assert len(moves) == 5
    assert len({each.service for each in found.places}) == 5


def test_the_ledger_notes_a_look_that_moved_nothing():
    assert moved(TWO, [demand(replicas=2)], [replica("n1"), replica("n2", 2)])[1].ledger.rebalanced_at == NOW

from __future__ import annotations

from math import inf

from tests.support.placement import demand, node, order, replica, scene
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import State
from tidegate.placement.resources import Resources
from tidegate.placement.tally import Tally

HALF = Resources(cpu=0.5, memory=1000)


def test_what_is_reserved_and_what_others_use_is_not_free():
    facts = node("n1", cpu=4.0, memory=8000, taken=Resources(cpu=1.0, memory=2000), ports=("tcp/80",))
    tally = Tally(scene([facts], [demand()], [replica("n1", reservation=HALF, ports=("tcp/81",))]))
    room = tally.rooms["n1"]
    assert (room.cpu, room.memory, room.ports) == (2.5, 5000, {"tcp/80", "tcp/81"})


def test_a_node_that_does_not_say_what_it_has_is_not_counted():
    room = Tally(scene([NodeFacts(name="n1")])).rooms["n1"]
    assert (room.cpu, room.memory) == (inf, inf)


def test_a_leaving_replica_uses_its_node_but_is_not_live():
    tally = Tally(scene([node("n1")], [demand()], [replica("n1", leaving=True, reservation=HALF)]))
    assert tally.rooms["n1"].cpu == 3.5
    assert not tally.live["shop/web", "r1"]
    assert tally.where["shop/web"] == {"n1": 1}


def test_a_replica_that_cannot_be_seen_is_not_live():
    tally = Tally(scene([node("n1")], [demand()], [replica("gone", state=State.LOST)]))
    assert not tally.live["shop/web", "r1"]


def test_what_is_removed_leaves_no_trace():
    facts = [node("n1")]
    tally, one = Tally(scene(facts, [demand()])), order("n1", reservation=HALF, ports=("tcp/80",))
    tally.add(one)
    tally.remove(one)
    room = tally.rooms["n1"]
    assert (room.cpu, room.ports, room.total) == (4.0, set(), 0)
    assert not tally.where["shop/web"]
    assert not any(tally.live["shop/web", "r1"].values())


def test_accounts_are_counted_over_all_nodes():
    tally = Tally(
        scene([node("n1")], [], [replica("n1", account="a", reservation=HALF), replica("gone", slot=2, account="a")])
    )
    assert (tally.used["a"].replicas, tally.used["a"].cpu) == (2, 0.5)

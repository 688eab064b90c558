"""Small pictures of a cluster for tests of placement."""

from __future__ import annotations

from msgspec.structs import replace

from tidegate.placement.demand import Demand
from tidegate.placement.memory import Memory
from tidegate.placement.node import NodeFacts
from tidegate.placement.place import place
from tidegate.placement.planning import plan
from tidegate.placement.replica import Carried, Pending, Place, Replica, State
from tidegate.placement.resources import Resources
from tidegate.placement.rule_text import read
from tidegate.placement.rules import Rule, ZoneRule
from tidegate.placement.scene import Scene
from tidegate.placement.standing import Standing

WEB = "shop/web"
NOW = 10_000.0
GIB = 2**30


def node(name, zone="a", cpu=4.0, memory=8 * GIB, **more):
    return NodeFacts(name=name, zone=zone, capacity=Resources(cpu=cpu, memory=memory), **more)


def nodes(*names, **more):
    return tuple(node(name, **more) for name in names)


def demand(service=WEB, *expressions, cpu=0.0, memory=0, **more):
    said = [read(each) for each in expressions]
    zones = [each for each in said if isinstance(each, ZoneRule)]
    rules = tuple(each for each in said if isinstance(each, Rule))
    more.setdefault("zones", zones[0] if zones else None)
    more.setdefault("revision", "r1")
    return Demand(service=service, rules=rules, reservation=Resources(cpu=cpu, memory=memory), **more)


def order(on, slot=1, service=WEB, generation=1, revision="r1", **more):
    more.setdefault("since", NOW - 3600.0)
    return Place(service=service, slot=slot, generation=generation, revision=revision, node=on, **more)


def replica(on, slot=1, service=WEB, state=State.READY, **more):
    """One that has been ready for long, unless said otherwise."""
    seen = {name: more.pop(name) for name in ("ready_since", "ended", "ended_at", "done", "gone") if name in more}
    carried = Carried(in_flight=more.pop("in_flight", 0), long_lived=more.pop("long_lived", 0))
    return Replica(
        place=order(on, slot, service, **more), state=state, carried=carried, **({"ready_since": 1.0} | seen)
    )


def slots(count, service=WEB, **more):
    return [Pending(service=service, slot=number, revision="r1", **more) for number in range(1, count + 1)]


def scene(nodes=(), demands=(), replicas=(), **more):
    return Scene(nodes=tuple(nodes), demands=tuple(demands), replicas=tuple(replicas), **more)


def placed(pending, *args, seed=1, **more):
    """Where slots go: node names in the order of the slots, None for one that is refused."""
    decision = place(pending, scene(*args, **more), NOW, seed)
    found = {each.slot: each.node for each in decision.places}
    return [found.get(each.slot) for each in pending]


def refusals(pending, *args, **more):
    return place(pending, scene(*args, **more), NOW, 1).refusals


def standing(name, zone="a", **more):
    return Standing(node=name, zone=zone, **({"up_since": 1.0} | more))


def memory(*standings, **more):
    return Memory(standings={each.node: each for each in standings}, **more)


def planned(nodes, demands, replicas=(), remembered=None, now=NOW, **more):
    """One plan, with all nodes known for long, and the rebalancer not due unless said otherwise."""
    if remembered is None:
        remembered = memory(*(standing(each.name, each.zone) for each in nodes))
    if not remembered.ledger.rebalanced_at:
        remembered = replace(remembered, ledger=replace(remembered.ledger, rebalanced_at=now))
    return plan(scene(nodes, demands, replicas, **more), remembered, now, 1)


def lost(name, ago, **more):
    """The standing of a node that is gone for so many seconds."""
    return standing(name, **({"up_since": 0.0, "down_since": NOW - ago, "downs": (NOW - ago,)} | more))

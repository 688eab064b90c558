from tidegate.placement.demand import Demand
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Place
from tidegate.placement.rule_text import understood
from tidegate.stacks.choosing import Chooser
from tidegate.stacks.deciding import Spot

NODES = (
    NodeFacts(name="a", zone="1"),
    NodeFacts(name="b", zone="2", labels={"group": "db"}),
    NodeFacts(name="c", zone="1"),
)


def spots(demand, count=1, near=""):
    return tuple(Spot(demand=demand, slot=slot, generation=1, near=near) for slot in range(1, count + 1))


def chosen(demand, count=1, *, near="", places=(), others=()):
    chooser = Chooser(NODES, (demand, *others), 100.0, 1)
    return dict(chooser(spots(demand, count, near), places)), chooser.refusals


def test_replicas_are_spread_over_nodes_and_what_is_placed_counts():
    found, refusals = chosen(Demand(service="shop/web", replicas=3), 3)
    assert (sorted(found.values()), refusals) == (["a", "b", "c"], {})
    there = [
        Place(service="shop/web", slot=slot, generation=1, revision="", node=node)
        for slot, node in ((8, "a"), (9, "b"))
    ]
    assert chosen(Demand(service="shop/web", replicas=3), places=there)[0] == {1: "c"}


def test_what_no_node_may_take_is_refused_with_the_reason():
    rules = understood(("constraint:group==web",)).rules
    found, refusals = chosen(Demand(service="shop/web", rules=rules))
    assert found == {}
    assert "constraint" in refusals["shop/web"]
    db = Demand(service="shop/db", rules=understood(("constraint:group==db",)).rules)
    assert chosen(db)[0] == {1: "b"}


def test_a_slot_with_local_volumes_goes_back_to_its_node():
    assert chosen(Demand(service="shop/db", volumes=("data",)), near="c")[0] == {1: "c"}


def test_rules_of_other_services_count_too():
    lonely = Demand(service="shop/lonely", rules=understood(("affinity:service!=web",)).rules)
    there = [Place(service="shop/lonely", slot=1, generation=1, revision="", node=node) for node in ("a", "c")]
    assert chosen(Demand(service="shop/web"), places=there, others=(lonely,))[0] == {1: "b"}

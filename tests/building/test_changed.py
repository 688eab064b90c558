from tests.support.built import NONE, OPTIONS, make
from tests.support.seen import following, healthy, instance, inventory, report
from tidegate.building import build
from tidegate.model import InstanceState, Inventory


def test_a_change_of_one_service_shares_all_others():
    one, two = instance("c1", routes=["a.test/"]), instance("c2", "api", routes=["b.test/"])
    seen = inventory(one, two)
    first = build(None, {"docker": seen}, {}, NONE, OPTIONS)
    moved = instance("c1", routes=["a.test/"], state=InstanceState.DRAINING)
    second = build(first, {"docker": following(seen, moved, two)}, {}, NONE, OPTIONS)
    assert set(second.delta.services) == {"web"}
    assert not second.delta.routes
    assert second.table.services["api"] is first.table.services["api"]
    assert second.table.routes is first.table.routes


def test_a_change_of_health_touches_its_service_and_names_only():
    seen = {"docker": inventory(instance("c1", routes=["a.test/"]))}
    first = build(None, seen, {}, NONE, OPTIONS)
    second = build(first, seen, healthy("c1:80"), NONE, OPTIONS, changed_health=["c1:80"])
    assert set(second.delta.services) == {"web"}
    assert set(second.delta.names) == {"c1", "web"}
    assert not second.delta.routes
    assert second.table.names["web"].targets[0].ready
    assert second.checks is first.checks


def test_an_unknown_endpoint_in_the_changed_health_is_ignored():
    first = make(instance("c1"))
    second = build(first, first.memo.inventories, {"x:1": report("x:1")}, NONE, changed_health=["x:1"])
    assert second.delta.empty


def test_an_inventory_without_services_leaves_other_providers_alone():
    first = make(instance("c1"))
    second = build(first, {**first.memo.inventories, "file": Inventory(provider="file", version=1)}, {}, NONE)
    assert second.delta.empty

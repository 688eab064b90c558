from tests.support.built import make
from tests.support.seen import healthy, instance
from tidegate.model import (
    DnsMode,
    EngineHealth,
    NetworkAddress,
)


def test_a_replica_is_called_by_name_alias_hostname_and_number():
    front = NetworkAddress(network="n1", name="front", ipv4="10.0.0.2", aliases=("Alias",))
    made = make(instance("a" * 64, project="shop", name="Shop-web-2", number=2, hostname="Web-Host", networks=(front,)))
    assert set(made.table.names) == {
        "shop-web-2", "a" * 12, "alias", "web-host", "web", "web.shop", "2.web.shop", "tasks.web"
    }  # fmt: skip
    assert made.table.names["web.shop"].targets[0].name == "shop-web-2"


def test_a_bare_service_name_stands_for_all_projects_and_a_scoped_one_for_its_own():
    made = make(instance("a1", project="a"), instance("b1", project="b"))
    assert [target.name for target in made.table.names["web"].targets] == ["a1", "b1"]
    assert [target.name for target in made.table.names["web.b"].targets] == ["b1"]


def test_only_what_is_ready_is_marked_so_but_tasks_are_all_that_run():
    made = make(instance("c1"), instance("c2"), health=healthy("c2:80"))
    assert [target.ready for target in made.table.names["web"].targets] == [False, True]
    assert [target.ready for target in made.table.names["tasks.web"].targets] == [True, True]


def test_an_instance_without_ports_is_ready_as_its_engine_says():
    for engine_health, ready in (("none", True), ("healthy", True), ("starting", False), ("unhealthy", False)):
        made = make(instance("c1", ports=(), engine_health=EngineHealth(engine_health)))
        assert made.table.names["web"].targets[0].ready is ready


def test_a_service_may_be_answered_with_the_router_while_its_replicas_stay_direct():
    first = make(instance("c1"))
    second = make(instance("c1", dns=DnsMode.PROXY), previous=first)
    assert second.table.names["web"].mode is DnsMode.PROXY
    assert second.table.names["c1"].mode is DnsMode.DIRECT

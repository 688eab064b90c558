from tests.support.built import make
from tests.support.seen import healthy, instance
from tidegate.model import DnsMode, EngineHealth


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

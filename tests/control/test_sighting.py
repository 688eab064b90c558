from tests.support.releases import WEB, release
from tests.support.seen import instance, inventory, report
from tidegate.control.sighting import blind, known, members, ready_since, sides
from tidegate.model import Endpoint, HealthState, InstanceState, Service
from tidegate.release.seen import Container
from tidegate.release.spec import Side
from tidegate.routing import RoutingTable


def seen(*instances, **more):
    return {"docker": inventory(*instances, **more)}


def web(id_, version, **more):
    return instance(id_, "web", project="shop", version=version, **more)


OLD, NEW = web("old1", "v1"), web("new1", "v2")


def of(inventories, facts=None, engines=("docker",), ready=lambda side, id_: 0.0):
    facts = {id_: Container(id=id_, name=id_) for id_ in ("old1", "new1")} if facts is None else facts
    return sides(release(), inventories, facts, engines, ready, lambda id_: id_ == "old1")


def test_containers_belong_to_the_side_of_their_version():
    stable, candidate = of(seen(OLD, NEW, web("other", "v3")))
    assert [each.id for each in stable] == ["old1"]
    assert [each.id for each in candidate] == ["new1"]
    assert stable[0].idle
    assert not candidate[0].idle


def test_the_empty_version_is_called_default():
    assert list(members(seen(web("a", "")), Side(service=WEB, version="default"))) == ["a"]


def test_of_what_its_engine_does_not_know_any_more_nothing_is_left():
    assert of(seen(OLD, NEW), facts={})[0] == ()


def test_what_runs_on_no_engine_is_as_its_provider_says():
    stable, _ = of(seen(OLD), facts={}, engines=())
    assert (stable[0].id, stable[0].state) == ("old1", InstanceState.RUNNING)


def test_what_the_release_made_and_nobody_saw_yet_is_of_the_candidate():
    made = Container(id="x", name="web-v2-1", number=1, state=InstanceState.CREATED)
    assert of(seen(OLD), facts={"x": made})[1] == (made,)


def test_the_engines_are_asked_about_both_sides_and_all_that_leave():
    assert known(release(), seen(OLD, NEW)) == {("docker", "old1"), ("docker", "new1")}


def test_a_provider_that_lost_sight_of_a_side_blinds_the_release():
    stale = {"docker": inventory(OLD)}
    assert not blind(release(), stale)
    assert blind(
        release(),
        {"docker": type(stale["docker"])(provider="docker", version=2, services=stale["docker"].services, stale=True)},
    )


def table(*endpoints):
    made = tuple(
        Endpoint(id=id_, instance="old1", name="old1", service=WEB, port=80, address=None, state=HealthState.HEALTHY)
        for id_ in endpoints
    )
    return RoutingTable(services={WEB: Service(key=WEB, name="web", endpoints=made)})


def test_a_container_is_ready_since_the_last_of_its_endpoints_is():
    side = Side(service=WEB)
    both = {"a": report("a"), "b": report("b")}
    assert ready_since(table("a", "b"), both, side, "old1") == 1.0
    assert ready_since(table("a", "b"), {"a": report("a")}, side, "old1") == 0.0
    assert ready_since(table("a"), {"a": report("a", HealthState.UNHEALTHY)}, side, "old1") == 0.0
    assert ready_since(table(), both, side, "old1") == 0.0

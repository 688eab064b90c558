from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.built import make, shifted
from tests.support.seen import healthy, instance, report
from tidegate.model import HealthState, InstanceState, NetworkAddress, Overrides

V1 = instance("a1", version="v1", routes=["a.test/"])
V2 = instance("b1", version="v2", routes=["a.test/"])


def place(network, ipv4, *aliases):
    return NetworkAddress(network=network, name=network, ipv4=ipv4, aliases=aliases)


def shares(made, name="web"):
    return {target.version: target.share for target in made.table.names[name].targets}


def ready(made, name="web"):
    return [target.name for target in made.table.names[name].targets if target.ready]


def test_a_replica_is_called_by_name_alias_hostname_and_number():
    front = NetworkAddress(network="n1", name="front", ipv4="10.0.0.2", aliases=("Alias",))
    made = make(instance("a" * 64, project="shop", name="Shop-web-2", number=2, hostname="Web-Host", networks=(front,)))
    assert set(made.table.names) == {
        "shop-web-2", "a" * 12, "alias", "web-host", "web", "web.shop", "2.web.shop", "tasks.web", "tasks.web.shop",
    }  # fmt: skip
    assert made.table.names["web.shop"].targets[0].name == "shop-web-2"


def test_a_bare_service_name_stands_for_all_projects_and_a_scoped_one_for_its_own():
    made = make(instance("a1", project="a"), instance("b1", project="b"))
    assert [target.name for target in made.table.names["web"].targets] == ["a1", "b1"]
    assert [target.name for target in made.table.names["web.b"].targets] == ["b1"]


def test_an_alias_stands_for_the_addresses_on_its_networks_only():
    both = (place("n1", "10.0.0.2", "db"), place("n2", "10.1.0.2", "db", "only"), place("n3", "10.2.0.2"))
    names = make(instance("c1", networks=both)).table.names
    assert [each.network for each in names["only"].targets[0].addresses] == ["n2"]
    assert [each.network for each in names["db"].targets[0].addresses] == ["n1", "n2"]
    assert [each.network for each in names["c1"].targets[0].addresses] == ["n1", "n2", "n3"]


def test_an_alias_that_is_the_service_s_own_name_hides_none_of_its_addresses():
    networks = (place("n1", "10.0.0.2", "web"), place("n2", "10.1.0.2"))
    (target,) = make(instance("c1", networks=networks)).table.names["web"].targets
    assert len(target.addresses) == 2


def test_a_container_whose_labels_keep_it_from_traffic_is_told_to_nobody():
    """It has no ports, and nothing that is checked; a service that has none either is ready all the same."""
    bad = instance("bad", ports=(), quarantined=True)
    made = make(instance("good", ports=()), bad)
    assert ready(made) == ["good"]
    assert ready(made, "bad") == []
    assert [target.name for target in made.table.names["tasks.web"].targets] == ["good"]
    assert ready(make(replace(bad, dns_fallback=True))) == []  # and its service's name exists, without an address


def test_all_tasks_are_named_with_and_without_the_project_whatever_their_weight_and_health():
    made = make(instance("c1", project="shop", weight=0), instance("c2", project="shop", version="v2"))
    for name in ("tasks.web", "tasks.web.shop"):
        targets = made.table.names[name].targets
        assert [(t.name, t.ready, t.share) for t in targets] == [("c1", True, 100), ("c2", True, 100)]


def test_versions_have_the_weights_of_their_labels_for_callers_by_name_too():
    made = make(instance("a1", version="v1", weight=90), instance("b1", version="v2", weight=10))
    assert shares(made) == {"v1": 90, "v2": 10}


@pytest.mark.parametrize("target", ["web", "a.test", "a.test/"])
def test_a_shift_of_the_service_its_host_or_its_route_moves_callers_by_name_too(target):
    before = make(V1, V2)
    shifting = make(V1, V2, previous=before, overrides=shifted(target, v1=75, v2=25))
    assert shares(shifting) == {"v1": 75, "v2": 25}
    assert shares(make(V1, V2, previous=shifting)) == {"v1": 100, "v2": 100}


def test_where_a_shift_reaches_only_one_of_its_routes_callers_by_name_stay_with_the_service():
    both = [instance(f"{v}1", version=v, routes=["a.test/", "b.test/"]) for v in ("v1", "v2")]
    made = make(*both, overrides=Overrides(weights={"a.test/": {"v1": 1, "v2": 0}}))
    assert shares(made) == {"v1": 100, "v2": 100}


def test_a_version_started_beside_a_shifted_one_is_told_to_nobody():
    made = make(V1, V2, overrides=shifted("web", v1=100))
    assert shares(made) == {"v1": 100, "v2": 0}


def test_where_nobody_is_ready_all_that_run_are_told_if_the_service_wants_it():
    sick = {"c1:80": report("c1:80", HealthState.UNHEALTHY)}
    both = [instance("c1", dns_fallback=True), instance("c2"), instance("c3", state=InstanceState.PAUSED)]
    first = make(*both, health=sick)
    assert ready(first) == ["c1", "c2"]
    assert ready(make(*both, previous=first, health=healthy("c2:80"))) == ["c2"]
    assert ready(make(instance("c1"), instance("c2"), health=sick)) == []


def test_what_an_operator_drains_is_no_fallback():
    both = [instance("c1", dns_fallback=True), instance("c2")]
    assert ready(make(*both, overrides=Overrides(drained=frozenset({"c1"})))) == ["c2"]

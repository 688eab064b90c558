import pytest

from tests.support.seen import healthy, instance, inventory, report
from tidegate.building import build
from tidegate.building.endpoints import addresses, candidates, check_targets, endpoint_id
from tidegate.building.options import BuildOptions
from tidegate.model import (
    Address,
    EngineHealth,
    HealthState,
    InstanceState,
    NetworkAddress,
    Overrides,
    PublishedPort,
)

FRONT = NetworkAddress(network="n1", name="front", ipv4="10.0.0.2", ipv6="fd00::2")
BACK = NetworkAddress(network="n2", name="back", ipv4="10.9.0.2", internal=True)


def hosts(made):
    return [str(each) for each in candidates(made, 80, BuildOptions(node_addresses={"n7": "192.0.2.7"}))]


def test_an_endpoint_is_called_by_instance_and_port():
    assert endpoint_id(instance("c1"), 80) == "c1:80"


def test_open_networks_come_before_internal_ones_and_ipv4_before_ipv6():
    assert hosts(instance("c1", networks=(BACK, FRONT))) == ["10.0.0.2:80", "[fd00::2]:80", "10.9.0.2:80"]


def test_nobody_is_looked_for_on_a_network_that_this_host_does_not_stand_on_unless_a_label_says_so():
    mesh = NetworkAddress(network="n3", name="mesh", ipv4="10.0.9.2", apart=True)
    assert hosts(instance("c1", networks=(mesh, FRONT))) == ["10.0.0.2:80", "[fd00::2]:80"]
    assert hosts(instance("c1", networks=(mesh,))) == []
    assert hosts(instance("c1", networks=(mesh,), network="mesh")) == ["10.0.9.2:80"]
    everywhere = NetworkAddress(network="n3", name="mesh", ipv4="10.0.9.2", apart=True, routable=True)
    assert hosts(instance("c1", networks=(everywhere,))) == ["10.0.9.2:80"]


@pytest.mark.parametrize("wanted", ["back", "n2"])
def test_the_network_that_a_label_names_comes_first(wanted):
    assert hosts(instance("c1", networks=(FRONT, BACK), network=wanted))[0] == "10.9.0.2:80"


def test_published_ports_come_last_at_the_loopback_or_where_they_are_bound():
    published = (
        PublishedPort(container_port=80, host_ip="0.0.0.0", host_port=8080),
        PublishedPort(container_port=80, host_ip="192.0.2.1", host_port=8081),
        PublishedPort(container_port=80, host_ip="", host_port=9, protocol="udp"),
        PublishedPort(container_port=443, host_ip="", host_port=10),
    )
    assert hosts(instance("c1", networks=(BACK,), published=published)) == [
        "10.9.0.2:80",
        "127.0.0.1:8080",
        "192.0.2.1:8081",
    ]


def test_host_networking_is_reached_at_the_address_of_its_node():
    assert hosts(instance("c1", networks=(), host_network=True)) == ["127.0.0.1:80"]
    assert hosts(instance("c1", networks=(), host_network=True, node="n7")) == ["192.0.2.7:80"]


def state_of(made, health=None, drained=()):
    table = build(None, {"docker": inventory(made)}, health or {}, Overrides(drained=frozenset(drained))).table
    service = table.services.get("web")
    return service and (service.endpoints[0].state, service.endpoints[0].reason)


def test_an_endpoint_that_nobody_checked_is_starting():
    assert state_of(instance("c1")) == (HealthState.STARTING, "not checked yet")


def test_a_report_decides_the_state():
    assert state_of(instance("c1"), healthy("c1:80")) == (HealthState.HEALTHY, "")


def test_a_paused_instance_is_out_whatever_its_health():
    made = instance("c1", state=InstanceState.PAUSED)
    assert state_of(made, healthy("c1:80")) == (HealthState.UNHEALTHY, "paused")


def test_an_instance_told_to_stop_is_draining():
    made = instance("c1", state=InstanceState.DRAINING)
    assert state_of(made, healthy("c1:80")) == (HealthState.DRAINING, "told to stop")


@pytest.mark.parametrize("state", [InstanceState.CREATED, InstanceState.STOPPED])
def test_what_does_not_run_is_not_in_the_table(state):
    assert state_of(instance("c1", state=state), healthy("c1:80")) is None


@pytest.mark.parametrize("handle", ["abcdef0123456789:80", "abcdef0123456789", "abcdef012345", "web-1", "node-a"])
def test_an_operator_may_drain_by_endpoint_instance_short_id_name_or_node(handle):
    made = instance("abcdef0123456789", name="web-1", node="node-a")
    assert state_of(made, healthy("abcdef0123456789:80"), [handle]) == (HealthState.DRAINING, "drained by operator")


def test_the_verified_address_is_used():
    made = instance("c1", networks=(FRONT, BACK))
    health = {"c1:80": report("c1:80", address=Address(host="10.9.0.2", port=80))}
    table = build(None, {"docker": inventory(made)}, health, Overrides()).table
    assert table.services["web"].endpoints[0].address == Address(host="10.9.0.2", port=80)


def test_a_report_about_an_address_the_instance_left_does_not_count():
    made = instance("c1", networks=(FRONT,))
    health = {"c1:80": report("c1:80", address=Address(host="10.44.0.2", port=80))}
    assert state_of(made, health) == (HealthState.STARTING, "address changed")


def test_on_the_host_s_network_the_declared_address_of_the_node_goes_before_those_on_its_bridges():
    agent = instance("c1", networks=(FRONT,), host_network=True, node="n7")
    (declared,) = addresses(agent, BuildOptions(node_addresses={"n7": "192.0.2.7"}))
    assert (declared.ipv4, declared.routable) == ("192.0.2.7", True)
    (declared,) = addresses(agent, BuildOptions(node_addresses={"n7": "2001:db8::7"}))
    assert (declared.ipv4, declared.ipv6) == ("", "2001:db8::7")
    assert addresses(agent, BuildOptions()) == (FRONT,)


def test_the_router_of_another_node_is_the_last_way_to_its_endpoints():
    peer = Address(host="192.0.2.7", port=7946)
    published = (PublishedPort(container_port=80, host_ip="192.0.2.7", host_port=8080),)
    made = instance("c1", networks=(), published=published, peer=peer)
    assert candidates(made, 80, BuildOptions()) == (
        Address(host="192.0.2.7", port=8080),
        Address(host="192.0.2.7", port=7946, through="c1:80"),
    )


def test_what_its_own_node_finds_of_each_port_goes_before_its_engine():
    made = instance("c1", ports=(80, 81), node="n7", judged={80: EngineHealth.UNHEALTHY})
    first, second = check_targets(made, BuildOptions())
    assert (first.engine_health, first.judge) == (EngineHealth.UNHEALTHY, "n7")
    assert (second.engine_health, second.judge) == (EngineHealth.NONE, "n7")

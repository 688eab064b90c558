"""What nodes tell each other of their containers: what others can use, and nothing else."""

import pytest
from msgspec.structs import replace

from tidegate.building.endpoints import candidates
from tidegate.building.options import BuildOptions
from tidegate.cluster.seen import MAX_VALUE_BYTES, Found, Places, parts_of, read_part, taken, told
from tidegate.errors import Problem
from tidegate.model import (
    Address,
    EngineHealth,
    HealthReport,
    HealthSource,
    HealthState,
    Instance,
    InstanceState,
    NetworkAddress,
    ProbeKind,
    ProbeSpec,
    PublishedPort,
)

BRIDGE = NetworkAddress(network="n1", name="shop_default", ipv4="172.18.0.2", ipv4_bits=16, aliases=("web",))
OVERLAY = NetworkAddress(network="n2", name="mesh", ipv4="10.0.5.2", ipv6="fd00::2")
WEB = Instance(
    id="c" * 64,
    name="shop-web-1",
    provider="docker",
    service="web",
    project="shop",
    node="a",
    networks=(BRIDGE,),
    ports=(80,),
    created_at=5.0,
)
PEER = Address(host="10.0.0.1", port=7946)
HERE = Places(address="10.0.0.1", peer=PEER)


def report(state, port=80, instance=WEB):
    return {
        f"{instance.id}:{port}": HealthReport(
            endpoint=f"{instance.id}:{port}", state=state, source=HealthSource.PROBE, since=1.0
        )
    }


def through(instance=WEB, places=HERE, reports=None) -> Instance:
    """What becomes of an instance on its way to another node."""
    (value,) = parts_of(told([instance], report(HealthState.HEALTHY) if reports is None else reports, places))
    (found,) = taken(read_part(value), "a", "node:a", places)
    return found


def reached(instance) -> list[str]:
    options = BuildOptions(node_addresses={"b": "10.0.0.2"})
    return [f"{each}{' through' if each.through else ''}" for each in candidates(instance, 80, options)]


def test_a_container_on_a_private_network_is_reached_through_its_nodes_router():
    found = through()
    assert found.networks == () and (found.node, found.provider) == ("a", "node:a")
    assert candidates(found, 80, BuildOptions()) == (Address(host="10.0.0.1", port=7946, through=f"{WEB.id}:80"),)


def test_without_any_way_it_is_known_and_not_reached():
    assert reached(through(places=Places())) == []


@pytest.mark.parametrize("host_ip", ["", "0.0.0.0", "::"])
def test_a_published_port_is_reached_at_the_nodes_address(host_ip):
    found = through(replace(WEB, published=(PublishedPort(container_port=80, host_ip=host_ip, host_port=8080),)))
    assert reached(found) == ["10.0.0.1:8080", "10.0.0.1:7946 through"]
    assert found.networks == (), "names cannot say that the port is another one"


def test_a_port_published_under_its_own_number_may_be_called_by_name():
    found = through(replace(WEB, published=(PublishedPort(container_port=80, host_ip="", host_port=80),)))
    assert [(each.ipv4, each.routable) for each in found.networks] == [("10.0.0.1", True)]
    assert reached(found) == ["10.0.0.1:80", "10.0.0.1:7946 through"]


def test_a_port_published_for_one_address_is_reached_there():
    own = replace(WEB, published=(PublishedPort(container_port=80, host_ip="192.0.2.7", host_port=81),))
    assert reached(through(own))[0] == "192.0.2.7:81"


def test_a_port_published_for_the_host_alone_stays_at_home():
    own = replace(WEB, published=(PublishedPort(container_port=80, host_ip="127.0.0.1", host_port=81),))
    assert reached(through(own)) == ["10.0.0.1:7946 through"]


@pytest.mark.parametrize("routable", ["mesh", "n2", "10.0.5.0/24"])
def test_an_address_on_a_network_declared_routable_goes_first(routable):
    places = replace(HERE, routable=(routable,))
    found = through(replace(WEB, networks=(BRIDGE, OVERLAY)), places)
    assert [each.name for each in found.networks] == ["mesh"] and found.networks[0].routable
    assert reached(found)[0] == "10.0.5.2:80"
    assert bool(found.networks[0].ipv6) is ("/" not in routable), "a range says nothing of the other family"


def test_an_address_of_the_loopback_is_nobody_elses_however_routable():
    local = NetworkAddress(network="process", name="process", ipv4="127.77.0.1", routable=True)
    assert through(replace(WEB, networks=(local,))).networks == ()


def test_a_container_on_the_hosts_network_is_reached_at_the_nodes_address():
    found = through(replace(WEB, networks=(), host_network=True))
    assert not found.host_network and reached(found)[0] == "10.0.0.1:80"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (HealthState.HEALTHY, EngineHealth.HEALTHY),
        (HealthState.UNHEALTHY, EngineHealth.UNHEALTHY),
        (HealthState.STARTING, EngineHealth.STARTING),
    ],
)
def test_what_its_node_finds_of_each_port_holds_elsewhere(state, expected):
    both = replace(WEB, ports=(80, 81), engine_health=EngineHealth.HEALTHY)
    found = through(both, reports=report(state, 81))
    assert found.judged == {80: EngineHealth.STARTING, 81: expected}
    assert found.engine_health is EngineHealth.NONE


def test_its_probe_and_its_problems_stay_at_home():
    own = replace(WEB, probe=ProbeSpec(kind=ProbeKind.TCP), problems=(Problem(code="T1203", text="?"),))
    found = through(own)
    assert found.probe is None and found.problems == ()


def test_what_does_not_run_and_what_is_elsewhere_is_not_told():
    instances = [
        replace(WEB, state=InstanceState.STOPPED),
        replace(WEB, state=InstanceState.CREATED),
        replace(WEB, external="db.example"),
        replace(WEB, id="d", state=InstanceState.DRAINING),
    ]
    assert [each.instance.id for each in told(instances, {}, HERE)] == ["d"]


def test_a_large_service_is_split_and_comes_out_whole():
    many = [replace(WEB, id=f"{number:064}", created_at=float(number), texts=("x" * 200,)) for number in range(500)]
    values = list(parts_of(told(many, {}, HERE)))
    assert len(values) > 1 and all(len(each) <= MAX_VALUE_BYTES + 2 for each in values)
    found = taken([found for value in values for found in read_part(value)], "a", "node:a", HERE)
    assert [each.id for each in found] == [each.id for each in many]


def test_one_that_is_larger_than_a_value_stands_alone():
    large = Found(instance=replace(WEB, texts=("x" * MAX_VALUE_BYTES,)))
    small = Found(instance=WEB)
    assert [len(read_part(value)) for value in parts_of([small, large, small, small])] == [1, 1, 2]


def test_nothing_is_told_in_no_parts():
    assert list(parts_of(())) == []

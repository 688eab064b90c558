import pytest

from tidegate.engine.port import Network
from tidegate.engine.spec import ContainerSpec
from tidegate.model import Address
from tidegate.stacks.resolving import asking, resolvers, unheard
from tidegate.stacks.stack import Outside, Stack

NETWORKS = (
    Network(id="a", name="bridge", gateways=("172.17.0.1",)),
    Network(id="b", name="shop_default", gateways=("172.18.0.1",)),
)
SPEC = ContainerSpec(name="a", image="x")


@pytest.mark.parametrize(
    ("listeners", "addresses"),
    [
        ([("172.17.0.1", 53)], ("172.17.0.1",)),
        ([("0.0.0.0", 53)], ("172.17.0.1",)),
        ([("::", 53), ("10.0.0.1", 53)], ("172.17.0.1", "10.0.0.1")),
        ([("0.0.0.0", 5353)], ()),
        ([("127.0.0.1", 53), ("localhost", 53)], ()),
        ([], ()),
    ],
)
def test_containers_ask_where_tidegate_listens_on_the_port_that_resolvers_ask(listeners, addresses):
    assert resolvers([Address(host=host, port=port) for host, port in listeners], NETWORKS) == addresses


@pytest.mark.parametrize(
    ("fields", "dns"),
    [
        ({}, ("10.0.0.1",)),
        ({"network_mode": "bridge"}, ("10.0.0.1",)),
        ({"dns": ("10.9.9.9",)}, ("10.9.9.9",)),
        ({"network_mode": "host"}, ()),
        ({"network_mode": "container:x"}, ()),
    ],
)
def test_a_service_that_says_whom_it_asks_or_has_no_network_of_its_own_is_left_alone(fields, dns):
    spec = ContainerSpec(name="a", image="x", **fields)
    assert asking(spec, ("10.0.0.1",)).dns == dns
    assert asking(spec, ()) == spec


@pytest.mark.parametrize(
    ("listeners", "told"),
    [
        ([("0.0.0.0", 53)], []),
        ([("172.17.0.1", 53)], []),
        ([("0.0.0.0", 5353)], ["named"]),
        ([("127.0.0.1", 53)], ["named"]),
    ],
)
def test_a_name_that_only_our_dns_could_answer_is_told_where_containers_do_not_ask_it(listeners, told):
    outside = (Outside(name="named", host="db.example.test"), Outside(name="at", host="10.0.0.1"))
    found = unheard(Stack(name="shop", outside=outside), [Address(host=host, port=port) for host, port in listeners])
    assert [each.place for each in found] == [f"shop/{name}" for name in told]
    assert all(each.code == "T2112" for each in found)

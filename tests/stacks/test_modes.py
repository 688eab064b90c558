from tidegate.engine.spec import ContainerSpec, Isolation
from tidegate.stacks.modes import bound, has_others_network, shared_services

SIDE = ContainerSpec(
    name="", image="x", network_mode="service:vpn", isolation=Isolation(pid="service:db", ipc="service:vpn", uts="host")
)


def test_each_service_that_is_shared_with_is_named_once():
    assert shared_services(SIDE) == ("vpn", "db")
    assert shared_services(ContainerSpec(name="", image="x", network_mode="host")) == ()


def test_an_engine_is_told_of_containers():
    told = bound(SIDE, {"vpn": "c1", "db": "c2"})
    assert (told.network_mode, told.isolation.pid, told.isolation.ipc) == (
        "container:c1",
        "container:c2",
        "container:c1",
    )
    assert told.isolation.uts == "host"
    assert bound(SIDE, {}) == SIDE


def test_who_is_on_the_network_of_another_has_its_ports_in_common_with_its_successor():
    modes = {"host": True, "service:vpn": True, "container:c1": True, "bridge": False, "": False}
    for mode, common in modes.items():
        assert has_others_network(ContainerSpec(name="", image="x", network_mode=mode)) is common

from __future__ import annotations

from tests.support.seen import instance
from tidegate.discovery.grounds import Grounds
from tidegate.engine.port import ContainerDetail, Network
from tidegate.model import InstanceState, NetworkAddress

FRONT = Network(id="f", name="front", driver="bridge", gateways=("10.1.0.1", "fd00::1"))
BACK = Network(id="b", name="back", driver="bridge", internal=True, gateways=("10.2.0.1",))
LAN = Network(id="l", name="lan", driver="macvlan", gateways=("192.168.1.1",))
HOST = Network(id="h", name="host", driver="host")


def place(network="f", ipv4="10.1.0.2", **more):
    return NetworkAddress(network=network, name=network, ipv4=ipv4, **more)


def detail(id_, *places, started_at=0.0):
    return ContainerDetail(
        id=id_, name=id_, image="i", state=InstanceState.RUNNING, labels={}, networks=places, started_at=started_at
    )


def grounds(*networks):
    made = Grounds()
    made.know(networks)
    return made


def test_what_is_known_of_the_networks_changes_only_where_something_changed():
    made = Grounds()
    assert [made.know([FRONT]), made.know([FRONT]), made.know([FRONT, BACK])] == [True, False, True]
    assert made.lack(instance("c1", networks=(place("x"),)))
    assert not made.lack(instance("c1", networks=(place("b"),)))


def test_the_subnets_of_all_networks_are_told_but_not_a_lan_s_that_others_stand_on_too():
    networks = [
        Network(id="a", name="a", driver="bridge", subnets=("172.18.0.0/16", "2001:db8:7::/64")),
        Network(id="b", name="b", driver="overlay", subnets=("10.0.9.0/24",)),
        Network(id="c", name="c", driver="macvlan", subnets=("9.9.9.0/24", "192.168.1.0/24", "odd")),
        HOST,
    ]
    assert Grounds().subnets is None
    assert grounds(*networks).subnets == ("10.0.9.0/24", "172.18.0.0/16", "192.168.1.0/24", "2001:db8:7::/64")
    assert grounds().subnets == ()


def test_a_network_without_a_way_out_is_told_as_such():
    web = instance("c1", networks=(place("f"), place("b", "10.2.0.2")))
    placed = grounds(FRONT, BACK).placed(web, "c1")
    assert [each.internal for each in placed.networks] == [False, True]
    assert grounds(FRONT).placed(web, "c1") is web


def test_an_overlay_that_this_host_does_not_stand_on_is_apart():
    mesh, other = (Network(id=each, name=each, driver="overlay", subnets=("10.0.9.0/24",)) for each in ("m", "o"))
    web = instance("c1", networks=(place("f"), place("m", "10.0.9.2"), place("o", "10.0.8.2")))
    made = grounds(FRONT)
    assert made.know([FRONT, mesh, other], ["o"])
    assert [each.apart for each in made.placed(web, "c1").networks] == [False, True, False]
    assert not made.know([FRONT, mesh, other], ["o"])
    assert made.know([FRONT, mesh, other], ["m", "o"])
    assert made.placed(web, "c1") is web


def test_on_the_host_s_network_it_stands_at_the_host_s_address_on_every_bridge():
    agent = instance("c1", networks=(place("h", ""),), host_network=True)
    placed = grounds(FRONT, BACK, LAN, HOST).placed(agent, "c1")
    assert [(each.name, each.ipv4, each.ipv6, each.internal) for each in placed.networks] == [
        ("back", "10.2.0.1", "", True),
        ("front", "10.1.0.1", "fd00::1", False),
    ]


def test_an_address_that_two_claim_is_that_of_the_one_started_last():
    made = grounds(FRONT)
    old, new = detail("old", place(), place("b"), started_at=1.0), detail("new", place(), started_at=2.0)
    seen = instance("old", networks=old.networks)
    made.claim(old)
    assert made.placed(seen, "old") is seen
    made.claim(new)
    assert made.rivals(new) == ("old",)
    assert [each.ipv4 for each in made.placed(seen, "old").networks] == ["", "10.1.0.2"]
    made.give_up(new)
    assert made.rivals(old) == ()
    assert made.placed(seen, "old") is seen

from __future__ import annotations

from tests.support.dns import place, target
from tidegate.dns.record import packed
from tidegate.dns.view import Networks


def test_an_asker_stands_on_all_networks_of_its_instance():
    networks = Networks()
    networks.add(target("t", place("a", "10.1.0.2"), place("b", "10.2.0.2")))
    assert networks.of(packed("10.2.0.2")) == {"a", "b"}


def test_a_neighbour_is_taken_to_stand_on_the_network_of_its_subnet():
    networks = Networks()
    networks.add(target("t", place("a", "10.1.0.2"), place("b", "10.2.0.2", "fd00:0:0:1::2")))
    assert networks.of(packed("10.1.0.77")) == {"a"}
    assert networks.of(packed("fd00:0:0:1::77")) == {"b"}
    assert networks.of(packed("10.3.0.77")) == frozenset()


def test_networks_with_small_subnets_are_told_apart_and_the_narrowest_holds():
    networks = Networks()
    one, other = (place(f"n{n}", f"192.168.{n}.2", "fd00::2", ipv4_bits=20, ipv6_bits=112) for n in (16, 32))
    wide = target("w", place("wide", "192.168.255.2", ipv4_bits=16))
    for each in (target("t", one), target("u", other), wide):
        networks.add(each)
    assert networks.of(packed("192.168.31.9")) == {"n16"}
    assert networks.of(packed("192.168.33.9")) == {"n32"}
    assert networks.of(packed("192.168.99.9")) == {"wide"}
    assert networks.of(packed("fd00::1:9")) == frozenset()
    networks.remove(wide)
    assert networks.of(packed("192.168.99.9")) == frozenset()


def test_an_address_of_the_host_or_a_routable_one_tells_nothing_of_who_asks_from_it():
    networks = Networks()
    networks.add(target("t", place("a", "10.1.0.1"), on_host=True))
    networks.add(target("u", place("static", "127.0.0.1", routable=True)))
    assert not networks.is_member(packed("10.1.0.1"))
    assert networks.of(packed("127.0.0.1")) == frozenset()


def test_what_was_added_twice_is_gone_after_the_second_removal():
    networks = Networks()
    shared = target("t", place("a", "10.1.0.2"))
    networks.add(shared)
    networks.add(shared)
    networks.remove(shared)
    assert networks.of(packed("10.1.0.2")) == {"a"}
    networks.remove(shared)
    assert networks.of(packed("10.1.0.2")) == frozenset()

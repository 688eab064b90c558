from __future__ import annotations

import pytest

from tests.support.dns import addresses, ask, name, place, publish, target, zone_of
from tidegate.dns.record import packed
from tidegate.model import DnsMode

FRONT, BACK = place("front", "10.1.0.1"), place("back", "10.2.0.1")
WEB = name("web", target("1.web", FRONT, BACK, ports=[80]), target("2.web", place("back", "10.2.0.2"), ports=[80]))


@pytest.mark.parametrize("zone_part", ["", ".mesh.test"])
def test_a_name_on_a_network_is_what_it_has_there(zone_part):
    zone = zone_of(WEB)
    assert addresses(ask(zone, f"web.front{zone_part}")) == ["10.1.0.1"]
    assert sorted(addresses(ask(zone, f"web.back{zone_part}"))) == ["10.2.0.1", "10.2.0.2"]


def test_what_stands_nowhere_on_a_network_has_no_name_there():
    zone = zone_of(WEB, name("db", target("db", FRONT)))
    assert ask(zone, "db.back.mesh.test").rcode().name == "NXDOMAIN"
    assert ask(zone, "db.back") is None


def test_the_longest_name_of_something_goes_first():
    inner = place("c", "10.3.0.1")
    zone = zone_of(name("a.b", target("x", inner)), name("a", target("y", place("b.c", "10.4.0.1"), inner)))
    assert addresses(ask(zone, "a.b.c")) == ["10.3.0.1"]


def test_a_name_of_the_table_goes_before_one_on_a_network():
    zone = zone_of(WEB, name("web.front", target("other", place("back", "10.2.0.9"))))
    assert addresses(ask(zone, "web.front")) == ["10.2.0.9"]


def test_the_name_of_a_network_is_no_denial_of_the_names_below_it():
    zone = zone_of(WEB)
    message = ask(zone, "front.mesh.test")
    assert (message.rcode().name, message.answer) == ("NOERROR", [])


def test_joining_and_leaving_a_network_is_followed_at_once():
    zone = zone_of(name("web", target("w", FRONT)))
    assert ask(zone, "web.back.mesh.test").rcode().name == "NXDOMAIN"
    publish(zone, name("web", target("w", FRONT, BACK)))
    assert addresses(ask(zone, "web.back.mesh.test")) == ["10.2.0.1"]
    publish(zone, name("web", target("w", FRONT)))
    assert ask(zone, "web.back.mesh.test").rcode().name == "NXDOMAIN"


def test_a_container_that_is_not_on_the_network_does_not_see_the_name():
    zone = zone_of(WEB, name("loner", target("loner", place("front", "10.1.0.9"))))
    assert ask(zone, "web.back.mesh.test", source=packed("10.1.0.9")).rcode().name == "NXDOMAIN"
    assert addresses(ask(zone, "web.front.mesh.test", source=packed("10.1.0.9"))) == ["10.1.0.1"]


def test_the_router_s_address_is_on_no_network():
    zone = zone_of(name("web", target("w", FRONT), mode=DnsMode.PROXY))
    assert ask(zone, "web.front.mesh.test").rcode().name == "NXDOMAIN"

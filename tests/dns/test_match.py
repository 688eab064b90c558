from __future__ import annotations

import pytest

from tests.support.dns import name, target
from tidegate.dns import special, wire
from tidegate.dns.match import Place, find, is_local
from tidegate.dns.tree import Tree
from tidegate.model import DnsMode

APEX = wire.encode("z")
APEXES = special.REVERSE_APEXES | {APEX}


def tree():
    made = Tree(APEXES)
    for text in ("web.z", "web", "1.web.z", "*.wild.z", "*.test", "deep.a.b.z"):
        made.claim(wire.encode(text), text, name(text, target("t", "10.0.0.1", ports=[80])))
    made.claim(wire.encode("proxy.z"), "p", name("proxy", target("t", "10.0.0.1", ports=[80]), mode=DnsMode.PROXY))
    made.point(wire.encode("1.0.0.10.in-addr.arpa"), "t")
    return made


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("web.z", Place.NAME),
        ("web", Place.NAME),
        ("b.z", Place.EMPTY),
        ("z", Place.APEX),
        ("_80._tcp.web.z", Place.SERVICE),
        ("_http._tcp.web", Place.SERVICE),
        ("_tcp.web.z", Place.EMPTY),
        ("_81._tcp.web.z", Place.ABSENT),
        ("_80._udp.web.z", Place.ABSENT),
        ("_80._tcp.proxy.z", Place.ABSENT),
        ("ns.z", Place.SERVER),
        ("x.wild.z", Place.WILDCARD),
        ("x.y.wild.z", Place.WILDCARD),
        ("wild.z", Place.EMPTY),
        ("x.test", Place.WILDCARD),
        ("x.web.z", Place.ABSENT),
        ("nope.z", Place.ABSENT),
        ("nope", Place.ABSENT),
        ("printer.local", Place.ABSENT),
        ("localhost", Place.LOOPBACK),
        ("a.localhost", Place.LOOPBACK),
        ("1.0.0.10.in-addr.arpa", Place.POINTER),
        ("0.0.10.in-addr.arpa", Place.EMPTY),
        ("9.0.0.10.in-addr.arpa", Place.ABSENT),
        ("10.in-addr.arpa", Place.APEX),
        ("1.0.0.127.in-addr.arpa", Place.LOOPBACK),
        ("8.8.8.8.in-addr.arpa", Place.FOREIGN),
        ("evilz", Place.ABSENT),
        ("evil.notz", Place.FOREIGN),
        ("example.org", Place.FOREIGN),
        (".", Place.FOREIGN),
    ],
)
def test_each_name_has_its_place(text, place):
    assert find(tree(), APEXES, wire.encode(text), wire.A).place is place


@pytest.mark.parametrize("qtype", [wire.NS, wire.SOA, wire.DS, wire.DNSKEY])
def test_what_resolvers_ask_of_top_level_names_is_foreign(qtype):
    assert find(tree(), APEXES, wire.encode("com"), qtype).place is Place.FOREIGN


@pytest.mark.parametrize(
    ("text", "local"), [("a.z", True), ("a", True), ("1.0.0.10.in-addr.arpa", True), ("a.b", False)]
)
def test_zone_names_reverse_names_and_dotless_names_are_local(text, local):
    assert is_local(wire.encode(text), APEXES) is local

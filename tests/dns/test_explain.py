from __future__ import annotations

import pytest

from tests.support.dns import LOCAL, name, place, target, zone_of
from tidegate.dns import wire
from tidegate.dns.explain import Background
from tidegate.dns.record import packed
from tidegate.model import DnsMode

ZONE = zone_of(
    name(
        "web",
        target("1.web", place("a", "10.1.0.1"), ports=[80]),
        target("2.web", place("b", "10.2.0.1")),
        target("3.web", place("a", "10.1.0.3"), ready=False),
        target("4.web", place("a", "10.1.0.4"), weight=0),
    ),
    name("shop.example", target("1.web", place("a", "10.1.0.1")), absolute=True, mode=DnsMode.PROXY),
)


def explained(text, qtype="A", source="10.1.0.77", **background):
    asker = ZONE.asker(packed(source), LOCAL)
    return ZONE.explain(text, wire.TYPES[qtype], asker, Background(**background))


def test_an_explanation_names_holder_networks_and_why_targets_are_left_out():
    found = explained("web.mesh.test")
    assert (found.holder, found.mode, found.rcode, found.networks) == ("web", "direct", "NOERROR", ("a",))
    assert [(line.name, line.ttl, line.type, line.data) for line in found.answers] == [
        ("web.mesh.test", 5, "A", "10.1.0.1")
    ]
    assert [(told.addresses, told.reason) for told in found.targets] == [
        (("10.1.0.1",), ""),
        ((), "no network shared with the asker"),
        ((), "not ready"),
        ((), "weight 0"),
    ]


def test_a_name_the_router_answers_for_says_so():
    found = explained("shop.example")
    assert [line.data for line in found.answers] == ["10.9.0.1"]
    assert found.targets[0].reason == "the router answers for it"


def test_what_the_zone_does_not_know_comes_from_the_background():
    found = explained(
        "web", unready={"3.web": "unhealthy: 503"}, networks={"a": "front", "b": "back"}, nearest=("web",)
    )
    assert (found.networks, found.targets[1].networks, found.nearest) == (("front",), ("back",), ())
    assert found.targets[2].reason == "unhealthy: 503"
    assert explained("wub.mesh.test", nearest=("web",)).nearest == ("web",)


def test_an_asker_with_a_container_is_called_by_its_name():
    found = explained("web", source="10.2.0.1")
    assert (found.asker, found.container, found.networks) == ("10.2.0.1", "2.web", ("b",))
    assert [line.data for line in found.answers] == ["10.2.0.1"]


@pytest.mark.parametrize(
    ("text", "zone", "ttl"), [("web", "", 5), ("web.mesh.test", "mesh.test", 5), ("nope.mesh.test", "mesh.test", 5)]
)
def test_zone_and_ttl_are_told_of_answers_and_of_denials(text, zone, ttl):
    found = explained(text)
    assert (found.zone, found.ttl) == (zone, ttl)


def test_a_foreign_name_is_forwarded_for_who_may_recurse_and_refused_to_others():
    found = explained("example.org", upstreams=("192.0.2.53:53",))
    assert (found.rcode, found.is_forwarded, found.upstreams) == ("", True, ("192.0.2.53:53",))
    refused = explained("example.org", source="198.51.100.7", upstreams=("192.0.2.53:53",))
    assert (refused.rcode, refused.is_forwarded, refused.upstreams) == ("REFUSED", False, ())


@pytest.mark.parametrize(
    ("text", "rcode", "forwarded"), [("nope.mesh.test", "NXDOMAIN", False), ("example.org", "", True)]
)
def test_denied_and_foreign_names_are_told_apart(text, rcode, forwarded):
    found = explained(text)
    assert (found.rcode, found.is_forwarded, found.holder) == (rcode, forwarded, "")


def test_what_is_no_name_is_refused():
    with pytest.raises(ValueError, match="octets"):
        explained("a..b")


@pytest.mark.parametrize(
    ("text", "qtype", "data"),
    [
        ("_80._tcp.web", "SRV", "0 1 80 1.web.mesh.test"),
        ("1.0.1.10.in-addr.arpa", "PTR", "1.web.mesh.test"),
        ("mesh.test", "NS", "ns.mesh.test"),
        ("mesh.test", "SOA", "ns.mesh.test hostmaster.mesh.test 1 3600 600 86400 5"),
        ("localhost", "AAAA", "::1"),
        ("web", "ANY", b"\x07RFC8482\0".hex()),
    ],
)
def test_records_read_as_people_write_them(text, qtype, data):
    assert [line.data for line in explained(text, qtype).answers] == [data]


def test_an_asker_at_an_address_of_many_is_called_by_nobody_s_name():
    zone = zone_of(name("web", target("1.web", place("static", "127.0.0.1", routable=True))))
    asker = zone.asker(packed("127.0.0.1"), LOCAL)
    assert zone.explain("web", wire.A, asker, Background()).container == ""


def test_a_name_for_something_outside_and_attributes_are_written_as_people_read_them():
    zone = zone_of(
        name("mail", target("mail", external="smtp.example.org")),
        name("web", target("web", "10.1.0.1", texts=("team=core", "note=" + "x" * 300))),
    )
    asker = zone.asker(packed("192.0.2.1"), LOCAL)
    mail, web = (zone.explain(each, wire.TYPES["TXT"], asker, Background()) for each in ("mail", "web"))
    assert ([(line.type, line.data) for line in mail.answers]) == [("CNAME", "smtp.example.org")]
    assert mail.targets[0].reason == "stands for smtp.example.org"
    assert [line.data for line in web.answers] == ["team=core", "note=" + "x" * 300]

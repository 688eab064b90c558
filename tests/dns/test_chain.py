from __future__ import annotations

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.dns import ask, data, name, target, zone_of
from tidegate.dns import chain, wire

MAIL = name("mail", target("mail", external="smtp.example.org"))


def alias(text, host):
    return name(text, target(text, external=host))


def query(qtype="A"):
    return wire.parse(dns.message.make_query("mail", qtype).to_wire())


def foreign(*rrsets, rcode=0, authority=(), flags=dns.flags.QR):
    """What a forwarder says to `smtp.example.org`, names compressed."""
    message = dns.message.make_query("smtp.example.org", "A")
    message.flags |= flags
    message.set_rcode(rcode)
    message.answer = [dns.rrset.from_text(*each) for each in rrsets]
    message.authority = [dns.rrset.from_text(*each) for each in authority]
    return message.to_wire()


def joined(reply, qtype="A", room=wire.PLAIN_SIZE):
    return dns.message.from_wire(chain.joined(query(qtype), leaving(qtype), reply, room))


def leaving(qtype="A"):
    return zone_of(MAIL).leaving(query(qtype))


def test_an_alias_ends_in_the_answer_of_another_name_of_ours():
    zone = zone_of(alias("db", "web.mesh.test"), name("web", target("1.web", "10.1.0.1"), target("2.web", "10.1.0.2")))
    message = ask(zone, "db")
    assert data(message) == ["db CNAME web.mesh.test.", "web.mesh.test A 10.1.0.1", "web.mesh.test A 10.1.0.2"]
    assert {addresses_of(ask(zone, "db"))[0] for _ in range(4)} == {"10.1.0.1", "10.1.0.2"}


def addresses_of(message):
    return [rdata.address for rrset in message.answer if rrset.rdtype == 1 for rdata in rrset]


@pytest.mark.parametrize(
    ("host", "rcode", "soa"), [("nope.mesh.test", "NXDOMAIN", "mesh.test"), ("web", "NOERROR", "web")]
)
def test_the_code_and_the_denial_are_those_of_the_end(host, rcode, soa):
    zone = zone_of(alias("db", host), name("web", target("w", "10.1.0.1")))
    message = ask(zone, "db", "AAAA")
    assert (message.rcode().name, message.answer[0][0].target.to_text(omit_final_dot=True)) == (rcode, host)
    assert message.authority[0].name.to_text(omit_final_dot=True) == soa


def test_only_the_alias_itself_is_told_where_it_is_what_was_asked():
    assert data(ask(zone_of(MAIL), "mail", "CNAME")) == ["mail CNAME smtp.example.org."]
    assert data(ask(zone_of(MAIL), "mail", "ANY")) == ['mail HINFO "RFC8482" ""']


@pytest.mark.parametrize("hosts", [["a0"], ["a1", "a0"], ["a1", "a2", "a1"]])
def test_aliases_in_a_circle_are_told_as_a_failure(hosts):
    zone = zone_of(*(alias(f"a{n}", host) for n, host in enumerate(hosts)))
    assert ask(zone, "a0").rcode().name == "SERVFAIL"


@pytest.mark.parametrize(("links", "rcode"), [(8, "NOERROR"), (9, "SERVFAIL")])
def test_eight_aliases_in_a_row_are_followed_and_no_more(links, rcode):
    rows = [alias(f"a{n}", f"a{n + 1}") for n in range(links)]
    message = ask(zone_of(*rows, name(f"a{links}", target("w", "10.1.0.1"))), "a0")
    assert message.rcode().name == rcode
    assert bool(message.answer) == (rcode == "NOERROR")


def test_a_container_of_the_same_name_goes_before_what_is_elsewhere():
    both = name("db", target("db", external="db.example.org"), target("1.db", "10.1.0.1", ready=False))
    assert data(ask(zone_of(both), "db")) == []


def test_an_alias_that_leaves_us_says_where_to():
    assert leaving().name == wire.encode("smtp.example.org")
    zone = zone_of(alias("db", "web"), name("web", target("w", "10.1.0.1")))
    assert zone.leaving(wire.parse(dns.message.make_query("db", "A").to_wire())) is None
    asked = chain.onward(query("AAAA"), leaving().name)
    assert (wire.decode(asked.name), asked.qtype, asked.question[-4:]) == ("smtp.example.org", wire.AAAA, b"\0\x1c\0\1")


def test_without_anybody_to_ask_the_alias_alone_is_told():
    assert data(ask(zone_of(MAIL), "mail")) == ["mail CNAME smtp.example.org."]


def test_a_foreign_answer_is_put_behind_our_records_with_its_names_written_out():
    found = joined(
        foreign(
            ("smtp.example.org.", 60, "IN", "CNAME", "mx.example.org."),
            ("mx.example.org.", 30, "IN", "A", "192.0.2.1", "192.0.2.2"),
        )
    )
    assert data(found) == [
        "mail CNAME smtp.example.org.",
        "mx.example.org A 192.0.2.1",
        "mx.example.org A 192.0.2.2",
        "smtp.example.org CNAME mx.example.org.",
    ]
    assert found.answer[2].ttl == 30


def test_a_foreign_denial_keeps_its_code_and_its_soa():
    soa = ("example.org.", 60, "IN", "SOA", "ns.example.org. hostmaster.example.org. 7 1 2 3 4")
    found = joined(foreign(rcode=3, authority=[soa]))
    assert (found.rcode().name, data(found)) == ("NXDOMAIN", ["mail CNAME smtp.example.org."])
    assert data(found, "authority") == ["example.org SOA ns.example.org. hostmaster.example.org. 7 1 2 3 4"]


@pytest.mark.parametrize(
    "reply",
    [
        foreign()[:20],
        foreign(("smtp.example.org.", 60, "IN", "A", "192.0.2.1"))[:-1],
        foreign(flags=dns.flags.QR | dns.flags.TC),
    ],
)
def test_an_end_that_cannot_be_passed_on_is_a_failure(reply):
    assert joined(reply).rcode().name == "SERVFAIL"


WHOLE = foreign(
    ("smtp.example.org.", 60, "IN", "CNAME", "mx.example.org."),
    ("mx.example.org.", 30, "IN", "MX", "5 mx.example.org."),
)


@given(st.lists(st.tuples(st.integers(12, len(WHOLE) - 1), st.integers(0, 255)), max_size=4), st.integers(0, 60))
def test_no_mutated_foreign_answer_raises_or_makes_a_reply_nobody_can_read(changes, cut):
    mutated = bytearray(WHOLE)
    for position, value in changes:
        mutated[position] = value
    found = chain.joined(query(), leaving(), bytes(mutated[: len(mutated) - cut]), wire.PLAIN_SIZE)
    assert found[2] & 0x80
    assert len(found) <= wire.PLAIN_SIZE

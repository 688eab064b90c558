from __future__ import annotations

import ipaddress

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.dns import message, rebind, wire

NAME = "www.example.org."


def told(*answers, additional=(), qtype="A", rcode=0):
    """An answer with records such as `www.example.org. A 10.0.0.1`, compressed."""
    reply = dns.message.make_response(dns.message.make_query(NAME, qtype, use_edns=0, id=7))
    reply.set_rcode(rcode)
    for section, texts in ((reply.answer, answers), (reply.additional, additional)):
        for text in texts:
            owner, rtype, rdata = text.split(maxsplit=2)
            section.append(dns.rrset.from_text(owner, 60, "IN", rtype, rdata))
    return message.read(reply.to_wire())


def left(found, qtype="A"):
    """The records of an answer after stripping, as text."""
    clean = rebind.strip(found)
    query = wire.parse(dns.message.make_query(NAME, qtype, use_edns=0).to_wire())
    reply = dns.message.from_wire(message.render(clean, query, clean.body, 65535, clean.ede))
    return [f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}" for rrset in reply.answer for rdata in rrset]


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "::", "::1", "fc00::1", "fd12::1", "fe80::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
        "::192.168.0.1", "64:ff9b::a00:1",
    ],
)  # fmt: skip
def test_private_addresses_are_told(text):
    assert rebind.is_private(ipaddress.ip_address(text).packed)


@pytest.mark.parametrize(
    "text",
    ["1.1.1.1", "100.63.0.1", "100.128.0.1", "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.167.1.1", "192.0.2.1",
     "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)  # fmt: skip
def test_public_addresses_are_too(text):
    assert not rebind.is_private(ipaddress.ip_address(text).packed)


def test_a_clean_answer_stays_as_it_came():
    found = told(f"{NAME} A 192.0.2.1", f"{NAME} A 192.0.2.2")
    assert rebind.strip(found) is found


@pytest.mark.parametrize(
    ("records", "kept"),
    [
        ([f"{NAME} A 10.0.0.1", f"{NAME} A 192.0.2.1"], [f"{NAME} A 192.0.2.1"]),
        ([f"{NAME} A 127.0.0.1"], []),
        ([f"{NAME} AAAA ::ffff:172.17.0.1", f"{NAME} AAAA 2001:db9::1"], [f"{NAME} AAAA 2001:db9::1"]),
        (
            [f"{NAME} CNAME a.b.example.org.", "a.b.example.org. A 192.168.0.1", "a.b.example.org. A 192.0.2.7"],
            [f"{NAME} CNAME a.b.example.org.", "a.b.example.org. A 192.0.2.7"],
        ),
        (
            [f"{NAME} A 10.0.0.1", f"{NAME} MX 5 mail.example.org.", f"{NAME} SOA ns.example.org. x.example.org. 1 2 3 4 5"],
            [f"{NAME} MX 5 mail.example.org.", f"{NAME} SOA ns.example.org. x.example.org. 1 2 3 4 5"],
        ),
    ],
)  # fmt: skip
def test_private_records_go_and_the_others_stay_whole(records, kept):
    assert left(told(*records)) == kept
    assert rebind.strip(told(*records)).ede == wire.EDE_BLOCKED


def test_hints_with_private_addresses_go_from_their_record():
    found = told(f'{NAME} HTTPS 1 . alpn="h2" ipv4hint="10.0.0.1" ipv6hint="2001:db9::1"', qtype="HTTPS")
    assert left(found, "HTTPS") == [f'{NAME} HTTPS 1 . alpn="h2" ipv6hint="2001:db9::1"']


def test_what_stands_beside_a_clean_answer_goes_without_a_word():
    found = told(f"{NAME} MX 5 mail.example.org.", additional=["mail.example.org. A 10.0.0.1"], qtype="MX")
    clean = rebind.strip(found)
    assert (clean.counts, clean.ede) == ((1, 0, 0), None)


def test_an_answer_without_its_records_is_kept_as_long_as_it_said():
    assert rebind.strip(told(f"{NAME} A 10.0.0.1")).lifetime == 60


WHOLE = dns.message.make_response(dns.message.make_query(NAME, "A", id=7))
WHOLE.answer.append(dns.rrset.from_text(NAME, 60, "IN", "CNAME", "a.b.example.org."))
WHOLE.answer.append(dns.rrset.from_text("a.b.example.org.", 60, "IN", "A", "10.0.0.1"))
WHOLE.answer.append(dns.rrset.from_text("a.b.example.org.", 60, "IN", "HTTPS", '1 . ipv4hint="10.0.0.1"'))
WIRE = WHOLE.to_wire()


@given(st.lists(st.tuples(st.integers(12, len(WIRE) - 1), st.integers(0, 255)), max_size=6))
def test_no_mutated_answer_makes_it_raise_or_lets_a_private_address_through(changes):
    data = bytearray(WIRE)
    for position, value in changes:
        data[position] = value
    found = message.read(bytes(data))
    if found is None:
        return
    clean = rebind.strip(found)
    for index, rtype in enumerate(clean.types):
        rdata = clean.body[clean.ttl_places[index] + 6 : clean.ends[index]]
        if rtype == wire.A and len(rdata) == 4:
            assert not rebind.is_private(rdata)

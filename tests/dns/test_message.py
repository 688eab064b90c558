from __future__ import annotations

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.upstream import answer
from tidegate.dns import message, wire

QUERY = dns.message.make_query("www.example.org", "A", use_edns=0, id=7).to_wire()
SOA = "ns. root. 1 2 3 4 30"
FULL = answer(QUERY, "60 A 192.0.2.1", "30 A 192.0.2.2")


def rendered(data, query, age=0, room=1232):
    found = message.read(data)
    return message.render(found, wire.parse(query), message.aged(found, age), room)


@pytest.mark.parametrize(
    ("records", "more", "ttl"),
    [
        (["60 A 192.0.2.1", "30 A 192.0.2.2"], {}, 30),
        ([], {"authority": [f"600 SOA {SOA}"]}, 30),
        ([], {"authority": [f"10 SOA {SOA}"], "rcode": 3}, 10),
        ([], {"rcode": 3}, 0),
        ([], {"rcode": 2}, 0),
        (["60 A 192.0.2.1"], {"truncated": True}, 0),
    ],
)
def test_an_answer_says_how_long_it_may_be_kept(records, more, ttl):
    assert message.read(answer(QUERY, *records, **more)).lifetime == ttl


@pytest.mark.parametrize("cut", range(1, len(FULL)))
def test_a_cut_answer_is_refused(cut):
    assert message.read(FULL[:cut]) is None


def test_a_query_is_no_answer():
    assert message.read(QUERY) is None


def test_the_reply_counts_ttls_down_and_carries_our_own_opt():
    reply = dns.message.from_wire(rendered(FULL, QUERY, age=10))
    assert sorted(rrset.ttl for rrset in reply.answer) in ([20], [20, 50])
    assert (reply.id, reply.payload) == (7, 1232)


def test_a_stale_answer_has_one_ttl_for_all():
    found = message.read(FULL)
    reply = dns.message.from_wire(message.render(found, wire.parse(QUERY), message.lasting(found, 30), 1232, 3))
    assert {rrset.ttl for rrset in reply.answer} == {30}
    assert [option.code for option in reply.options] == [3]


def test_records_of_all_sections_are_counted_and_the_opt_record_is_not():
    reply = dns.message.make_response(dns.message.make_query("www.example.org", "A", use_edns=0, id=7))
    for section, text in (
        (reply.answer, "A 192.0.2.1"),
        (reply.authority, "NS ns."),
        (reply.additional, "A 192.0.2.9"),
    ):
        section.append(dns.rrset.from_text("www.example.org.", 60, "IN", *text.split()))
    assert message.read(reply.to_wire()).counts == (1, 1, 1)


def test_without_edns_asked_there_is_no_opt():
    plain = wire.parse(dns.message.make_query("www.example.org", "A", id=7).to_wire())
    assert dns.message.from_wire(message.render(message.read(FULL), plain, message.read(FULL).body, 512)).edns == -1


def test_a_long_answer_is_cut_whole_and_says_so():
    many = answer(QUERY, *(f"60 A 192.0.2.{n}" for n in range(100)))
    data = rendered(many, QUERY, room=512)
    reply = dns.message.from_wire(data)
    assert len(data) <= 512
    assert reply.flags & 0x0200
    assert 20 < len(reply.answer[0]) < 100


def test_the_question_is_repeated_as_this_asker_wrote_it():
    mixed = QUERY.replace(b"www", b"WwW")
    assert b"WwW" in rendered(FULL, mixed)


@given(st.lists(st.tuples(st.integers(0, len(FULL) - 1), st.integers(0, 255)), max_size=6))
def test_no_mutated_answer_makes_the_reader_raise(changes):
    data = bytearray(FULL)
    for position, value in changes:
        data[position] = value
    found = message.read(bytes(data))
    if found is not None:
        message.render(found, wire.parse(QUERY), message.aged(found, 5), 512)

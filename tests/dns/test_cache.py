from __future__ import annotations

import dns.edns
import dns.message
import pytest

from tests.support.dns import LOCAL, STRANGER, zone_of
from tests.support.upstream import answer
from tidegate.dns import message, wire
from tidegate.dns.cache import MAX_NEGATIVE_TTL, MAX_TTL, OVERHEAD, STALE_SECONDS, Cache, key_of
from tidegate.dns.record import packed

PLENTY = 1 << 20
QUERY = dns.message.make_query("www.example.org", "A", use_edns=0, id=7).to_wire()
KEY = key_of(wire.parse(QUERY))
ASKER = zone_of().asker(packed("10.1.0.9"), LOCAL)
MANY = [f"60 A 192.0.2.{n}" for n in range(100)]


def of(*records, **more):
    return message.read(answer(QUERY, *records, **more))


def holding(*records, now=100.0, **more):
    cache = Cache(PLENTY)
    cache.put(KEY, of(*records, **more), now)
    return cache


def known(cache, now=100.0, shape=1):
    """The cache after its entry's name was seen to be foreign."""
    assert cache.fresh(KEY, now, shape)
    return cache


def recalled(cache, data=QUERY, now=101.0, shape=1, asker=ASKER):
    reply = cache.recall(data, asker, shape, now)
    return None if reply is None else dns.message.from_wire(reply)


def test_an_answer_is_kept_for_its_ttl_and_then_stale():
    cache = holding("60 A 192.0.2.1")
    assert cache.fresh(KEY, 159.5, 1)
    assert cache.fresh(KEY, 160.0, 1) is None
    assert cache.stale(KEY, 160.0)
    assert cache.stale(KEY, 160.0 + STALE_SECONDS) is None


def test_ttls_are_bounded_and_denials_closer():
    cache = holding("999999 A 192.0.2.1", now=0.0)
    assert cache.fresh(KEY, MAX_TTL - 1.0, 1)
    assert cache.fresh(KEY, MAX_TTL + 0.0, 1) is None
    cache.put(KEY, of(rcode=3, authority=["9999 SOA ns. root. 1 2 3 4 9999"]), 0.0)
    assert cache.fresh(KEY, MAX_NEGATIVE_TTL - 1.0, 1)
    assert cache.fresh(KEY, MAX_NEGATIVE_TTL + 0.0, 1) is None


@pytest.mark.parametrize("found", [of("0 A 192.0.2.1"), of(rcode=2), of(rcode=3), of("60 A 192.0.2.1", truncated=True)])
def test_what_must_not_be_kept_is_not(found):
    cache = Cache(PLENTY)
    cache.put(KEY, found, 0.0)
    assert len(cache) == 0


def test_a_known_answer_is_recalled_with_its_ttl_counted_down():
    cache = known(holding("60 A 192.0.2.1"))
    reply = recalled(cache, now=110.9)
    assert (reply.id, reply.answer[0].ttl, reply.answer[0][0].address, reply.payload) == (7, 50, "192.0.2.1", 1232)
    assert reply.flags == 0x8180
    assert recalled(cache, now=159.0).answer[0].ttl == 1
    assert recalled(cache, now=160.0) is None


def test_what_is_recalled_is_what_is_rendered():
    cache = known(holding("60 A 192.0.2.1"))
    for data in (QUERY, dns.message.make_query("wWw.example.org", "A", id=9).to_wire()):
        short = cache.recall(data, ASKER, 1, 105.0)
        assert short == cache.render(cache.fresh(KEY, 105.0, 1), wire.parse(data), 512, 105.0)


def test_a_name_is_recalled_only_in_the_zone_it_was_foreign_in():
    cache = holding("60 A 192.0.2.1")
    assert recalled(cache) is None
    known(cache, shape=1)
    assert recalled(cache, shape=1)
    assert recalled(cache, shape=2) is None


def test_an_answer_that_was_asked_for_is_recalled_in_the_zone_it_was_asked_in():
    cache = Cache(PLENTY)
    cache.put(KEY, of("60 A 192.0.2.1"), 100.0, 3)
    assert recalled(cache, shape=3)
    assert recalled(cache, shape=4) is None


def test_a_fresh_answer_is_known_as_its_forerunner_was():
    cache = known(holding("60 A 192.0.2.1"))
    cache.put(KEY, of("60 A 192.0.2.2"), 120.0)
    assert recalled(cache, now=121.0).answer[0][0].address == "192.0.2.2"


@pytest.mark.parametrize(
    "change",
    [
        {"use_edns": 0, "want_dnssec": True},
        {"rdtype": "AAAA"},
        {"rdclass": "CH"},
        {"flags": 0},
        {"flags": 0x0110},
        {"use_edns": 1},
        {"qname": "ww.example.org"},
    ],
    ids=str,
)
def test_another_question_is_not_recalled(change):
    cache = known(holding("60 A 192.0.2.1"))
    asked = {"qname": "www.example.org", "rdtype": "A", "use_edns": 0} | change
    assert recalled(cache, dns.message.make_query(**asked).to_wire()) is None


@pytest.mark.parametrize("cookies", [False, True])
def test_a_cookie_is_ignored_or_has_to_be_answered_and_other_options_are_ignored(cookies):
    cache = Cache(PLENTY, cookies=cookies)
    cache.put(KEY, of("60 A 192.0.2.1"), 100.0)
    known(cache)
    for code, data, found in ((10, b"12345678", not cookies), (12, b"padding", True), (10, b"odd", False)):
        option = dns.edns.GenericOption(code, data)
        query = dns.message.make_query("www.example.org", "A", use_edns=0, options=[option]).to_wire()
        assert bool(recalled(cache, query)) is found


def test_strangers_recall_nothing():
    cache = known(holding("60 A 192.0.2.1"))
    assert recalled(cache, asker=zone_of().asker(STRANGER, LOCAL)) is None


def test_a_type_is_not_taken_for_another_with_the_same_letters():
    https = dns.message.make_query("www.example.org", "TYPE65").to_wire()
    cache = Cache(PLENTY)
    found = message.read(answer(https, authority=["60 SOA ns. root. 1 2 3 4 60"]))
    cache.put(key_of(wire.parse(https)), found, 100.0)
    cache.fresh(key_of(wire.parse(https)), 100.0, 1)
    assert cache.recall(https, ASKER, 1, 101.0)
    assert cache.recall(https.replace(b"\x00\x41", b"\x00\x61"), ASKER, 1, 101.0) is None


def test_what_does_not_fit_is_not_recalled_but_by_a_stream():
    cache = known(holding(*MANY))
    assert recalled(cache) is None
    assert len(recalled(cache, asker=zone_of().asker(packed("10.1.0.9"), LOCAL, stream=True)).answer[0]) == 100


@pytest.mark.parametrize("cut", range(len(QUERY)))
def test_a_cut_query_is_not_recalled(cut):
    assert recalled(known(holding("60 A 192.0.2.1")), QUERY[:cut]) is None


def test_in_the_last_tenth_of_its_time_an_answer_is_due_once():
    cache = known(holding("60 A 192.0.2.1"))
    recalled(cache, now=153.0)
    assert cache.due == []
    recalled(cache, now=155.0)
    recalled(cache, now=156.0)
    assert cache.due == [KEY]
    cache.retry(KEY)
    recalled(cache, now=157.0)
    assert cache.due == [KEY, KEY]


def test_what_was_not_used_goes_first_and_the_size_is_kept():
    cache = Cache(3 * (OVERHEAD + 300))
    keys = [KEY.replace(b"www", name) for name in (b"aaa", b"bbb", b"ccc", b"ddd", b"eee")]
    for key in keys[:3]:
        cache.put(key, of("60 A 192.0.2.1"), 0.0)
    cache.stale(keys[0], 1.0)
    for key in keys[3:]:
        cache.put(key, of("60 A 192.0.2.1"), 1.0)
    assert cache.size <= 3 * (OVERHEAD + 300)
    assert cache.evicted == len(keys) - len(cache)
    assert cache.stale(keys[0], 1.0)
    assert cache.stale(keys[1], 1.0) is None
    cache.put(keys[4], of("60 A 192.0.2.9"), 2.0)
    before = cache.size
    cache.put(keys[4], of("60 A 192.0.2.9"), 3.0)
    assert cache.size == before

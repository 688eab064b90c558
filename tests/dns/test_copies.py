from __future__ import annotations

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.dns import LOCAL, STRANGER, zone_of
from tests.support.upstream import answer
from tidegate.dns import message, wire
from tidegate.dns.cache import OVERHEAD, Cache, key_of
from tidegate.dns.copies import Copies
from tidegate.dns.record import packed
from tidegate.dns.tally import Meter, Tallies

PLENTY = 1 << 20
SHAPE = 5
ASKER = zone_of().asker(packed("10.1.0.9"), LOCAL)


def query(name="www.example.org", qtype="A", *, use_edns=0, **more):
    return dns.message.make_query(name, qtype, use_edns=use_edns, id=7, **more).to_wire()


QUERY = query()


class Kept:
    """A cache with copies, its clock and the zone's shape."""

    def __init__(self, limit=PLENTY, size=PLENTY):
        self.meter = Meter()
        self.tallies = Tallies()
        self.copies = Copies(self.meter, self.tallies, size)
        self.cache = Cache(limit, self.copies)
        self.now = 100.0
        self.shape = SHAPE

    def put(self, data=QUERY, *records, **more):
        found = message.read(answer(data, *(records or ("60 A 192.0.2.1",)), **more))
        self.cache.put(key_of(wire.parse(data)), found, self.now)

    def recall(self, data=QUERY, asker=ASKER):
        """From the cache, by which it is copied."""
        self.cache.fresh(key_of(wire.parse(data)), self.now, self.shape)
        return self.cache.recall(data, asker, self.shape, self.now)

    def copied(self, data=QUERY, asker=ASKER):
        """From the copies: empty where they have none, None where they take no such query."""
        self.copies.turn(self.shape, self.now)
        return self.copies.answer(data, asker)

    def ttl(self, data=QUERY):
        return dns.message.from_wire(self.copied(data)).answer[0].ttl


@pytest.fixture
def kept():
    made = Kept()
    made.put()
    assert made.recall()
    return made


def test_what_is_recalled_is_copied_and_not_before():
    kept = Kept()
    kept.put()
    assert kept.copied() == b""
    assert kept.recall() == kept.copied()


def test_ttls_count_down_as_in_the_cache(kept):
    for seconds in (0.5, 1.0, 9.9, 53.0):
        kept.now = 100.0 + seconds
        assert kept.copied() == kept.recall()
        assert kept.ttl() == 60 - int(seconds)


def test_each_record_has_a_ttl_of_its_own_and_none_goes_below_zero():
    kept = Kept()
    kept.put(QUERY, "99 CNAME a.example.org.", "20 A 192.0.2.1", authority=["5000 NS b.example.org."])
    kept.recall()
    kept.now += 17.0
    assert kept.copied() == kept.recall()
    reply = dns.message.from_wire(kept.copied())
    assert [each.ttl for each in (*reply.answer, *reply.authority)] == [82, 3, 4983]


def test_a_ttl_that_is_none_is_0():
    kept = Kept()
    data = answer(QUERY, rcode=3, authority=["60 SOA ns. root. 1 2 3 4 60", "61 NS b.example.org."])
    data = data.replace((61).to_bytes(4), b"\xff" * 4)
    kept.cache.put(key_of(wire.parse(QUERY)), message.read(data), kept.now)
    kept.recall()
    assert [each.ttl for each in dns.message.from_wire(kept.copied()).authority] == [60, 0]


def test_in_the_last_tenth_of_its_time_the_cache_is_asked_which_fetches_a_fresh_answer(kept):
    kept.now = 154.1
    assert kept.copied() == b""
    assert kept.recall()
    assert kept.cache.due == [key_of(wire.parse(QUERY))]
    assert kept.copied() == b""
    kept.put(QUERY, "60 A 192.0.2.2")
    kept.recall()
    assert kept.ttl() == 60
    assert b"\xc0\x00\x02\x02" in kept.copied()


def test_what_has_expired_is_not_said(kept):
    kept.now = 160.0
    assert kept.copied() == b""
    assert kept.recall() is None


def test_a_fresh_answer_takes_the_place_of_the_old_at_once(kept):
    kept.put(QUERY, "60 A 192.0.2.2")
    assert kept.copied() == b""
    kept.recall()
    assert b"\xc0\x00\x02\x02" in kept.copied()
    for records in (["60 A 192.0.2.3", "60 A 192.0.2.4"], ["60 TXT hello"]):
        kept.put(QUERY, *records)
        kept.recall()
        assert kept.copied() == kept.recall()
    kept.put(QUERY, rcode=3, authority=["60 SOA ns. root. 1 2 3 4 60"])
    kept.recall()
    assert dns.message.from_wire(kept.copied()).rcode() == 3


def test_a_fresh_answer_of_the_same_size_takes_no_more_room():
    kept = Kept(size=512)
    other = query("other.example.org")
    kept.put(other)
    kept.recall(other)
    for _ in range(20):
        kept.put()
        kept.recall()
        assert kept.copied()
        assert kept.copied(other)


def test_a_name_that_may_be_ours_by_now_is_not_said(kept):
    kept.shape = SHAPE + 1
    assert kept.copied() == b""
    kept.recall()
    assert kept.copied()
    kept.shape = SHAPE
    assert kept.copied() == b""


def test_do_and_cd_keep_answers_apart():
    kept = Kept()
    asked = {
        (do, flags): query(want_dnssec=do, flags=flags, use_edns=0) for do in (False, True) for flags in (0x100, 0x110)
    }
    for number, data in enumerate(asked.values()):
        kept.put(data, f"60 A 192.0.2.{number}")
        kept.recall(data)
    for number, data in enumerate(asked.values()):
        assert bytes((192, 0, 2, number)) in kept.copied(data)
        assert kept.copied(data) == kept.recall(data)


def test_the_case_of_the_question_and_its_edns_are_the_asker_s(kept):
    for data in (query("wWw.Example.ORG"), query(use_edns=False), query(payload=600)):
        assert kept.copied(data) == kept.recall(data)
        assert dns.message.from_wire(data).is_response(dns.message.from_wire(kept.copied(data)))


@pytest.mark.parametrize(
    "change",
    [{"rdtype": "AAAA"}, {"rdclass": "CH"}, {"flags": 0}, {"use_edns": 1}, {"qname": "ww.example.org"}],
    ids=str,
)
def test_another_question_gets_nothing(kept, change):
    asked = {"qname": "www.example.org", "rdtype": "A", "use_edns": 0} | change
    assert not kept.copied(dns.message.make_query(**asked).to_wire())


def test_strangers_get_nothing(kept):
    assert kept.copied(asker=zone_of().asker(STRANGER, LOCAL)) is None


def test_what_does_not_fit_the_asker_is_for_others():
    kept = Kept()
    kept.put(QUERY, *(f"60 A 192.0.2.{number}" for number in range(50)))
    kept.recall()
    assert kept.copied() == kept.recall()
    assert kept.copied(query(use_edns=False)) is None


def test_what_is_too_large_is_not_copied():
    kept = Kept()
    kept.put(QUERY, *(f"60 A 192.0.2.{number}" for number in range(200)))
    assert kept.recall(asker=zone_of().asker(packed("10.1.0.9"), LOCAL, stream=True))
    assert kept.copied() == b""


def test_an_answer_with_an_extended_error_of_ours_is_not_copied():
    kept = Kept()
    found = message.read(answer(QUERY, "60 A 192.0.2.1"))
    found.ede = wire.EDE_BLOCKED
    kept.cache.put(key_of(wire.parse(QUERY)), found, kept.now)
    assert kept.recall() is None
    assert kept.copied() == b""


def test_every_reply_is_counted(kept):
    for data in (QUERY, query(use_edns=False), query(want_dnssec=True)):
        kept.copied(data)
    assert kept.copies.hits == 2
    assert kept.tallies.of(wire.A, wire.NOERROR).lanes() == (2, 0, 0, 0)
    assert sum(kept.meter.replies.counts()) == 2


def test_what_was_given_from_here_is_used_and_what_the_cache_drops_is_gone_here():
    kept = Kept(limit=3 * (OVERHEAD + 300))
    names = [query(f"{letter}.example.org") for letter in "abcdef"]
    for data in names[:3]:
        kept.put(data)
        kept.recall(data)
    kept.put(names[3])  # the other three were asked for: they lose their marks, and it goes itself
    assert kept.cache.evicted == 1
    assert kept.copied(names[1])
    kept.put(names[4])
    assert kept.copied(names[0]) == b""
    assert kept.copied(names[1])
    kept.put(names[5])
    assert kept.copied(names[1])
    assert kept.copied(names[2]) == b""


def test_full_pages_start_anew_and_nothing_wrong_is_said():
    kept = Kept(size=4096)
    for number in range(200):
        data = query(f"s{number}.example.org")
        kept.put(data, f"60 A 192.0.2.{number}")
        kept.recall(data)
        assert kept.copied(data) == kept.recall(data)
    for number in range(200):
        found = kept.copied(query(f"s{number}.example.org"))
        assert found == b"" or bytes((192, 0, 2, number)) in found


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(QUERY) - 1), st.integers(0, 255)), max_size=4), st.integers(0, len(QUERY)))
def test_a_changed_packet_gets_what_the_cache_says_or_nothing(changes, cut):
    kept = Kept()
    kept.put()
    kept.recall()
    data = bytearray(QUERY)
    for place, octet in changes:
        data[place] = octet
    data = bytes(data[: len(data) - cut if cut < 3 else len(data)])
    found = kept.copied(data)
    assert not found or found == kept.cache.recall(data, ASKER, kept.shape, kept.now)


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "recall", "age", "shape"]), st.integers(0, 5), st.integers(0, 40)), max_size=60
)


@settings(deadline=None)
@given(STEPS, st.sampled_from([1024, 4096]), st.sampled_from([3000, PLENTY]))
def test_whatever_happens_the_copies_say_what_the_cache_says(steps, size, limit):
    kept = Kept(limit=limit, size=size)
    asked = [query(f"s{number}.example.org") for number in range(6)]
    for what, number, amount in steps:
        if what == "put":
            kept.put(asked[number], *(f"{20 + amount} A 192.0.2.{n}" for n in range(1 + amount % 3)))
        elif what == "recall":
            kept.recall(asked[number])
        elif what == "age":
            kept.now += amount / 4
        else:
            kept.shape += 1
        for data in asked:
            found = kept.copied(data)
            assert not found or found == kept.cache.recall(data, ASKER, kept.shape, kept.now)

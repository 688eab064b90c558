from __future__ import annotations

import dns.message

from tests.support.upstream import answer
from tidegate.dns import message
from tidegate.dns.cache import MAX_NEGATIVE_TTL, MAX_TTL, Cache

QUERY = dns.message.make_query("www.example.org", "A").to_wire()
KEY = (b"q", False, False)


def of(*records, **more):
    return message.read(answer(QUERY, *records, **more))


def test_an_answer_is_kept_for_its_ttl_and_ages():
    cache = Cache()
    kept = of("60 A 192.0.2.1")
    cache.put(KEY, kept, 100.0)
    assert cache.get(KEY, 159.5) == (kept, 59)
    assert cache.get(KEY, 160.0) is None
    assert len(cache) == 0


def test_ttls_are_bounded_and_denials_closer():
    cache = Cache()
    cache.put(KEY, of("999999 A 192.0.2.1"), 0.0)
    assert cache.get(KEY, MAX_TTL + 0.0) is None
    cache.put(KEY, of(rcode=3, authority=["9999 SOA ns. root. 1 2 3 4 9999"]), 0.0)
    assert cache.get(KEY, MAX_NEGATIVE_TTL - 1.0)
    assert cache.get(KEY, MAX_NEGATIVE_TTL + 0.0) is None


def test_what_must_not_be_kept_is_not():
    cache = Cache()
    for found in (of("0 A 192.0.2.1"), of(rcode=2), of(rcode=3), of("60 A 192.0.2.1", truncated=True)):
        cache.put(KEY, found, 0.0)
    assert len(cache) == 0


def test_the_least_recently_used_goes_first():
    cache = Cache(limit=2)
    for name in (b"a", b"b"):
        cache.put((name, False, False), of("60 A 192.0.2.1"), 0.0)
    cache.get((b"a", False, False), 1.0)
    cache.put((b"c", False, False), of("60 A 192.0.2.1"), 1.0)
    assert cache.get((b"b", False, False), 1.0) is None
    assert cache.get((b"a", False, False), 1.0)

from __future__ import annotations

import pytest

from tidegate.dns.cookie import Jar
from tidegate.dns.record import packed

FIRST = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
THIRD = bytes.fromhex("445536bcd2513298075a5d379663c962")
V4, OTHER, V6 = packed("198.51.100.100"), packed("203.0.113.203"), packed("2001:db8:220:1:59de:d0f4:8769:82b8")

# RFC 9018, appendix A: key, source, time, what the client sent, what it gets.
PUBLISHED = {
    "first": (FIRST, V4, 1559731985, "2464c4abcf10c957", "2464c4abcf10c957010000005cf79f111f8130c3eee29480"),
    "renewed": (
        FIRST,
        V4,
        1559734385,
        "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
        "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
    ),
    "reserved octets": (
        FIRST,
        OTHER,
        1559734700,
        "fc93fc62807ddb860100abcd5cf78f71a314227b6679ebf5",
        "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
    ),
    "rolled key, IPv6": (
        THIRD,
        V6,
        1559741961,
        "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
        "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
    ),
}


def full(jar, cookie, source):
    return jar.option(cookie, source)[4:]


@pytest.mark.parametrize("case", PUBLISHED.values(), ids=PUBLISHED)
def test_cookies_are_those_of_the_standard(case):
    key, source, now, sent, wanted = case
    assert full(Jar(key, now), bytes.fromhex(sent), source).hex() == wanted


@pytest.fixture
def jar():
    return Jar(FIRST, 1_800_000_000)


@pytest.fixture
def cookie(jar):
    return full(jar, b"abcdefgh", V4)


@pytest.mark.parametrize(
    ("passed", "is_ours", "is_kept"),
    [(0, True, True), (1800, True, True), (1801, True, False), (3600, True, False), (3601, False, False),
     (-300, True, True), (-301, False, False)],
)  # fmt: skip
def test_a_cookie_is_renewed_after_half_an_hour_and_void_after_one(jar, cookie, passed, is_ours, is_kept):
    jar.now += passed
    assert jar.is_ours(cookie, V4) is is_ours
    assert (full(jar, cookie, V4) == cookie) is is_kept
    assert jar.is_ours(full(jar, cookie, V4), V4)


def test_time_may_wrap(jar):
    jar.now = 0xFFFFFFFF
    cookie = full(jar, b"abcdefgh", V4)
    jar.now = 0x100000000 + 10
    assert jar.is_ours(cookie, V4)
    assert jar.is_ours(full(jar, b"abcdefgh", V4), V4)


def test_a_cookie_is_worth_nothing_elsewhere_changed_or_under_another_key(jar, cookie):
    assert not jar.is_ours(cookie, OTHER)
    assert not Jar(THIRD, jar.now).is_ours(cookie, V4)
    for at in range(len(cookie)):
        assert not jar.is_ours(cookie[:at] + bytes((cookie[at] ^ 1,)) + cookie[at + 1 :], V4)


@pytest.mark.parametrize("size", [8, 16, 23, 25, 40])
def test_a_cookie_of_another_size_is_answered_with_a_full_one(jar, cookie, size):
    sent = (cookie + bytes(40))[:size]
    assert not jar.is_ours(sent, V4)
    assert full(jar, sent, V4) == cookie


@pytest.mark.parametrize("do", [False, True])
def test_the_whole_record_is_an_opt_record_with_the_option(jar, cookie, do):
    record = jar.record(b"abcdefgh", V4, do)
    assert record == b"\0\0\x29\x04\xd0\0\0" + (b"\x80" if do else b"\0") + b"\0\0\x1c\0\x0a\0\x18" + cookie

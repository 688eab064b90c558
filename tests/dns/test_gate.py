from __future__ import annotations

import dns.message
import pytest

from tests.support.dns import LOCAL, STRANGER, name, target, zone_of
from tidegate.dns.cookie import Jar
from tidegate.dns.gate import SILENCE, Gate
from tidegate.dns.rate import Rates
from tidegate.dns.wire import option_record, parse

RATE = 50
JAR = Jar(bytes(16), 1_800_000_000)
PLAIN = dns.message.make_query("web.mesh.test", "A", use_edns=False).to_wire()


def with_cookie(cookie):
    option = b"\0\x0a" + len(cookie).to_bytes(2) + cookie
    return PLAIN[:11] + b"\1" + PLAIN[12:] + option_record(do=False, options=option)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gate(clock):
    return Gate(Rates(RATE), JAR, clock)


@pytest.fixture
def zone():
    return zone_of(name("web", *(target(f"{n}.web", f"10.1.0.{n}") for n in range(1, 31))))


@pytest.fixture
def asker(zone):
    return zone.asker(STRANGER, LOCAL)


def test_up_to_the_rate_everything_passes(gate, asker):
    assert [gate.held(PLAIN, asker) for _ in range(RATE)] == [None] * RATE
    assert not gate.counts


def test_above_the_rate_every_second_query_is_told_to_come_by_tcp(gate, asker):
    held = [gate.held(PLAIN, asker) for _ in range(RATE + 4)][RATE:]
    assert held[0] == held[2] == SILENCE
    reply = dns.message.from_wire(held[1])
    assert (reply.flags & 0x8200, reply.rcode(), reply.answer) == (0x8200, 0, [])
    assert len(held[1]) <= len(PLAIN)
    assert gate.counts == {"dropped": 2, "truncated": 2}


def test_a_client_of_cookies_is_told_to_come_back_with_one_and_then_passes(gate, asker):
    held = [gate.held(with_cookie(b"abcdefgh"), asker) for _ in range(RATE + 2)][-1]
    reply = dns.message.from_wire(held)
    assert reply.rcode().name == "BADCOOKIE"
    cookie = held[-24:]
    assert [gate.held(with_cookie(cookie), asker) for _ in range(100)] == [None] * 100
    assert gate.held(with_cookie(cookie[:-1] + b"\0"), asker) == SILENCE
    assert gate.counts["proven"] == 100


@pytest.mark.parametrize("data", [PLAIN[:20], PLAIN[:3] + b"\x80" + PLAIN[4:5] + b"\2" + PLAIN[6:]])
def test_what_is_malformed_is_not_told_anything(gate, asker, data):
    for _ in range(RATE):
        gate.held(PLAIN, asker)
    assert [gate.held(data, asker) for _ in range(4)] == [SILENCE] * 4


def test_what_must_never_be_answered_is_none_of_its_business(gate, asker):
    answer = PLAIN[:2] + b"\x81" + PLAIN[3:]
    assert {gate.held(answer, asker) for _ in range(RATE * 2)} == {None}


@pytest.mark.parametrize("query", [PLAIN, with_cookie(b"abcdefgh")])
def test_a_flood_gets_fewer_octets_than_it_sends(gate, asker, zone, clock, query):
    """10 000 queries a second for three seconds, asked where the answers are some twelve times as long as the questions."""
    received = 0
    zone.resolve(parse(query), asker)
    for _ in range(30_000):
        clock.now += 1e-4
        held = gate.held(query, asker)
        received += len(zone.answer(query, asker) if held is None else held)
    assert received <= 30_000 * len(query)

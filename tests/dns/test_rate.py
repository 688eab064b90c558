from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.dns.rate import Rates
from tidegate.dns.record import packed


def passed(rates, source, now, count):
    return sum(rates.admits(packed(source), now) for _ in range(count))


def test_a_second_s_worth_passes_at_once_and_then_the_rate():
    rates = Rates(10)
    assert passed(rates, "198.51.100.1", 0.0, 100) == 10
    assert passed(rates, "198.51.100.1", 0.55, 100) == 5
    assert passed(rates, "198.51.100.1", 60.0, 100) == 10


@pytest.mark.parametrize(
    ("one", "other", "is_shared"),
    [
        ("198.51.100.1", "198.51.100.254", True),
        ("198.51.100.1", "198.51.101.1", False),
        ("2001:db8:0:aa00::1", "2001:db8:0:aaff::1", True),
        ("2001:db8:0:aa00::1", "2001:db8:0:ab00::1", False),
    ],
)
def test_a_24_and_a_56_share_what_they_get(one, other, is_shared):
    rates = Rates(5)
    assert passed(rates, one, 0.0, 5) == 5
    assert passed(rates, other, 0.0, 5) == (0 if is_shared else 5)


def test_every_second_query_above_the_rate_is_told():
    rates = Rates(1)
    assert [rates.slips(packed("198.51.100.1"), 0.0) for _ in range(6)] == [False, True] * 3


def test_as_many_networks_as_one_likes_take_no_more_memory():
    rates = Rates(1, limit=100)
    for number in range(1000):
        rates.admits(bytes((number >> 8, number & 255, 0, 1)), 0.0)
    assert len(rates) == 100


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200), st.integers(1, 20))
def test_never_more_than_the_rate_and_one_burst_pass(waits, per_second):
    rates, now, count = Rates(per_second), 0.0, 0
    for wait in waits:
        now += wait
        count += rates.admits(b"\xc6\x33\x64\x07", now)
    assert count <= per_second * (now + 1) + 1e-6

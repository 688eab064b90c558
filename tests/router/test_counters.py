from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.counts import columns_of
from tidegate.router.counters import BUCKETS_US, Counters, bucket

BUCKETS = len(BUCKETS_US) + 1
large = st.integers(0, 10**12)
exchanges = st.tuples(
    st.integers(100, 599), large, large, large, st.integers(0, BUCKETS - 1), large, st.integers(-1, BUCKETS - 1)
)


@given(st.lists(st.lists(exchanges, max_size=5), max_size=5))
def test_what_is_taken_in_turns_sums_to_what_was_added(turns):
    counters = Counters()
    taken = []
    for turn in turns:
        for one in turn:
            counters.add(*one)
        if part := columns_of(counters.take()):
            taken.append(part)
        assert counters.take() == b""
    flat = [one for turn in turns for one in turn]
    total = [sum(column) for column in zip(*taken, strict=True)] or [0] * (9 + 6 + 2 * BUCKETS)
    assert total[0] == len(flat)
    assert total[1:4] == [sum(one[at] for one in flat) for at in (1, 2, 3)]
    assert total[4] == sum(one[5] for one in flat if one[6] >= 0)
    assert total[9:15] == [sum(one[0] // 100 == kind for one in flat) for kind in range(6)]
    assert total[15::2] == [sum(one[4] == at for one in flat) for at in range(BUCKETS)]
    assert total[16::2] == [sum(one[6] == at for one in flat) for at in range(BUCKETS)]


@pytest.mark.parametrize(
    ("microseconds", "index"),
    [
        (0, 0),
        (500, 0),
        (501, 1),
        (1000, 1),
        (60_000_000, BUCKETS - 2),
        (60_000_001, BUCKETS - 1),
        (10**15, BUCKETS - 1),
    ],
)
def test_a_duration_falls_into_the_first_bucket_that_holds_it(microseconds, index):
    assert bucket(microseconds) == index


def test_nothing_added_is_nothing_to_take():
    assert Counters().take() == b""


def test_what_is_counted_beside_goes_out_with_the_next_exchange():
    counters = Counters()
    counters.opened += 1
    assert counters.take() == b""
    counters.add(200, 0, 0, 1, 0, 1, 0)
    counters.retries += 2
    assert columns_of(counters.take())[5:9] == [2, 0, 0, 1]


def test_who_counts_first_after_a_report_is_on_the_ledger_once():
    ledger = []
    counters = Counters("route", ("a.test/",), ledger)
    for _ in range(3):
        counters.add(200, 0, 0, 1, 0, 1, 0)
    assert ledger == [counters]

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidegate.router.counters import BUCKETS_US, Counters

exchanges = st.tuples(st.integers(100, 599), st.integers(0, 10**9), st.integers(0, 10**12), st.integers(0, 10**12))


@given(st.lists(st.lists(exchanges, max_size=5), max_size=5))
def test_what_is_taken_in_turns_sums_to_what_was_added(turns):
    counters = Counters()
    taken = []
    for turn in turns:
        for status, duration, received, sent in turn:
            counters.add(status, duration, received, sent)
        if (part := counters.take()) is not None:
            taken.append(part)
        assert counters.take() is None
    flat = [one for turn in turns for one in turn]
    total = [sum(column) for column in zip(*taken, strict=True)] or [0] * (10 + len(BUCKETS_US) + 1)
    assert total[0] == len(flat)
    assert total[1:4] == [sum(one[at] for one in flat) for at in (2, 3, 1)]
    assert total[4:10] == [sum(one[0] // 100 == kind for one in flat) for kind in range(6)]
    assert sum(total[10:]) == len(flat)


def test_a_duration_falls_into_the_first_bucket_that_holds_it():
    counters = Counters()
    for duration in (0, 500, 501, 60_000_000, 60_000_001):
        counters.add(200, duration, 0, 0)
    assert counters.buckets[0] == 2
    assert counters.buckets[1] == 1
    assert counters.buckets[-2:] == [1, 1]


def test_nothing_added_is_nothing_to_take():
    assert Counters().take() is None

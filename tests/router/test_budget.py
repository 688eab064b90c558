from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.router.budget import Budget


def run(budget, seconds, per_second, asked, start=1000.0, requests=0):
    """Every request of so many a second asks for `asked` retries; (requests, retries granted in each second)."""
    granted = []
    for second in range(seconds):
        count = 0
        for at in range(per_second):
            requests += 1
            for _ in range(asked):
                count += budget.grant(start + second + at / per_second, requests)
        granted.append(count)
    return requests, granted


def test_a_storm_is_held_to_the_share():
    _, granted = run(Budget(20, 0.0), 30, 100, 1)
    assert all(sum(granted[at : at + 10]) <= 0.21 * 1000 for at in range(20))
    assert sum(granted[10:]) >= 0.19 * 2000


def test_a_quiet_service_may_always_retry_a_little():
    _, granted = run(Budget(20, 10.0), 10, 5, 1)
    assert granted == [5] * 10


def test_the_floor_is_not_added_to_the_share():
    _, granted = run(Budget(20, 10.0), 30, 100, 1)
    assert all(sum(granted[at : at + 10]) <= 0.21 * 1000 for at in range(10, 20))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 50), st.floats(0.0, 20.0), st.integers(1, 200), st.integers(1, 3))
def test_no_window_grants_more_than_share_and_floor(percent, floor, rate, asked):
    _, granted = run(Budget(percent, floor), 15, rate, asked)
    for at in range(6):
        window = sum(granted[at : at + 10])
        assert window <= max(percent / 100 * rate * 11, floor * 10) + max(1.0, floor) + 1


def test_a_long_silence_counts_by_rate_not_by_sum():
    budget = Budget(20, 0.0)
    assert not budget.grant(100_000.0, 10_000)  # 10 000 requests in a day are one in ten seconds
    _, granted = run(budget, 10, 100, 1, start=100_001.0, requests=10_000)
    assert sum(granted) <= 0.2 * 1000


def test_what_is_refused_is_counted():
    budget = Budget(0, 0.0)
    assert not budget.grant(5.0, 100)
    assert budget.exhausted == 1

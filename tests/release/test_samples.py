from __future__ import annotations

import random
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tidegate.control.metrics import BUCKETS
from tidegate.release.samples import (
    LIKELY,
    Counts,
    Slice,
    Window,
    Z,
    above,
    at_most_more,
    deviations,
    mean,
    quantile_bound,
    spread,
    student,
    summed,
    surely_slower,
    variance,
    wilson,
)


def timed(*seconds):
    """One side's counts of requests that took so long."""
    buckets = [0] * (len(BUCKETS) + 1)
    for each in seconds:
        buckets[bisect_left(BUCKETS, each)] += 1
    return Counts(requests=len(seconds), answered_us=round(sum(seconds) * 1e6), buckets=tuple(buckets))


@given(some.integers(1, 2000), some.data())
def test_the_ends_of_the_interval_are_the_shares_that_lie_just_so_far_from_what_was_seen(total, data):
    hits = data.draw(some.integers(0, total))
    for share in wilson(hits, total):
        far = abs(hits / total - share)  # Wilson (1927): so many standard deviations of the share itself
        assert far**2 == pytest.approx(Z * Z * share * (1 - share) / total, abs=1e-12)


def test_nothing_says_nothing_and_fifty_of_fifty_not_everything():
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(50, 50, LIKELY) == pytest.approx((0.9286, 1.0), abs=1e-4)


@given(some.integers(0, 500), some.integers(0, 500))
def test_the_interval_holds_the_share_and_lies_within_all_and_nothing(hits, more):
    total = hits + more
    low, high = wilson(hits, total)
    assert 0.0 <= low <= high <= 1.0
    assert not total or low <= hits / total + 1e-12
    assert not total or hits / total <= high + 1e-12


def test_the_interval_of_a_difference_is_newcombes():
    # R. G. Newcombe, Statistics in Medicine 17 (1998) 873: 56/70 - 48/80 lies between 0.0524 and 0.3339.
    assert at_most_more((56, 70), (48, 80), LIKELY) == pytest.approx(0.3339, abs=5e-5)
    assert -at_most_more((48, 80), (56, 70), LIKELY) == pytest.approx(0.0524, abs=5e-5)


def test_a_quantile_is_known_to_its_bucket():
    counts = timed(*[0.02] * 98, 0.07, 0.3)
    assert quantile_bound(counts, BUCKETS, 0.5) == 0.025
    assert quantile_bound(counts, BUCKETS, 0.98) == 0.025
    assert quantile_bound(counts, BUCKETS, 0.99) == 0.1
    assert quantile_bound(counts, BUCKETS, 1.0) == 0.5
    assert quantile_bound(timed(100.0), BUCKETS, 0.99) == float("inf")


def test_who_took_longer_than_a_bound_is_counted():
    counts = timed(0.02, 0.025, 0.026, 0.3, 100.0)
    assert [above(counts, BUCKETS, bound) for bound in (0.01, 0.025, 0.25, 60.0)] == [5, 3, 2, 1]


@given(some.lists(some.floats(0.00001, 90.0), min_size=1, max_size=60))
def test_the_variance_is_never_below_the_true_one(seconds):
    counts = timed(*seconds)
    middle = sum(seconds) / len(seconds)
    true = sum((each - middle) ** 2 for each in seconds) / len(seconds)
    assert mean(counts) == pytest.approx(middle, abs=1e-6)
    assert variance(counts, BUCKETS) >= true * (1 - 1e-6) - 1e-4 * max(seconds)  # sums are whole microseconds


def test_the_variance_of_one_bucket_is_bounded_by_where_its_mean_lies():
    low, high = 0.010, 0.025
    assert variance(timed(*[0.011] * 100), BUCKETS) == pytest.approx((high - 0.011) * (0.011 - low), rel=1e-6)
    assert variance(timed(*[0.025] * 100), BUCKETS) == pytest.approx(0.0, abs=1e-9)


def test_twice_the_time_within_one_bucket_is_noticed():
    assert surely_slower(timed(*[0.022] * 50), timed(*[0.011] * 50), BUCKETS, 1.5)
    assert not surely_slower(timed(*[0.016] * 50), timed(*[0.011] * 50), BUCKETS, 1.5)


def test_one_outlier_makes_nobody_slow():
    assert not surely_slower(timed(*[0.011] * 99, 55.0), timed(*[0.011] * 1000), BUCKETS, 1.5)


def test_without_requests_nobody_is_slower():
    assert not surely_slower(Counts(), timed(0.1), BUCKETS, 1.5)
    assert not surely_slower(timed(0.1), Counts(), BUCKETS, 1.5)


def test_two_sides_of_the_same_kind_are_hardly_ever_told_apart():
    dice = random.Random(7)

    def some_requests(number):
        return timed(*[dice.lognormvariate(-4.0, 1.0) for _ in range(number)])

    alarms = sum(surely_slower(some_requests(60), some_requests(600), BUCKETS, 1.5) for _ in range(400))
    assert alarms <= 8  # 2 %: the margin of 1.5 leaves less than the confidence alone would


@pytest.mark.parametrize(
    ("stable", "reference", "found"),
    [
        (100, None, (100, "stable")),
        (100, 900, (100, "stable")),
        (3, 900, (900, "stable before")),
        (3, 4, (None, "")),
        (3, None, (None, "")),
    ],
)
def test_the_candidate_is_compared_with_who_has_enough_requests(stable, reference, found):
    before = None if reference is None else Counts(requests=reference)
    side, called = Window(bounds=BUCKETS, stable=Counts(requests=stable), reference=before).compared(50)
    assert (side and side.requests, called) == found


def test_parts_are_summed_also_where_some_have_no_histogram():
    parts = (timed(0.01, 0.2), Counts(), Counts(requests=3, failures=2, refusals=1))
    assert summed(parts) == Counts(
        requests=5, failures=2, refusals=1, answered_us=210_000, buckets=timed(0.01, 0.2).buckets
    )
    assert summed(()) == Counts()


def test_a_settled_window_is_the_sum_of_its_slices():
    parts = (Slice(candidate=timed(0.01), stable=timed(0.02, 0.02)), Slice(candidate=timed(0.03)))
    settled = Window(bounds=BUCKETS, seconds=9.0, candidate=timed(0.5), reference=timed(0.7), slices=parts).settled
    assert (settled.candidate, settled.stable) == (timed(0.01, 0.03), timed(0.02, 0.02))
    assert (settled.seconds, settled.reference) == (9.0, timed(0.7))


@pytest.mark.parametrize(("freedom", "known"), [(2, 4.303), (3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042)])
def test_students_quantiles_are_those_of_the_tables(freedom, known):
    assert student(freedom) == pytest.approx(known, rel=0.035)


def test_what_moves_a_ratio_adds_up_to_nothing():
    moves = deviations([(3.0, 10), (1.0, 30), (0.0, 0)])
    assert sum(moves) == pytest.approx(0.0)
    assert moves == pytest.approx([0.05, -0.05, 0.0])
    assert deviations([(0.0, 0), (0.0, 0)]) == [0.0, 0.0]


def test_an_interval_by_slices_holds_the_truth_where_requests_are_slow_together():
    """Each slice has a mean of its own; 19 of 20 intervals shall hold that of all."""
    dice, held = random.Random(3), 0
    for _ in range(400):
        parts = []
        for _ in range(8):
            own = dice.gauss(1.0, 0.3)
            parts.append((sum(dice.gauss(own, 0.1) for _ in range(20)), 20))
        ratio = sum(total for total, _ in parts) / sum(number for _, number in parts)
        held += abs(ratio - 1.0) <= spread(deviations(parts))
    assert held >= 366

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.cli.rates import ordered, percentile, rates

BOUNDS = [0.001, 0.01, 0.1, 1.0]


def row(version="v1", requests=0, buckets=(), kind="service", service="web", **more):
    counts = list(buckets) or ([requests, 0, 0, 0, 0] if requests else [])
    fields = {"statuses": {"2xx": requests}, "duration_buckets": counts, "in_flight": 0, "weight": 100, "state": "1/1"}
    return {"kind": kind, "service": service, "version": version, "requests": requests, **fields, **more}


def look(at, *rows):
    return {"at": at, "bounds_seconds": BOUNDS, "rows": list(rows)}


def test_a_rate_is_what_was_added_over_the_time_between():
    before = look(10.0, row(requests=100))
    after = look(12.0, row(requests=150, statuses={"2xx": 140, "5xx": 10}, in_flight=3, weight=90))
    (found,) = rates(before, after, "version")
    assert found.name == ("web", "v1")
    assert (found.per_second, found.errors_percent) == (25.0, 20.0)
    assert (found.in_flight, found.weight, found.state) == (3, 90, "1/1")


def test_a_row_that_is_new_counts_from_nothing_and_one_that_rests_has_no_latency():
    found = rates(look(0.0), look(1.0, row("v2", 5), row("v1")), "version")
    assert {each.name: (each.per_second, each.p50_ms) for each in found} == {
        ("web", "v2"): (5.0, 0.5),
        ("web", "v1"): (0.0, None),
    }


def test_sums_that_began_anew_are_not_negative():
    (found,) = rates(look(0.0, row(requests=1000)), look(1.0, row(requests=3)), "version")
    assert found.per_second == 3.0


def test_versions_are_joined_to_a_service():
    before = look(0.0, row("v1", 10), row("v2"))
    after = look(1.0, row("v1", 20, in_flight=1, state="1/2"), row("v2", 5, in_flight=2, state="2/2"))
    (found,) = rates(before, after, "service")
    assert (found.name, found.per_second, found.in_flight, found.state) == (("web",), 15.0, 3, "3/4")
    assert found.weight is None


def test_the_empty_version_has_a_name():
    (found,) = rates(look(0.0), look(1.0, row("")), "version")
    assert found.name == ("web", "default")


@pytest.mark.parametrize(
    ("sort", "names"), [("rate", "cab"), ("errors", "abc"), ("p99", "bac"), ("in-flight", "bac"), ("name", "abc")]
)
def test_rows_are_ordered_by_a_column(sort, names):
    after = look(
        1.0,
        row("a", 5, statuses={"5xx": 5}, in_flight=1, buckets=(0, 5, 0, 0, 0)),
        row("b", 4, in_flight=2, buckets=(0, 0, 4, 0, 0)),
        row("c", 9, in_flight=0, buckets=(9, 0, 0, 0, 0)),
    )
    found = ordered(rates(look(0.0), after, "version"), sort)
    assert "".join(each.name[1] for each in found) == names


def test_a_percentile_of_what_is_above_all_bounds_is_the_last_bound():
    assert percentile([0, 0, 0, 0, 3], BOUNDS, 0.5) == 1000.0


@given(st.lists(st.floats(0.0, 0.999), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_lies_in_the_bucket_of_the_value_it_stands_for(values, share):
    buckets = [0] * 5
    for value in values:
        buckets[bisect_left(BOUNDS, value)] += 1
    found = percentile(buckets, BOUNDS, share) / 1000
    rank = sorted(values)[max(0, -(-int(share * len(values) * 1000) // 1000) - 1)]
    at = bisect_left(BOUNDS, rank)
    low = BOUNDS[at - 1] if at else 0.0
    assert low - 1e-12 <= found
    assert found <= BOUNDS[min(at + 1, 3)] + 1e-12

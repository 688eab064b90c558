"""Medians and ratios from recorded samples."""

import pytest

from bench.macro.sample import Sample
from bench.macro.summary import percentile, ratio, rows


def sample(peer, turn, cpu, case="12 headers"):
    return Sample(bench="http", case=case, peer=peer, round=turn, values={"cpu_us": cpu})


def test_a_row_holds_the_median_over_rounds():
    [row] = rows([sample("nginx", 1, 20.0), sample("nginx", 2, 30.0), sample("nginx", 3, 22.0)])
    assert (row.peer, row.rounds, row.values) == ("nginx", 3, {"cpu_us": 22.0})


def test_a_value_that_only_some_rounds_have_is_the_median_of_those():
    other = Sample(bench="http", case="12 headers", peer="nginx", round=2, values={"cpu_us": 30.0, "p99_ms": 4.0})
    [row] = rows([sample("nginx", 1, 20.0), other])
    assert row.values == {"cpu_us": 25.0, "p99_ms": 4.0}


def test_a_ratio_is_taken_within_each_round_before_the_median():
    slow_minute = [sample("nginx", 2, 200.0), sample("tidegate", 2, 200.0)]
    quiet = [
        sample("nginx", 1, 20.0),
        sample("tidegate", 1, 18.0),
        sample("nginx", 3, 20.0),
        sample("tidegate", 3, 19.0),
    ]
    found = ratio([*quiet, *slow_minute], bench="http", case="12 headers", value="cpu_us", peer="tidegate", to="nginx")
    assert found == pytest.approx(0.95)


def test_a_round_that_lacks_one_side_does_not_count():
    samples = [sample("nginx", 1, 20.0), sample("tidegate", 1, 10.0), sample("tidegate", 2, 99.0)]
    assert ratio(samples, bench="http", case="12 headers", value="cpu_us", peer="tidegate", to="nginx") == 0.5


def test_no_common_round_gives_no_ratio():
    assert (
        ratio([sample("nginx", 1, 20.0)], bench="http", case="12 headers", value="cpu_us", peer="x", to="nginx") is None
    )


@pytest.mark.parametrize(("share", "right"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1), (0.999, 100)])
def test_a_percentile_is_the_nearest_rank(share, right):
    assert percentile(range(1, 101), share) == right


def test_a_percentile_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)

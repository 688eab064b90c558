from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.cli import weights
from tidegate.cli.faults import UsageFault


@pytest.mark.parametrize(
    ("before", "given_", "after"),
    [
        ({"v1": 100, "v2": 0}, {"v2": 10}, {"v1": 90, "v2": 10}),
        ({"v1": 100, "v2": 0}, {"v2": 100}, {"v1": 0, "v2": 100}),
        ({"v1": 100, "v2": 100}, {"v1": 0}, {"v1": 0, "v2": 100}),
        ({"v1": 60, "v2": 20, "v3": 20}, {"v3": 50}, {"v1": 38, "v2": 12, "v3": 50}),
        ({"v1": 0, "v2": 0, "v3": 0}, {"v3": 50}, {"v1": 25, "v2": 25, "v3": 50}),
        ({"v1": 1, "v2": 1}, {"v1": 3, "v2": 1}, {"v1": 3, "v2": 1}),
        ({"v1": 1}, {"v1": 500}, {"v1": 500}),
    ],
)
def test_the_rest_goes_to_the_others_as_they_stood(before, given_, after):
    assert weights.after(before, given_) == after


@pytest.mark.parametrize(
    ("before", "given_", "said"),
    [
        ({"v1": 100, "v2": 0}, {"v3": 10, "v4": 1}, "no version v4"),
        ({"v1": 100, "v2": 0}, {"v2": 101}, "more than 100"),
        ({"v1": 100, "v2": 0}, {"v1": 0, "v2": 0}, "nobody would answer"),
    ],
)
def test_weights_that_cannot_be_are_refused(before, given_, said):
    with pytest.raises(UsageFault, match=said):
        weights.after(before, given_)


def test_words_are_read_with_or_without_percent():
    assert weights.read(("v2=10%", "v1=90", "a=b=1")) == {"v2": 10, "v1": 90, "a=b": 1}


def test_every_wrong_word_is_told_at_once():
    with pytest.raises(UsageFault) as error:
        weights.read(("v2", "=5", "v1=x", "v1=1001", "v3=1", "v3=2"))
    assert len(error.value.problems) == 5


@given(st.integers(0, 100), st.dictionaries(st.text(min_size=1), st.integers(0, 1000), min_size=1, max_size=6))
def test_a_spread_gives_all_and_keeps_the_order(total, base):
    spread = weights.spread(total, base)
    assert sum(spread.values()) == total
    assert all(spread[a] >= spread[b] for a in base for b in base if base[a] > base[b])


def test_shares_are_percent_of_the_whole():
    assert weights.shares({"a": 3, "b": 1}) == {"a": 75.0, "b": 25.0}
    assert weights.shares({"a": 0}) == {"a": 0.0}

from __future__ import annotations

import pytest

from tidegate.release.gates import LatencyGate, Outcome
from tidegate.release.samples import Counts
from tidegate.release.wording import duration, few, percent


@pytest.mark.parametrize(("seconds", "said"), [(0.0123456, "12.3 ms"), (1.234, "1.23 s"), (123.4, "123 s")])
def test_a_time_has_three_digits(seconds, said):
    assert duration(seconds) == said


def test_a_share_has_four():
    assert percent(0.123456) == "12.35 %"


def test_too_few_requests_are_told_by_whose_they_are():
    mine, theirs = few(LatencyGate(), 7, 50, Counts()), few(LatencyGate(), 70, 50, None)
    assert (mine.outcome, mine.text) == (Outcome.INCONCLUSIVE, "7 requests of the candidate; 50 say something")
    assert (
        theirs.text == "70 requests of the candidate and too few of the stable side to compare with; 50 say something"
    )

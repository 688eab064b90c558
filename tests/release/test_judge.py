from __future__ import annotations

import math

import pytest

from tests.support.samples import timed
from tidegate.control.metrics import BUCKETS
from tidegate.release.gates import (
    HookGate,
    LatencyGate,
    Life,
    Outcome,
    QueryGate,
    RefusalGate,
    RestartGate,
    SuccessGate,
)
from tidegate.release.judge import (
    Sample,
    judge,
    judge_lives,
    judge_refusals,
    judge_samples,
    judge_success,
)
from tidegate.release.samples import Counts, Window

NOTHING = Counts()
PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def side(requests=0, failures=0, refusals=0):
    return Counts(requests=requests, failures=failures, refusals=refusals)


def window(candidate, stable=NOTHING, reference=None):
    return Window(bounds=BUCKETS, seconds=60.0, candidate=candidate, stable=stable, reference=reference)


@pytest.mark.parametrize(
    ("candidate", "stable", "outcome"),
    [
        (side(1000), side(20000, 10), PASS),
        (side(1000, 50), side(20000, 10), FAIL),  # 5 % errors
        (side(60, 3), side(20000), FAIL),
        (side(60, 1), side(20000), PASS),  # 98.3 %, but up to 99.7 % with confidence
        (side(1000, 30), side(20000, 600), PASS),  # both 97 %: no worse than what it replaces
        (side(1000, 80), side(20000, 600), FAIL),
        (
            side(300, 8),
            side(20000, 150),
            FAIL,
        ),  # 97.3 %: not surely a whole percent less than 99.25 %, but below the floor
        (side(300, 8), side(300, 3), PASS),  # as few as that may be the same
        (side(1000, 30), side(20), FAIL),  # nobody to compare with: the floor
        (side(1000, 5), side(20), PASS),
    ],
)
def test_success_fails_where_it_is_surely_too_low(candidate, stable, outcome):
    assert judge_success(SuccessGate(), window(candidate, stable)).outcome is outcome


def test_a_stable_side_that_is_asked_as_much_is_waited_for():
    """Both are at 95 %; the floor is for those that have nobody to compare with."""
    assert judge_success(SuccessGate(), window(side(52, 3), side(48, 2))).outcome is INCONCLUSIVE
    assert judge_success(SuccessGate(), window(side(100, 30), side(49))).outcome is INCONCLUSIVE
    assert judge_success(SuccessGate(), window(side(100, 30), side(50))).outcome is FAIL


@pytest.mark.parametrize("requests", [0, 1, 49])
def test_too_few_requests_hold_a_release_whatever_they_say(requests):
    for gate in (SuccessGate(), RefusalGate(), LatencyGate()):
        verdict = judge(gate, window(timed((requests, 0.01)), timed((10000, 0.01))), ())
        assert verdict.outcome is INCONCLUSIVE
        assert f"{requests} requests" in verdict.text
        assert "50 say something" in verdict.text


def test_five_failures_that_are_half_of_all_need_no_more_requests_to_speak_for_themselves():
    assert judge_success(SuccessGate(), window(side(5, 5), side(100))).outcome is FAIL
    assert judge_success(SuccessGate(), window(side(5, 4), side(100))).outcome is INCONCLUSIVE
    assert judge_success(SuccessGate(), window(side(10, 5), side(100))).outcome is FAIL
    assert judge_success(SuccessGate(), window(side(11, 5), side(100))).outcome is INCONCLUSIVE
    assert judge_success(SuccessGate(), window(side(10, 5), side(100, 50))).outcome is INCONCLUSIVE


def test_a_pass_is_sure_where_the_candidate_is_surely_not_worse_than_it_may_be():
    stable = side(20000, 10)
    assert not judge_success(SuccessGate(), window(side(100), stable)).sure  # 97 % would have looked the same
    assert judge_success(SuccessGate(), window(side(600), stable)).sure
    assert not judge_success(SuccessGate(), window(side(300), side(3))).sure
    assert judge_success(SuccessGate(), window(side(600), side(3))).sure  # by the floor
    assert not judge_refusals(RefusalGate(), window(side(60), stable)).sure
    assert judge_refusals(RefusalGate(), window(side(100), stable)).sure


def test_a_verdict_tells_its_numbers():
    verdict = judge_success(SuccessGate(), window(side(310, 18), side(5812, 6)))
    assert verdict.gate == "success"
    assert verdict.text == (
        "success 94.19 % of 310 requests (18 failed), stable 99.9 % of 5812: at least 3.113 % less, may be 1 %"
    )


def test_where_the_stable_side_has_no_traffic_left_what_it_did_before_stands_in():
    before = side(5000, 400)
    verdict = judge_success(SuccessGate(), window(side(1000, 80), side(0), before))
    assert verdict.outcome is PASS
    assert "stable before 92 % of 5000" in verdict.text


@pytest.mark.parametrize(
    ("candidate", "stable", "outcome"),
    [
        (side(200, 0, 200), side(5000, 0, 20), FAIL),  # its routes are gone
        (side(200, 0, 24), side(5000, 0, 500), PASS),
        (side(200, 0, 200), side(3), INCONCLUSIVE),
    ],
)
def test_a_version_that_refuses_more_than_the_stable_one_fails(candidate, stable, outcome):
    assert judge_refusals(RefusalGate(), window(candidate, stable)).outcome is outcome


@pytest.mark.parametrize(
    ("lives", "allowed", "outcome", "text"),
    [
        ([Life(name="web-1"), Life(name="web-2")], 0, PASS, "0 restarts of 2 containers"),
        ([Life(name="web-1", restarts=1)], 0, FAIL, "web-1 restarted 1 time"),
        ([Life(name="web-1", restarts=1)], 1, PASS, "1 restarts of 1 containers"),
        (
            [Life(name="web-1"), Life(name="web-2", restarts=2, exited=137, out_of_memory=True)],
            1,
            FAIL,
            "web-2 restarted 2 times, exited with status 137, ran out of memory",
        ),
        ([Life(name="web-1", exited=0)], 0, FAIL, "web-1 exited with status 0"),
        ([Life(name="web-1", out_of_memory=True)], 0, FAIL, "web-1 ran out of memory"),
    ],
)
def test_containers_that_die_fail_at_once(lives, allowed, outcome, text):
    verdict = judge_lives(RestartGate(allowed=allowed), lives)
    assert (verdict.outcome, verdict.text) == (outcome, text)


@pytest.mark.parametrize(
    ("values", "outcome", "text"),
    [
        ([], INCONCLUSIVE, "the query found no samples; needs < 0.05"),
        ([("", 0.01)], PASS, "it is 0.01; needs < 0.05"),
        ([("", 0.05)], FAIL, "it is 0.05; needs < 0.05"),
        ([("", math.nan)], INCONCLUSIVE, "it is nan; needs < 0.05"),
        ([("", math.inf)], FAIL, "it is inf; needs < 0.05"),
        ([('{a="1"}', 0.01), ('{a="2"}', 0.2)], FAIL, '{a="2"} is 0.2; needs < 0.05'),
        ([('{a="1"}', 0.01), ('{a="2"}', math.nan)], INCONCLUSIVE, '{a="2"} is nan; needs < 0.05'),
        ([('{a="1"}', 9), ('{a="2"}', math.nan)], FAIL, '{a="1"} is 9; needs < 0.05'),
        ([(f"s{n}", 1) for n in range(5)], FAIL, "s0 is 1, s1 is 1, s2 is 1 and 2 more; needs < 0.05"),
    ],
)
def test_every_series_of_a_query_must_hold_the_condition(values, outcome, text):
    gate = QueryGate(label="errors", query="q", operator="<", limit=0.05)
    verdict = judge_samples(gate, [Sample(series=series, value=value) for series, value in values])
    assert (verdict.outcome, verdict.text) == (outcome, text)


def test_a_sample_that_is_too_old_says_nothing():
    gate = QueryGate(label="errors", query="q", operator="<", limit=0.05)
    fresh, good, bad = (
        Sample(series="s{}", value=value, age=age) for value, age in ((0.2, 120), (0.01, 121), (9, 121))
    )
    assert judge_samples(gate, [bad]).outcome is INCONCLUSIVE
    assert judge_samples(gate, [good]).text == "s{} is 0.01, 121 s old; needs < 0.05"
    assert judge_samples(gate, [good, fresh]).outcome is FAIL


def test_who_must_ask_others_is_judged_elsewhere():
    assert judge(HookGate(label="h", url="http://a/"), window(side()), ()) is None

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from tests.support.samples import side_of, timed, watched
from tidegate.control.metrics import BUCKETS
from tidegate.release.gates import LatencyGate, Outcome
from tidegate.release.latency import LEAST_SLICES, judge_latency
from tidegate.release.samples import Counts, Slice, Window, summed

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


@pytest.mark.parametrize("usual", [0.006, 0.011, 0.02, 0.03, 0.08, 0.15, 0.3, 0.9, 3.0])
def test_a_version_that_is_twice_as_slow_fails_wherever_the_buckets_lie(usual):
    verdict = judge_latency(LatencyGate(), watched(timed((100, 2 * usual)), timed((1000, usual))))
    assert verdict.outcome is FAIL
    assert "more than 1.5 times as long" in verdict.text


@pytest.mark.parametrize("usual", [0.0004, 0.0049, 0.0099, 0.024, 0.0499, 0.099, 0.2499, 0.499, 0.999])
def test_a_bucket_s_bound_between_two_versions_of_one_speed_is_nobodys_fault(usual):
    verdict = judge_latency(LatencyGate(), watched(timed((200, usual * 1.03)), timed((2000, usual))))
    assert verdict.outcome is PASS


def test_a_slow_hundredth_fails_where_the_stable_side_has_none():
    stable = timed((2000, 0.02))
    slow = timed((940, 0.02), (60, 0.2))
    verdict = judge_latency(LatencyGate(mean_ratio=100.0), watched(slow, stable))
    assert verdict.outcome is FAIL
    assert verdict.text == (
        "mean 30.8 ms of 1000 requests, stable 20 ms of 2000; p99 within 250 ms, stable within 25 ms; "
        "60 of 1000 took longer than 100 ms"
    )
    assert judge_latency(LatencyGate(), watched(timed((998, 0.02), (2, 0.2)), stable)).outcome is PASS
    assert judge_latency(LatencyGate(), watched(slow, timed((1900, 0.02), (100, 0.2)))).outcome is PASS


def test_a_few_milliseconds_more_are_no_fault():
    assert judge_latency(LatencyGate(), watched(timed((500, 0.004)), timed((500, 0.001)))).outcome is PASS


def test_a_limit_holds_whatever_the_stable_side_does():
    gate = LatencyGate(limit_seconds=0.25)
    late = watched(timed((90, 0.1), (10, 0.4)), timed((1000, 0.4)))
    assert judge_latency(gate, late).outcome is FAIL
    assert "10 of 100 requests took longer than the limit of 250 ms" in judge_latency(gate, late).text
    assert judge_latency(gate, watched(timed((100, 0.1)), timed((1000, 0.4)))).outcome is PASS


def test_latency_without_anybody_to_compare_with_is_inconclusive():
    verdict = judge_latency(LatencyGate(), watched(timed((500, 0.1))))
    assert verdict.outcome is INCONCLUSIVE
    assert "too few of the stable side" in verdict.text
    compared = judge_latency(LatencyGate(), watched(timed((500, 0.1)), Counts(), timed((500, 0.04))))
    assert compared.outcome is FAIL
    assert "stable before 40 ms" in compared.text


def test_what_was_seen_for_a_moment_only_holds_a_release_and_does_not_fail_it():
    slow, usual = timed((500, 0.04)), timed((500, 0.02))
    for slices in range(1, LEAST_SLICES):
        verdict = judge_latency(LatencyGate(), watched(slow, usual, slices=slices))
        assert verdict.outcome is INCONCLUSIVE
        assert verdict.text.endswith("watched for too short a time to be sure")
    assert judge_latency(LatencyGate(), watched(slow, usual, slices=LEAST_SLICES)).outcome is FAIL


def test_a_window_of_which_nothing_is_warm_yet_passes_where_nothing_looks_slow():
    quick = Window(bounds=BUCKETS, candidate=timed((60, 0.02)), stable=timed((500, 0.02)))
    assert judge_latency(LatencyGate(), quick).outcome is PASS


def in_slices(*pairs):
    """A window of slices, each `(seconds of the candidate's requests, of the stable side's)`."""
    slices = tuple(Slice(candidate=side_of(one), stable=side_of(other)) for one, other in pairs)
    return Window(
        bounds=BUCKETS,
        candidate=summed(each.candidate for each in slices),
        stable=summed(each.stable for each in slices),
        slices=slices,
    )


USUAL = [0.02] * 100


def test_a_moment_in_which_all_requests_of_the_candidate_were_slow_is_one_witness_only():
    """A stall of one container: the mean of all is 6 times the usual, and 12 % are late."""
    stalled = in_slices((USUAL, USUAL), ([0.9] * 100, USUAL), *[(USUAL, USUAL)] * 6)
    assert judge_latency(LatencyGate(), stalled).outcome is PASS
    steady = in_slices(*[([0.02] * 88 + [0.9] * 12, USUAL)] * 8)
    assert judge_latency(LatencyGate(), steady).outcome is FAIL


def test_a_host_that_is_busy_for_a_while_slows_both_sides():
    busy = [0.2] * 100
    window = in_slices((USUAL, USUAL), (busy, busy), (busy, USUAL), (USUAL, busy), (USUAL, USUAL), (busy, busy))
    assert judge_latency(LatencyGate(), window).outcome is PASS


def test_a_candidate_that_has_become_as_fast_as_the_stable_side_is_not_slow():
    warmed = in_slices(*[([0.2] * 100, USUAL)] * 5, *[(USUAL, USUAL)] * 5)
    assert judge_latency(LatencyGate(), warmed).outcome is PASS


def test_one_container_is_not_slow_where_one_of_the_stable_side_is_as_slow():
    slow, usual = timed((500, 0.04)), timed((2000, 0.02))
    even = tuple(timed((500, 0.02)) for _ in range(4))
    odd = (timed((500, 0.03)), *even[1:])
    assert judge_latency(LatencyGate(), watched(slow, usual, stables=even)).outcome is FAIL
    assert judge_latency(LatencyGate(), watched(slow, usual, stables=odd)).outcome is PASS
    assert judge_latency(LatencyGate(), watched(timed((500, 0.05)), usual, stables=odd)).outcome is FAIL
    many = (odd[0], *[timed((500, 0.02))] * 9)
    assert judge_latency(LatencyGate(), watched(slow, usual, stables=many)).outcome is FAIL  # one of ten is the odd one


def test_a_pass_is_sure_where_the_mean_is_surely_not_too_high():
    usual = timed((500, 0.02))
    assert judge_latency(LatencyGate(), watched(timed((500, 0.02)), usual)).sure
    maybe = judge_latency(LatencyGate(), watched(timed((50, 0.02), (12, 0.06)), usual))
    assert (maybe.outcome, maybe.sure) == (PASS, False)


class Host:
    """One container after the other serves `rate` requests a second, each its own way: `odd` by how much they differ for good, `stalls` how often a
    second is slow by eight times."""

    def __init__(self, seed, odd, stalls):
        self.dice = random.Random(seed)
        self.odd, self.stalls = odd, stalls

    def container(self, mean):
        mean *= self.dice.lognormvariate(0, self.odd)
        return lambda slow: mean * (8 if slow else 1) * self.dice.lognormvariate(-0.32, 0.8)

    def window(self, slower, seconds=20):
        stable = [self.container(0.015) for _ in range(4)]
        candidate = self.container(0.015 * slower)
        slices, each = [], [[] for _ in stable]
        for _ in range(0, seconds, 2):
            ours = self.served(candidate, 60)
            theirs = [self.served(one, 60) for one in stable]
            each = [one + more for one, more in zip(each, theirs, strict=True)]
            slices.append((ours, [request for one in theirs for request in one]))
        return replace(in_slices(*slices), stables=tuple(map(side_of, each)))

    def served(self, container, number):
        slow = self.dice.random() < self.stalls
        return [container(slow) for _ in range(number)]


@pytest.mark.parametrize(("odd", "stalls"), [(0.0, 0.0), (0.0, 0.1), (0.2, 0.0), (0.2, 0.1)])
def test_on_a_noisy_host_a_good_version_is_hardly_ever_taken_for_slow(odd, stalls):
    windows = [Host(seed, odd, stalls).window(1) for seed in range(40)]
    failed = [each for each in windows if judge_latency(LatencyGate(), each).outcome is FAIL]
    assert len(failed) <= 1


def test_on_a_quiet_host_one_that_is_twice_as_slow_is_found_within_half_a_minute():
    windows = [Host(seed, 0.05, 0.0).window(2, seconds=24) for seed in range(40)]
    assert sum(judge_latency(LatencyGate(), each).outcome is FAIL for each in windows) >= 38

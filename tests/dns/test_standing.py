from __future__ import annotations

import random
from itertools import pairwise

from tidegate.dns.standing import (
    FORGET_SECONDS,
    MAX_HEDGE_SECONDS,
    MAX_RETRY_SECONDS,
    MIN_HEDGE_SECONDS,
    Standing,
    State,
)


def failed(times, now=100.0):
    standing = Standing()
    for _ in range(times):
        standing.failed(now)
    return standing


def test_three_failures_in_a_row_are_down_and_one_answer_is_up():
    assert failed(2).state is State.UP
    standing = failed(3)
    assert standing.state is State.DOWN
    assert standing.answered(0.01)
    assert standing.state is State.UP
    assert not standing.answered(0.01)


def test_an_answer_between_failures_begins_the_count_anew():
    standing = failed(2)
    standing.answered(0.01)
    standing.failed(100.0)
    assert standing.state is State.UP


def test_who_is_down_is_tried_now_and_then_and_ever_less_often():
    standing = failed(3, now=100.0)
    taken = [now for now in range(100, 700) if standing.takes_trial(float(now))]
    gaps = [later - sooner for sooner, later in pairwise(taken)]
    assert taken[0] == 101
    assert gaps == sorted(gaps)
    assert gaps[-1] == MAX_RETRY_SECONDS
    assert len(taken) < 20


def test_who_is_up_needs_no_trial():
    assert not failed(2).takes_trial(1e9)


def test_the_hedge_comes_after_about_the_95th_percentile():
    rng = random.Random(1)
    standing = Standing()
    samples = [rng.uniform(0.05, 0.15) for _ in range(4000)]
    above = 0
    for index, seconds in enumerate(samples):
        above += index >= 1000 and seconds > standing.hedge_seconds()
        standing.answered(seconds)
    assert 0.02 < above / 3000 < 0.09
    assert abs(standing.rtt - 0.1) < 0.03


def test_a_slow_beginning_is_unlearned_within_some_tens_of_answers():
    standing = Standing()
    standing.answered(0.02)
    for _ in range(40):
        standing.answered(0.001)
    assert standing.hedge_seconds() < 0.015


def test_the_hedge_has_bounds():
    fast, slow = Standing(), Standing()
    for _ in range(50):
        fast.answered(0.0001)
        slow.answered(2.0)
    assert fast.hedge_seconds() == MIN_HEDGE_SECONDS
    assert slow.hedge_seconds() == MAX_HEDGE_SECONDS


def test_failures_and_refusals_let_others_go_first():
    for spoil in (lambda standing: standing.failed(1.0), lambda standing: standing.refused()):
        good, bad = Standing(), Standing()
        for standing in (good, bad):
            standing.asked(1.0)
            standing.answered(0.01)
        spoil(bad)
        assert good.rank(1.0) < bad.rank(1.0)


def test_who_was_slow_once_gets_another_chance():
    near, far = Standing(), Standing()
    far.asked(0.0)
    far.answered(0.2)
    for now in range(int(FORGET_SECONDS) + 1):
        near.asked(float(now))
        near.answered(0.01)
    assert far.rank(FORGET_SECONDS) < near.rank(FORGET_SECONDS)


def test_who_loops_stays_out():
    standing = Standing()
    standing.loops()
    standing.answered(0.01)
    assert standing.state is State.LOOPING
    assert not standing.takes_trial(1e9)

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.router import route, upstreams
from tidegate.policy import Balance
from tidegate.router.arrangement import Arranger, step
from tidegate.router.live import LiveRoute
from tidegate.router.stickiness import Marker

WARMING = Balance(slow_start_seconds=9.0)


def arranged(some, now, balance=WARMING):
    live = LiveRoute(route(balance=balance))
    Arranger(0, 1, Marker(b"")).arrange(live, {"web": some}.get, now)
    return live


def share(live, one, picks):
    return Counter(live.balancer.pick(None) for _ in range(picks))[one]


@pytest.mark.parametrize(("age", "tenths"), [(0.0, 1), (0.9, 1), (1.1, 2), (4.6, 5), (8.1, 9), (9.0, 10), (1e6, 10)])
def test_a_share_grows_from_a_tenth_to_all(age, tenths):
    assert step(100.0, 9.0, 100.0 + age) == tenths


def test_what_was_ready_before_we_came_has_all_of_its_share():
    assert step(0.0, 9.0, 1.0) == 10


def test_a_new_endpoint_beside_old_ones_begins_with_a_tenth():
    some = upstreams(3)
    some[2].since = 100.0
    assert share(arranged(some, 100.0), some[2], 21) == 1
    assert share(arranged(some, 104.6), some[2], 25) == 5
    assert share(arranged(some, 109.0), some[2], 30) == 10


def test_when_all_are_new_it_has_no_effect():
    some = upstreams(2)
    for one in some:
        one.since = 100.0
    assert share(arranged(some, 100.0), some[0], 10) == 5


def test_without_a_slow_start_nothing_is_to_grow():
    some = upstreams(2)
    some[0].since = 100.0
    assert arranged(some, 100.0, Balance()).warm_at == 0.0


def test_it_says_when_to_look_again_until_all_have_grown():
    some = upstreams(2)
    some[0].since = 100.0
    now, looks = 100.0, 0
    while (due := arranged(some, now).warm_at) > 0.0:
        assert due > now
        now, looks = due + 1e-6, looks + 1
    assert looks == 9
    assert now == pytest.approx(109.0, abs=0.01)

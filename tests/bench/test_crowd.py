"""Everybody who uses a service while a release goes on: what is counted of them."""

from __future__ import annotations

import pytest

from bench.macro.crowd import Answer, Crowd, Step, given, moves, share_of, shares
from tests.support.origin import polite, serving
from tests.support.router import until


def answers(begin, end, who, count):
    return [Answer(begin + (end - begin) * n / count, begin + (end - begin) * n / count, who, "") for n in range(count)]


def test_a_share_is_what_the_new_version_got_between_two_changes():
    mixed = answers(0, 10, "v1 a", 300) + answers(0, 10, "v2 b", 100) + answers(10, 20, "v2 b", 400)
    assert shares(mixed, [Step(0, 25.0), Step(10, 100.0)]) == [(25.0, 25.0), (100.0, 100.0)]


def test_what_comes_right_after_a_change_and_stretches_with_few_requests_are_not_counted():
    late = answers(0, 0.4, "v1 a", 1000) + answers(1, 9, "v2 b", 400) + answers(10, 20, "v1 a", 50)
    assert shares(late, [Step(0, 100.0), Step(9.5, 100.0)]) == [(100.0, 100.0)]


def test_nothing_is_asked_of_a_stretch_for_which_nobody_promised_a_share():
    assert shares(answers(0, 9, "v1 a", 400), [Step(0, None)]) == []


def test_failed_requests_have_no_part_in_a_share():
    assert share_of(["v2 a", "v1 a"]) == 50.0
    assert shares([Answer(5, 5, "", "502")] * 1000, [Step(0, 50.0)]) == []


def test_a_client_moves_with_each_other_container_it_meets():
    seen = [(1, "v1 a"), (2, "v1 b"), (1, "v1 a"), (1, "v2 c"), (2, "v1 b"), (1, ""), (1, "v2 c"), (1, "v1 a")]
    assert moves([(number, Answer(0, 0, who, "")) for number, who in seen]) == 2


def test_cookies_keep_their_case_and_the_last_of_a_name_counts():
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: lb=AbC==; Path=/\r\nset-cookie: SRV=x\r\nSET-COOKIE: lb=De"
    assert given(head) == {b"lb": b"De", b"SRV": b"x"}


async def test_a_crowd_asks_counts_and_ends_without_a_failure():
    async with serving(polite) as origin, Crowd(origin.address[1], "a.test", rate=200.0) as crowd:
        await until(lambda: len(crowd.answers) >= 100 and len(crowd.sticky) >= 30 and crowd.opened)
    found = crowd.figures()
    assert found["requests"] >= 100
    assert (found["failed"], found["sticky_failed"], crowd.faults()) == (0, 0, {})
    assert found["sockets_cut"] == found["sockets"]  # that origin knows of none


@pytest.mark.parametrize("steps", [[], [Step(0, 50.0)]])
def test_nothing_is_told_of_shares_that_were_not_met(steps):
    assert "apart" not in Crowd(1, "a.test").figures(steps)

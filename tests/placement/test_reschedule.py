from __future__ import annotations

import pytest

from tests.support.placement import NOW, demand, order, replica
from tidegate.placement.replica import State
from tidegate.placement.reschedule import again, allowance, crashing, delay, fenced_at, noted


def test_the_delay_doubles_from_half_a_minute_to_an_hour():
    assert [delay(moves) for moves in (0, 1, 2, 3, 7, 8, 50)] == [0, 30, 60, 120, 1920, 3600, 3600]


@pytest.mark.parametrize(
    ("moves", "ran", "due", "then"),
    [
        (0, 1.0, 0.0, 1),  # the first time at once
        (1, 29.0, 30.0, 2),
        (1, 31.0, 0.0, 1),  # it ran longer than its delay: all is forgotten
        (4, 100.0, 240.0, 5),
    ],
)
def test_who_fails_again_soon_waits_longer(moves, ran, due, then):
    place = order("n1", since=NOW - ran, moves=moves)
    assert again(place, NOW) == (NOW + due, then)


def test_an_exclusive_replica_moves_when_its_old_node_has_surely_stopped_it():
    """Lease end is at least 15 s after the last sign of life, the agent has killed by 23 s after it: 27 s leave a margin of 4."""
    place = order("n1")
    assert fenced_at(place, demand(exclusive=True), NOW) == NOW + 12.0
    assert fenced_at(place, demand(exclusive=True, stop_grace=30.0), NOW) == NOW + 32.0
    assert fenced_at(place, demand(), NOW) == NOW


def test_what_runs_there_of_an_older_revision_is_given_the_time_that_it_takes():
    place = order("n1", stop_grace=60.0)
    assert fenced_at(place, demand(exclusive=True, stop_grace=5.0), NOW) == NOW + 62.0


@pytest.mark.parametrize(
    ("ended", "state", "is_so"),
    [(2, State.ENDED, False), (3, State.ENDED, True), (3, State.STARTING, True), (9, State.READY, False)],
)
def test_two_tries_in_place_go_before_a_move(ended, state, is_so):
    assert crashing(replica("n1", state=state, ended=ended)) is is_so


def test_a_tenth_of_all_may_move_within_ten_seconds_or_what_a_node_has_in_the_mean_and_one_always():
    assert allowance(40, 100, (), NOW) == 4
    assert allowance(3, 100, (), NOW) == 1
    assert allowance(22, 3, (), NOW) == 8
    assert allowance(1, 0, (), NOW) == 1


def test_what_has_moved_lately_counts():
    assert allowance(40, 10, ((NOW - 9.0, 3), (NOW - 10.0, 1)), NOW) == 1


def test_what_was_moved_is_noted_and_what_is_old_is_dropped_with_it():
    before = ((NOW - 20.0, 7), (NOW - 5.0, 1))
    assert noted(before, 2, NOW) == ((NOW - 5.0, 1), (NOW, 2))
    assert noted(before, 0, NOW) is before

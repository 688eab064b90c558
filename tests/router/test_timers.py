from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidegate.router.timers import AT_ONCE, TICK_SECONDS, Timed, Wheel


class Owner(Timed):
    pass


def fired(wheel, start, stop):
    """(owner, time) of what comes due, a turn every tick."""
    found, now = [], start
    while now <= stop:
        found.extend((owner, now) for owner in wheel.turn(now))
        now += TICK_SECONDS
    return found


moves = st.lists(st.tuples(st.floats(0, 3.0), st.floats(0, 20.0)), min_size=1, max_size=12)


@given(st.floats(0, 10**6), moves)
def test_only_the_last_deadline_set_comes_due_once_and_in_time(start, steps):
    wheel, owner, now = Wheel(start), Owner(), start
    for pause, ahead in steps:
        wheel.arm(owner, now + ahead)
        due = now + ahead
        found = fired(wheel, now, now + pause)
        now += pause
        if found:
            assert [one for one, _ in found] == [owner]
            assert due <= found[0][1]
            wheel.arm(owner, now + ahead)
            due = now + ahead
    found = fired(wheel, now, due + 3 * TICK_SECONDS)
    assert [one for one, _ in found] == [owner]
    assert due <= found[0][1] <= max(due, now) + 2.5 * TICK_SECONDS


def test_a_deadline_moved_later_does_not_come_due_at_its_old_time():
    wheel, owner = Wheel(100.0), Owner()
    wheel.arm(owner, 101.0)
    wheel.arm(owner, 105.0)
    assert not fired(wheel, 100.0, 104.9)
    assert fired(wheel, 105.0, 106.0) == [(owner, 105.25)]


def test_a_deadline_moved_earlier_comes_due_then_and_not_again():
    wheel, owner = Wheel(100.0), Owner()
    wheel.arm(owner, 110.0)
    wheel.arm(owner, 101.0)
    assert [one for one, _ in fired(wheel, 100.0, 120.0)] == [owner]


def test_a_deadline_that_has_passed_comes_due_at_the_next_turn():
    wheel, owner = Wheel(100.0), Owner()
    wheel.arm(owner, 90.0)
    assert [one for one, _ in fired(wheel, 100.0, 101.0)] == [owner]


def test_turns_that_were_missed_are_made_up_for():
    wheel, owners = Wheel(100.0), [Owner() for _ in range(10)]
    for at, owner in enumerate(owners):
        wheel.arm(owner, 100.0 + at)
    assert wheel.turn(200.0) == owners
    assert not wheel.slots


def test_moving_a_deadline_back_and_forth_does_not_fill_the_wheel():
    wheel, owner = Wheel(100.0), Owner()
    for step in range(1000):
        wheel.arm(owner, 160.0 + step * 0.01)
        wheel.arm(owner, 175.0 + step * 0.01)
    assert sum(len(slot) for slot in wheel.slots.values()) == 1


def test_many_that_are_due_together_come_a_few_at_a_time_each_once():
    wheel, owners = Wheel(100.0), [Owner() for _ in range(5 * AT_ONCE + 1)]
    for owner in owners:
        wheel.arm(owner, 101.0)
    batches = []
    while not batches or wheel.is_behind:
        batches.append(wheel.turn(102.0))
    assert max(map(len, batches)) == AT_ONCE
    assert sorted(map(id, owners)) == sorted(id(owner) for batch in batches for owner in batch)
    assert wheel.turn(103.0) == []


def test_who_moves_its_deadline_while_others_of_its_tick_are_looked_at_is_left_alone():
    wheel, owners = Wheel(100.0), [Owner() for _ in range(AT_ONCE + 1)]
    for owner in owners:
        wheel.arm(owner, 101.0)
    (moved,) = set(owners) - set(wheel.turn(102.0))
    wheel.arm(moved, 110.0)
    assert wheel.is_behind
    assert wheel.turn(102.0) == []
    assert fired(wheel, 102.0, 112.0) == [(moved, 110.25)]

from __future__ import annotations

from msgspec.structs import replace

from tests.support.placement import NOW, lost, node, standing
from tidegate.placement.standing import Standing, followed

FACTS = node("n1", "a", incarnation="first")
UP = standing("n1", incarnation="first")


def follow(before, facts, now=NOW, leader_since=0.0):
    return followed(before, facts, "n1", now, leader_since)


def flapped(times, gap=60.0, before=None):
    """A node that went and came so often, `gap` seconds apart; its standing, and when it last came."""
    now, known = NOW, before or UP
    for _ in range(times):
        known = follow(known, None, now)
        known = follow(known, FACTS, now + 1.0)
        now += gap
    return known, now - gap + 1.0


def test_a_node_that_is_seen_first_is_up_since_now():
    assert follow(None, FACTS) == Standing(node="n1", zone="a", incarnation="first", up_since=NOW)


def test_a_node_that_stands_as_before_is_the_same_value():
    assert follow(UP, FACTS) is UP


def test_a_node_whose_lease_ended_is_gone_since_now_and_stays_so():
    gone = follow(UP, None)
    assert gone.down_since == NOW
    assert follow(gone, None, NOW + 5.0) is gone


def test_a_node_whose_engine_does_not_answer_is_gone_too():
    assert follow(UP, replace(FACTS, ready=False)).down_since == NOW


def test_a_new_leader_declares_nobody_gone_for_half_a_minute():
    assert follow(UP, None, NOW, leader_since=NOW - 29.0) is UP
    assert follow(UP, None, NOW, leader_since=NOW - 30.0).down_since == NOW


def test_what_the_leader_before_declared_gone_stays_gone():
    gone = lost("n1", 5.0)
    assert follow(gone, None, NOW, leader_since=NOW) is gone


def test_a_node_that_comes_back_is_up_again_and_trusted():
    back = follow(lost("n1", 60.0), FACTS)
    assert (back.down_since, back.up_since, back.incarnation) == (0.0, NOW, "first")
    assert not back.quarantined(NOW)


def test_a_restart_of_the_agent_within_its_lease_is_no_failure():
    again = follow(UP, replace(FACTS, incarnation="second"))
    assert (again.incarnation, again.downs) == ("second", ())


def test_three_times_in_ten_minutes_is_flapping():
    two, at = flapped(2)
    assert not two.quarantined(at)
    three, at = flapped(3)
    assert three.quarantined(at + 299.0) and not three.quarantined(at + 300.0)


def test_three_times_in_an_hour_is_not():
    known, at = flapped(3, gap=1200.0)
    assert not known.quarantined(at)


def test_who_goes_again_in_quarantine_waits_twice_as_long_and_at_most_an_hour():
    known, at = flapped(3)
    waits = []
    for _ in range(6):
        known = follow(known, None, at + 10.0)
        at += 20.0
        known = follow(known, FACTS, at)
        waits.append(known.eligible_at - at)
    assert waits == [600.0, 1200.0, 2400.0, 3600.0, 3600.0, 3600.0]


def test_an_hour_after_its_quarantine_a_node_begins_anew():
    known, _ = flapped(3)
    assert follow(known, FACTS, known.eligible_at + 3599.0) is known
    later = follow(known, FACTS, known.eligible_at + 3600.0)
    assert (later.quarantines, later.downs) == (0, ())

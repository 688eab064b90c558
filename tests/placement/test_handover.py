from __future__ import annotations

from tests.support.placement import NOW, demand, lost, memory, node, order, planned, replica, standing
from tidegate.placement.replica import Cause, State

TWO = [node("n1"), node("n2")]


def moved(cause, state, **more):
    """The second place of slot 1, on n2."""
    more = {"since": NOW - 60.0, "ready_since": NOW - 5.0} | more
    return replica("n2", generation=2, cause=cause, state=state, **more)


def given_up(*replicas, nodes=TWO, remembered=None, **wants):
    """Places that go: told to leave, or taken away where nobody can be told. And the plan."""
    found = planned(nodes, [demand(**wants)], replicas, remembered)
    return [*(each.key for each in found.places if each.leaving), *(each.key for each in found.deletes)], found


def test_a_node_that_comes_back_with_a_healthy_copy_keeps_it_while_the_new_one_starts():
    assert given_up(replica("n1"), moved(Cause.FAILURE, State.STARTING))[0] == ["shop/web/1.2"]


def test_a_node_that_comes_back_too_late_loses_its_copy():
    new = moved(Cause.FAILURE, State.READY, ready_since=NOW - 10.0)
    assert given_up(replica("n1"), new)[0] == ["shop/web/1.1"]


def test_a_copy_that_was_healthy_only_briefly_yields_to_the_one_that_came_back():
    assert given_up(replica("n1"), moved(Cause.FAILURE, State.READY))[0] == ["shop/web/1.2"]


def test_a_copy_that_came_back_broken_yields_at_once():
    assert given_up(replica("n1", state=State.UNHEALTHY), moved(Cause.FAILURE, State.READY))[0] == ["shop/web/1.1"]


def test_the_replacement_takes_over_from_a_node_that_stays_away():
    known = memory(lost("n1", 60.0), standing("n2"))
    assert given_up(replica("n1"), moved(Cause.FAILURE, State.READY), nodes=TWO[1:], remembered=known)[0] == [
        "shop/web/1.1"
    ]


def test_while_nobody_serves_both_are_tried_for_five_minutes():
    pair = (replica("n1", state=State.STARTING), moved(Cause.FAILURE, State.STARTING))
    assert given_up(*pair)[0] == []
    late = moved(Cause.FAILURE, State.STARTING, since=NOW - 300.0)
    assert given_up(pair[0], late)[0] == ["shop/web/1.1"]


def test_a_move_by_choice_ends_when_the_new_one_was_healthy_for_long_enough():
    keys, found = given_up(replica("n1"), moved(Cause.REBALANCE, State.READY))
    assert keys == [] and found.again_at == NOW + 5.0
    assert given_up(replica("n1"), moved(Cause.REBALANCE, State.READY, ready_since=NOW - 10.0))[0] == ["shop/web/1.1"]


def test_a_move_by_choice_is_given_up_after_five_minutes():
    keys, found = given_up(replica("n1"), moved(Cause.REBALANCE, State.STARTING))
    assert keys == [] and found.again_at == NOW + 240.0
    assert given_up(replica("n1"), moved(Cause.REBALANCE, State.STARTING, since=NOW - 300.0))[0] == ["shop/web/1.2"]


def test_a_move_whose_target_went_is_given_up():
    known = memory(standing("n1"), lost("n2", 1.0))
    keys, found = given_up(replica("n1"), moved(Cause.DRAIN, State.READY), nodes=TWO[:1], remembered=known)
    assert keys == ["shop/web/1.2"]
    assert not [each for each in found.places if not each.leaving]


def test_of_two_places_only_the_newer_counts_for_evenness():
    zones = [node("a1", "a"), node("b1", "b")]
    crowd = [replica("a1", slot, "shop/db") for slot in range(1, 4)]  # speaks against a1, but later than the zone
    new = replica("b1", generation=2, cause=Cause.FAILURE, state=State.STARTING, since=NOW)
    found = planned(
        zones, [demand(replicas=2), demand("shop/db", replicas=3)], [replica("a1", state=State.STARTING), new, *crowd]
    )
    assert [(each.slot, each.node) for each in found.places] == [(2, "a1")]


def renewed(state, **more):
    """The second place of slot 1, of a later revision."""
    return moved(Cause.RENEWAL, state, revision="r2", **more)


def test_of_two_revisions_the_wanted_one_takes_over_when_it_was_ready_for_long_enough():
    keys, found = given_up(replica("n1"), renewed(State.READY), revision="r2")
    assert keys == [] and found.again_at == NOW + 5.0
    assert given_up(replica("n1"), renewed(State.READY, ready_since=NOW - 10.0), revision="r2")[0] == ["shop/web/1.1"]


def test_of_two_revisions_both_stay_however_long_the_wanted_one_does_not_get_ready():
    late = renewed(State.STARTING, since=NOW - 1e6)
    assert given_up(replica("n1"), late, revision="r2")[0] == []
    assert given_up(replica("n1", state=State.UNHEALTHY), late, revision="r2")[0] == []


def test_who_goes_back_to_the_revision_before_keeps_its_replica():
    assert given_up(replica("n1"), renewed(State.STARTING), revision="r1")[0] == ["shop/web/1.2"]
    assert given_up(replica("n1", state=State.STARTING), renewed(State.READY), revision="r1")[0] == []


def test_of_two_that_are_not_wanted_any_more_the_one_that_serves_stays():
    assert given_up(replica("n1"), renewed(State.STARTING), revision="r3")[0] == ["shop/web/1.2"]
    assert given_up(replica("n1", state=State.ENDED), renewed(State.READY), revision="r3")[0] == ["shop/web/1.1"]


def test_one_of_the_wanted_revision_that_is_lost_yields_to_one_that_serves():
    known = memory(lost("n1", 1.0), standing("n2"))
    assert given_up(replica("n1"), renewed(State.READY), nodes=TWO[1:], remembered=known)[0] == ["shop/web/1.1"]


def test_places_that_have_left_are_deleted_when_their_node_has_nothing_of_them():
    still = replica("n1", 2, leaving=True)
    gone = replica("n1", 3, leaving=True, state=State.ENDED, gone=True)
    found = planned(TWO, [demand()], [replica("n1"), still, gone])
    assert [each.key for each in found.deletes] == ["shop/web/3.1"]
    assert order("n1", 3).key == "shop/web/3.1"

from __future__ import annotations

from tests.support.placement import NOW, demand, node, planned, replica
from tidegate.placement.replica import Cause, State

DRY = node("dry", drained=True, drained_since=NOW - 10.0)
NODES = [DRY, node("n1"), node("n2")]


def drained(*replicas, nodes=NODES, **wants):
    found = planned(nodes, [demand(**({"replicas": len(replicas)} | wants))], replicas)
    return [each for each in found.places if not each.leaving], [each for each in found.places if each.leaving], found


def test_a_replica_of_a_drained_node_is_started_elsewhere_before_it_goes():
    (new,), gone, _ = drained(replica("dry"), replica("n1", 2))
    assert (new.key, new.node, new.cause) == ("shop/web/1.2", "n2", Cause.DRAIN)
    assert not gone


def test_as_many_move_at_a_time_as_the_service_allows():
    four = [replica("dry", slot) for slot in range(1, 5)]
    assert len(drained(*four)[0]) == 1
    assert len(drained(*four, max_parallel=3)[0]) == 3


def test_one_that_is_on_its_way_counts():
    moving = replica("n1", 1, generation=2, cause=Cause.DRAIN, state=State.STARTING, since=NOW)
    assert not drained(replica("dry"), moving, replica("dry", 2), replicas=2)[0]


def test_a_service_that_lacks_replicas_already_gives_none_away():
    assert not drained(replica("dry"), replica("n1", 2, state=State.UNHEALTHY), replica("n2", 3))[0]


def test_one_that_was_ready_too_briefly_does_not_count_as_there():
    fresh = replica("n1", 2, ready_since=NOW - 3.0)
    none, _, found = drained(replica("dry"), fresh, replica("n2", 3))
    assert not none and found.again_at == NOW + 7.0


def test_what_does_not_serve_may_always_go():
    assert len(drained(replica("dry", state=State.UNHEALTHY), replica("dry", 2, state=State.STARTING))[0]) == 2


def test_after_an_hour_nobody_is_asked_any_more():
    late = [node("dry", drained=True, drained_since=NOW - 3600.0), *NODES[1:]]
    new, gone, _ = drained(*(replica("dry", slot) for slot in range(1, 5)), nodes=late)
    assert (len(new), len(gone)) == (4, 4)


def test_what_has_its_data_there_stays_and_that_is_said():
    none, gone, found = drained(replica("dry"), volumes=("data",))
    assert not none and not gone
    assert found.notes[0].what == "shop/web 1 stays on dry: its volumes data are there"


def test_an_exclusive_replica_goes_first_and_is_placed_anew_when_it_is_gone():
    none, gone, _ = drained(replica("dry"), exclusive=True)
    assert not none and [each.key for each in gone] == ["shop/web/1.1"]


def test_where_two_cannot_be_side_by_side_the_old_one_goes_first():
    none, gone, _ = drained(replica("dry"), stop_first=True)
    assert not none and [each.key for each in gone] == ["shop/web/1.1"]


def test_what_has_done_its_work_stays():
    none, gone, _ = drained(replica("dry", state=State.ENDED, done=True, ready_since=0.0))
    assert not none and not gone


def test_what_is_of_an_older_revision_leaves_by_being_renewed():
    (new,), gone, _ = drained(replica("dry"), replica("dry", 2), revision="r2")
    assert (new.cause, new.revision, new.node != "dry", gone) == (Cause.RENEWAL, "r2", True, [])


def test_the_replacement_counts_in_its_zone_in_place_of_the_one_it_replaces():
    nodes = [node("dry", "a", drained=True), node("a2", "a"), node("b1", "b"), node("c1", "c")]
    three = [replica("dry"), replica("b1", 2), replica("c1", 3)]
    found = planned(nodes, [demand("shop/web", "availability:az==3", replicas=3)], three)
    assert [each.node for each in found.places] == ["a2"]


def test_what_leaves_because_it_does_not_stay_up_is_not_asked_to_leave_twice():
    crash = replica("dry", state=State.STARTING, ended=3, ended_at=NOW - 1.0)
    (new,), gone, _ = drained(crash)
    assert (new.key, new.cause) == ("shop/web/1.2", Cause.CRASH)
    assert [each.key for each in gone] == ["shop/web/1.1"]

from __future__ import annotations

import pytest

from tests.support.placement import NOW, demand, lost, memory, node, planned, replica, standing
from tidegate.placement.replica import Cause, State
from tidegate.placement.rules import Reschedule

LEFT = [node("n2")]
KNOWN = memory(lost("n1", 0.0), standing("n2"))


def moves(*replicas, nodes=LEFT, known=KNOWN, **wants):
    found = planned(nodes, [demand(**({"replicas": len(replicas)} | wants))], replicas, known)
    return [each for each in found.places if not each.leaving], found


def test_a_replica_of_a_lost_node_is_placed_elsewhere_at_once():
    (place,), _ = moves(replica("n1"))
    assert (place.key, place.node, place.cause, place.moves) == ("shop/web/1.2", "n2", Cause.FAILURE, 1)
    assert place.why == "n1 is gone"


@pytest.mark.parametrize(
    "wants",
    [{"reschedule": Reschedule.NEVER}, {"volumes": ("data",)}, {"everywhere": True}],
    ids=["policy", "data", "global"],
)
def test_what_may_not_move_waits_for_its_node(wants):
    assert not moves(replica("n1"), replica("n2", 2), **wants)[0]


def test_what_has_data_moves_where_somebody_said_so():
    assert moves(replica("n1"), volumes=("data",), reschedule=Reschedule.ALWAYS)[0]


def test_a_node_that_is_only_not_seen_yet_loses_nothing():
    found = planned(LEFT, [demand()], [replica("n1")], memory(standing("n1"), standing("n2")), now=NOW)
    assert found.places  # its lease ended
    new = planned(LEFT, [demand()], [replica("n1")], memory(standing("n1"), standing("n2")), now=NOW)
    assert new.standings[0].down_since == NOW


def test_who_lost_its_second_node_soon_waits_for_the_delay():
    again = replica("n1", generation=2, cause=Cause.FAILURE, moves=1, since=NOW - 20.0)
    none, found = moves(again)
    assert not none and found.again_at == NOW + 30.0


def test_an_exclusive_replica_is_told_to_leave_in_the_same_write_and_not_before_it_is_surely_stopped():
    assert not moves(replica("n1"), exclusive=True)[1].places
    _, found = moves(replica("n1"), exclusive=True, known=memory(lost("n1", 12.0), standing("n2")))
    assert [(each.key, each.leaving) for each in found.places] == [("shop/web/1.1", True), ("shop/web/1.2", False)]


def test_an_exclusive_replica_waits_from_when_its_node_was_seen_to_go_whenever_that_was_said():
    """A new leader says it late; and what another one wrote was by another clock."""
    wanted, gone = [demand(exclusive=True)], [replica("n1")]

    def begins(said, seen):
        found = planned(LEFT, wanted, gone, memory(lost("n1", said), standing("n2")), unseen={"n1": NOW - seen})
        return bool(found.places) or found.again_at

    assert begins(said=0.0, seen=12.0) is True
    assert begins(said=0.0, seen=11.0) == NOW + 1.0
    assert begins(said=3600.0, seen=2.0) == NOW + 10.0


def test_a_place_keeps_how_long_its_revision_takes_to_stop():
    (place,), _ = moves(replica("n1"), stop_grace=45.0)
    assert place.stop_grace == 45.0


def test_not_more_than_a_tenth_moves_at_once():
    nodes = [node(f"n{number}") for number in range(2, 22)]
    here = [replica("n2", slot) for slot in range(1, 16)]
    gone = [replica("n1", slot) for slot in range(16, 21)]
    known = memory(lost("n1", 0.0), *(standing(each.name) for each in nodes))
    some, found = moves(*here, *gone, nodes=nodes, known=known)
    assert len(some) == 2 and found.again_at == NOW + 10.0


def test_of_few_nodes_the_whole_of_one_moves_at_once():
    nodes = [node("n2"), node("n3")]
    known = memory(lost("n1", 0.0), standing("n2"), standing("n3"))
    replicas = [replica(f"n{1 + slot % 3}", slot) for slot in range(1, 22)]
    some, _ = moves(*replicas, nodes=nodes, known=known)
    assert len(some) == 7


def test_what_no_node_takes_does_not_use_up_what_may_move():
    stuck = [replica("n1", slot, "shop/big") for slot in range(1, 4)]
    found = planned(LEFT, [demand("shop/big", cpu=99.0, replicas=3), demand()], [*stuck, replica("n1")], KNOWN)
    assert [each.key for each in found.places] == ["shop/web/1.2"]
    assert len(found.refusals) == 3


def test_when_too_many_nodes_go_at_once_nothing_moves_and_that_is_said():
    nodes = [node("n4", "b"), node("n5", "b")]
    known = memory(*(lost(f"n{n}", 5.0) for n in (1, 2, 3)), standing("n4", "b"), standing("n5", "b"))
    none, found = moves(replica("n1"), replica("n2", 2), nodes=nodes, known=known)
    assert not none
    assert [brake.zone for brake in found.ledger.brakes] == ["a", ""]
    assert "went within a minute" in found.notes[0].what


def test_a_person_who_drains_the_lost_nodes_lets_them_go():
    nodes = [
        node("n1", ready=False, drained=True),
        node("n2", ready=False, drained=True),
        node("n4", "b"),
        node("n5", "b"),
    ]
    known = memory(lost("n1", 5.0), lost("n2", 5.0), standing("n4", "b"), standing("n5", "b"))
    assert moves(replica("n1"), replica("n4", 2), nodes=nodes, known=known)[0]


def test_a_slot_whose_replacement_has_started_is_not_placed_a_third_time():
    new = replica("n2", generation=2, cause=Cause.FAILURE, state=State.STARTING)
    assert not moves(replica("n1"), new, replicas=1)[0]


def test_a_replica_that_does_not_stay_up_is_tried_elsewhere():
    known, two = memory(standing("n1"), standing("n2")), [node("n1"), node("n2")]
    crash = replica("n1", state=State.STARTING, ended=3, ended_at=NOW - 1.0)
    (place,), found = moves(crash, nodes=two, known=known)
    assert (place.node, place.cause) == ("n2", Cause.CRASH)
    assert [each.key for each in found.places if each.leaving] == ["shop/web/1.1"]


def test_a_replica_that_does_not_stay_up_stays_where_there_is_no_elsewhere():
    crash = replica("n1", state=State.STARTING, ended=9, ended_at=NOW - 1.0)
    none, found = moves(crash, nodes=[node("n1")], known=memory(standing("n1")))
    assert not none and not found.places and not found.refusals
    full = [node("n1"), node("n2", cpu=1.0)]
    none, found = moves(crash, nodes=full, known=memory(standing("n1"), standing("n2")), cpu=2.0)
    assert not none and not found.places
    assert "1 are where it did not stay up" in found.refusals[0].text


def test_what_is_lost_of_an_older_revision_comes_again_as_the_wanted_one():
    (place,), _ = moves(replica("n1"), revision="r2")
    assert (place.key, place.revision, place.cause) == ("shop/web/1.2", "r2", Cause.FAILURE)


def test_of_an_older_revision_what_does_not_stay_up_is_left_to_be_renewed():
    known, two = memory(standing("n1"), standing("n2")), [node("n1"), node("n2")]
    crash = replica("n1", state=State.STARTING, ended=3, ended_at=NOW - 1.0)
    (place,), found = moves(crash, nodes=two, known=known, revision="r2")
    assert place.cause is Cause.RENEWAL and not [each for each in found.places if each.leaving]


def test_what_has_done_its_work_is_not_done_again_because_its_node_is_gone():
    assert not moves(replica("n1", state=State.ENDED, done=True))[0]


def test_where_two_cannot_be_side_by_side_the_lost_one_is_told_to_leave_in_the_same_write():
    _, found = moves(replica("n1"), stop_first=True)
    assert [(each.key, each.leaving) for each in found.places] == [("shop/web/1.1", True), ("shop/web/1.2", False)]


def test_where_two_cannot_be_side_by_side_all_of_a_slot_leave_for_one_new_one():
    known = memory(lost("n1", 61.0), lost("n3", 61.0), standing("n2"), standing("n4"), standing("n5"))
    _, found = moves(
        replica("n1"),
        replica("n3", generation=2),
        nodes=[node("n2"), node("n4"), node("n5")],
        known=known,
        replicas=1,
        stop_first=True,
    )
    assert [(each.key, each.leaving) for each in found.places] == [
        ("shop/web/1.1", True),
        ("shop/web/1.2", True),
        ("shop/web/1.3", False),
    ]


def test_one_of_the_wanted_revision_that_is_lost_comes_again_though_an_older_one_runs_that_does_not_serve():
    older = replica("n2", generation=2, revision="r0", state=State.UNHEALTHY)
    (place,), _ = moves(replica("n1"), older, replicas=1)
    assert (place.key, place.revision) == ("shop/web/1.3", "r1")

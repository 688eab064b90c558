from __future__ import annotations

from tests.support.placement import NOW, demand, lost, memory, node, planned, replica, standing
from tidegate.placement.replica import State

TWO = [node("n1"), node("n2")]


def made(found):
    return sorted(each.key for each in found.places if not each.leaving)


def left(found):
    return sorted(each.key for each in found.places if each.leaving)


def test_missing_slots_are_filled_from_the_lowest_number():
    found = planned(TWO, [demand(replicas=4)], [replica("n1", 2)])
    assert made(found) == ["shop/web/1.1", "shop/web/3.1", "shop/web/4.1"]


def test_a_slot_that_is_being_left_is_filled_as_a_further_generation():
    found = planned(TWO, [demand(replicas=1)], [replica("n1", leaving=True, generation=3)])
    assert made(found) == ["shop/web/1.4"]


def test_fewer_replicas_dismiss_those_that_serve_least():
    found = planned(TWO, [demand(replicas=1)], [replica("n1", 1, state=State.UNHEALTHY), replica("n2", 2)])
    assert left(found) == ["shop/web/1.1"]
    assert found.places[0].why == "only one is wanted"


def test_a_service_that_nobody_wants_goes_whole():
    assert left(planned(TWO, [], [replica("n1"), replica("n2", 2)])) == ["shop/web/1.1", "shop/web/2.1"]


def test_a_service_under_release_is_left_alone():
    found = planned(TWO, [demand(replicas=5)], [replica("n1")], held=frozenset(("shop/web",)))
    assert found.empty


def test_an_exclusive_slot_is_not_filled_while_its_old_replica_may_run():
    wanted = demand(exclusive=True)
    assert not made(planned(TWO, [wanted], [replica("n1", leaving=True)]))
    found = planned(TWO, [wanted], [replica("n1", leaving=True, gone=True)])
    assert made(found) == ["shop/web/1.2"]
    assert [each.key for each in found.deletes] == ["shop/web/1.1"]


def test_a_slot_that_was_left_first_is_held_until_a_node_takes_it_and_goes_back_to_its_data():
    old = replica("n1", leaving=True, gone=True)
    found = planned(TWO, [demand(stop_first=True, cpu=9.0)], [old])
    assert not found.places and not found.deletes and found.refusals
    found = planned(
        TWO, [demand(stop_first=True, volumes=("data",))], [replica("n2"), replica("n1", 2, leaving=True, gone=True)]
    )
    assert not found.places
    bound = demand(stop_first=True, volumes=("data",), replicas=2)
    found = planned(TWO, [bound], [replica("n2"), replica("n1", 2, leaving=True, gone=True)])
    assert [(each.key, each.node) for each in found.places] == [("shop/web/2.2", "n1")]
    assert [each.key for each in found.deletes] == ["shop/web/2.1"]


def test_a_slot_that_is_held_is_let_go_when_fewer_are_wanted():
    found = planned(TWO, [demand(stop_first=True)], [replica("n2"), replica("n1", 2, leaving=True, gone=True)])
    assert not found.places and [each.key for each in found.deletes] == ["shop/web/2.1"]


def test_a_place_of_which_nothing_is_there_and_never_will_be_is_made_anew():
    found = planned(TWO, [demand(revision="r2")], [replica("n1", state=State.ENDED, gone=True)])
    assert [each.key for each in found.deletes] == ["shop/web/1.1"]
    assert made(found) == ["shop/web/1.2"]


def test_an_exclusive_slot_of_a_lost_node_is_filled_once_that_has_surely_stopped_it():
    wanted, old = demand(exclusive=True), [replica("n1", leaving=True)]
    early = planned(TWO[1:], [wanted], old, memory(lost("n1", 11.0), standing("n2")))
    assert not made(early) and early.again_at == NOW + 1.0
    assert made(planned(TWO[1:], [wanted], old, memory(lost("n1", 12.0), standing("n2")))) == ["shop/web/1.2"]


def test_what_is_everywhere_is_once_on_each_node_that_may_have_it():
    nodes = [*TWO, node("n3", drained=True), node("n4", labels={"no": "yes"})]
    found = planned(nodes, [demand("shop/web", "constraint:no!=yes", everywhere=True)], [replica("n2")])
    assert {each.node for each in found.places} == {"n1"}


def test_what_is_everywhere_leaves_a_drained_node():
    nodes = [node("n1"), node("n2", drained=True)]
    found = planned(nodes, [demand(everywhere=True)], [replica("n1"), replica("n2", 2)])
    assert left(found) == ["shop/web/2.1"] and not made(found)


def test_what_is_everywhere_waits_for_a_lost_node_for_a_day():
    wanted, pair = demand(everywhere=True), [replica("n1"), replica("n2", 2)]
    assert planned(TWO[:1], [wanted], pair, memory(standing("n1"), lost("n2", 3600.0))).places == ()
    found = planned(TWO[:1], [wanted], pair, memory(standing("n1"), lost("n2", 86400.0)))
    assert [each.key for each in found.deletes] == ["shop/web/2.1"]


def test_what_leaves_a_lost_node_is_not_waited_for_unless_its_data_is_there():
    pair = [replica("n1"), replica("n2", 2, leaving=True)]
    hour, day = (memory(standing("n1"), lost("n2", ago)) for ago in (3600.0, 86400.0))
    assert [each.key for each in planned(TWO[:1], [demand()], pair, hour).deletes] == ["shop/web/2.1"]
    bound = demand(volumes=("data",), stop_first=True, replicas=2)
    kept = planned(TWO[:1], [bound], pair, hour)
    assert not kept.deletes and not kept.places
    assert made(planned(TWO[:1], [bound], pair, day)) == ["shop/web/2.2"]
    assert not planned(TWO[:1], [], pair[1:], hour).places


def test_what_nobody_wants_any_more_is_waited_for_as_if_it_had_been_exclusive():
    gone = [replica("n2", leaving=True)]
    early = planned(TWO[:1], [], gone, memory(standing("n1"), lost("n2", 11.0)))
    assert early.empty and early.again_at == NOW + 1.0
    assert planned(TWO[:1], [], gone, memory(standing("n1"), lost("n2", 12.0))).deletes


def test_what_is_everywhere_leaves_a_node_that_may_not_have_it_any_more_and_is_nowhere_twice():
    nodes = [*TWO, node("n3", labels={"no": "yes"})]
    wanted = demand("shop/web", "constraint:no!=yes", everywhere=True)
    found = planned(nodes, [wanted], [replica("n1"), replica("n1", 2), replica("n2", 3), replica("n3", 4)])
    assert left(found) == ["shop/web/2.1", "shop/web/4.1"] and not made(found)


def test_what_nobody_wants_goes_after_those_that_need_it():
    web, db = replica("n1"), replica("n1", 1, "shop/db")
    after = {"shop/db": ("shop/web",), "shop/web": ()}
    assert left(planned(TWO, [], [db, web], after=after)) == ["shop/web/1.1"]
    assert left(planned(TWO, [], [db, replica("n1", leaving=True)], after=after)) == []
    assert left(planned(TWO, [], [db], after=after)) == ["shop/db/1.1"]

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.placement import NOW, demand, lost, memory, node, planned, replica, standing
from tidegate.placement.replica import Cause, Replica, State

TWO = [node("n1"), node("n2")]


def wanted(replicas=1, **more):
    return demand(replicas=replicas, revision="r2", **more)


def new(slot=1, generation=2, **more):
    """A replica of the wanted revision that took a slot over."""
    return replica("n1", slot, generation=generation, revision="r2", cause=Cause.RENEWAL, **more)


def renewed(want, *replicas, nodes=TWO, now=NOW, **more):
    """What is written: by place, the revision of a new one, `leaving`, or `gone`."""
    found = planned(nodes, [want], replicas, now=now, **more)
    changes = {each.key.rpartition("/")[2]: "leaving" if each.leaving else each.revision for each in found.places}
    return changes | {each.key.rpartition("/")[2]: "gone" for each in found.deletes}


def test_another_revision_starts_beside_the_old_one_slot_by_slot():
    assert renewed(wanted(2), replica("n1"), replica("n1", 2)) == {"1.2": "r2"}
    (place,) = planned(TWO, [wanted()], [replica("n1")]).places
    assert (place.cause, place.why) == (Cause.RENEWAL, "another revision is wanted")


def test_the_next_slot_has_its_turn_when_nothing_of_the_old_one_is_left():
    going = replica("n1", leaving=True)
    assert renewed(wanted(2), going, new(), replica("n1", 2)) == {}
    assert renewed(wanted(2), new(), replica("n1", 2)) == {"2.2": "r2"}


def test_the_next_slot_has_its_turn_when_the_last_one_was_ready_for_as_long_as_was_said():
    recent = new(ready_since=NOW - 11.0)
    assert renewed(wanted(2), recent, replica("n1", 2)) == {"2.2": "r2"}
    assert renewed(wanted(2, delay=30.0), recent, replica("n1", 2)) == {}
    found = planned(TWO, [wanted(2, delay=30.0)], [recent, replica("n1", 2)])
    assert found.again_at == NOW + 19.0


def test_as_many_are_replaced_at_a_time_as_was_said():
    there = [replica("n1", slot) for slot in (1, 2, 3)]
    assert set(renewed(wanted(3, max_parallel=2), *there)) == {"1.2", "2.2"}


def test_what_serves_nothing_has_its_turn_first():
    assert renewed(wanted(2), replica("n1"), replica("n1", 2, state=State.ENDED)) == {"2.2": "r2"}


def test_a_new_one_that_does_not_get_ready_replaces_nobody_and_that_is_said():
    broken = new(state=State.STARTING, since=NOW - 299.0)
    there = [replica("n1"), broken, replica("n1", 2), replica("n1", 3)]
    found = planned(TWO, [wanted(3, max_parallel=2)], there)
    assert [each.key for each in found.places] == ["shop/web/2.2"] and not found.notes
    found = planned(TWO, [wanted(3, max_parallel=2)], there, now=NOW + 1.0)
    assert not found.places and not found.deletes
    assert [each.what for each in found.notes] == [
        "shop/web is renewed no further, 2 slots keep the revision before: the new one does not get ready in 1"
    ]


def test_one_that_ended_has_failed_at_once_and_recovers_when_it_is_ready_after_all():
    olds = [replica("n1"), replica("n1", 2), replica("n1", 3)]
    ended = new(state=State.ENDED, ended=1, since=NOW - 5.0)
    assert renewed(wanted(3, max_parallel=2), ended, *olds) == {}
    assert set(renewed(wanted(3, max_parallel=2), new(ended=1), *olds[1:])) == {"2.2", "3.2"}


def test_as_many_may_fail_as_was_said():
    olds = [replica("n1", slot) for slot in (1, 2, 3, 4)]
    ended = [new(slot, state=State.ENDED, ended=1, since=NOW - 5.0) for slot in (1, 2)]
    assert renewed(wanted(4, failure_ratio=0.25), ended[0], *olds) == {"2.2": "r2"}
    assert renewed(wanted(4, failure_ratio=0.25), *ended, *olds) == {}


def test_one_that_failed_and_leaves_a_drained_node_still_counts():
    there = [
        new(state=State.STARTING, ended=1),
        new(2, state=State.STARTING, ended=1),
        replica("n1", 3),
        replica("n1", 4),
    ]
    want = wanted(4, stop_first=True, max_parallel=2, failure_ratio=0.3)
    assert renewed(want, *there) == {}
    gone = replica("n2", 2, generation=2, revision="r2", state=State.STARTING, ended=1, leaving=True)
    assert renewed(want, there[0], gone, *there[2:]) == {}


def test_slots_that_are_wanted_no_more_do_not_make_a_failed_one_count_less():
    there = [replica("n1"), new(2, state=State.STARTING, ended=1), replica("n1", 3)]
    over = [replica("n2", slot, leaving=True, gone=True) for slot in (4, 5)]
    want = wanted(3, stop_first=True, max_parallel=2, failure_ratio=0.3)
    assert renewed(want, *there, *over) == {"4.1": "gone", "5.1": "gone"}


def test_of_what_is_everywhere_those_count_too_that_are_on_their_way():
    four = [*TWO, node("n3"), node("n4")]
    ended = new(1, state=State.ENDED, ended=1, since=NOW - 5.0)
    left, olds = replica("n2", 2, leaving=True, gone=True), [replica("n3", 3), replica("n4", 4)]
    found = renewed(
        wanted(everywhere=True, stop_first=True, failure_ratio=0.3, max_parallel=2), ended, left, *olds, nodes=four
    )
    assert found == {"2.1": "gone", "2.2": "r2", "3.1": "leaving"}


def test_a_third_revision_takes_the_place_of_one_that_was_on_its_way():
    third = demand(revision="r3")
    assert renewed(third, replica("n1"), new(state=State.STARTING)) == {"1.2": "leaving"}
    assert renewed(third, replica("n1"), new(leaving=True, gone=True)) == {"1.2": "gone", "1.3": "r3"}


def test_stop_first_waits_until_nothing_of_the_old_one_is_left():
    want = wanted(2, stop_first=True)
    assert renewed(want, replica("n1"), replica("n1", 2)) == {"1.1": "leaving"}
    assert renewed(want, replica("n1", leaving=True), replica("n1", 2)) == {}
    assert renewed(want, replica("n1", leaving=True, gone=True), replica("n1", 2)) == {"1.1": "gone", "1.2": "r2"}


def test_stop_first_keeps_of_a_slot_that_was_left_twice_the_last_place():
    twice = [replica("n1", leaving=True, gone=True), replica("n2", generation=2, leaving=True, gone=True)]
    assert renewed(wanted(1, stop_first=True), *twice) == {"1.1": "gone", "1.2": "gone", "1.3": "r2"}
    held = renewed(wanted(1, stop_first=True, cpu=99.0), *twice)
    assert held == {"1.1": "gone"}


def test_stop_first_takes_away_no_further_one_while_the_new_one_has_no_node():
    held = [replica("n1", leaving=True, gone=True), replica("n1", 2)]
    assert renewed(wanted(2, stop_first=True, cpu=99.0), *held) == {}


def test_stop_first_goes_on_though_a_further_slot_has_no_node():
    want, port = wanted(3, stop_first=True, ports=("tcp/80",)), {"ports": ("tcp/80",)}
    assert renewed(want, replica("n1", **port), replica("n2", 2, **port)) == {"1.1": "leaving"}


def test_what_waits_for_its_lost_node_holds_nobody_up():
    known = memory(standing("n1"), lost("n2", 60.0))
    bound = wanted(2, volumes=("data",), stop_first=True)
    found = planned(TWO[:1], [bound], [replica("n2"), replica("n1", 2)], known)
    assert [(each.key, each.leaving) for each in found.places] == [("shop/web/2.1", True)]


def test_what_has_data_on_its_node_or_is_everywhere_is_renewed_there():
    for more in ({"volumes": ("data",)}, {"everywhere": True}):
        found = planned(TWO, [wanted(2, **more)], [replica("n2"), replica("n1", 2)])
        assert [(each.key, each.node) for each in found.places] == [("shop/web/1.2", "n2")]


def test_what_is_everywhere_and_cannot_be_side_by_side_is_left_and_comes_again_on_its_node():
    want, other = wanted(everywhere=True, stop_first=True), replica("n1", 2)
    assert renewed(want, replica("n2"), other) == {"1.1": "leaving"}
    assert renewed(want, replica("n2", leaving=True), other) == {}
    found = planned(TWO, [want], [replica("n2", leaving=True, gone=True), other])
    assert [(each.key, each.node) for each in found.places] == [("shop/web/1.2", "n2")]
    assert [each.key for each in found.deletes] == ["shop/web/1.1"]


def test_what_comes_again_on_its_node_does_so_before_those_that_refuse_to_be_beside_it():
    want = wanted(everywhere=True, stop_first=True)
    shy = demand("shop/shy", "affinity:service!=shop/web")
    there = [replica("n1", leaving=True, gone=True), replica("n2", 2, revision="r2")]
    found = planned(TWO, [shy, want], there)
    assert [(each.key, each.node) for each in found.places] == [("shop/web/1.2", "n1")]
    assert [each.service for each in found.refusals] == ["shop/shy"]


def test_a_service_that_somebody_else_moves_is_not_renewed():
    assert renewed(wanted(3), replica("n1"), held=frozenset(("shop/web",))) == {}


# ------------------------------------------------------------------------------------------------------- any situation

ALL = [node("n1"), node("n2"), node("n3", drained=True, drained_since=NOW - 60.0)]
KNOWN = memory(standing("n1"), standing("n2"), standing("n3"), lost("z", 60.0))
REPLICAS = st.lists(
    st.builds(
        replica,
        st.sampled_from(["n1", "n2", "n3", "z"]),
        st.integers(1, 4),
        generation=st.integers(1, 3),
        revision=st.sampled_from(["r1", "r2", "r3"]),
        state=st.sampled_from([State.PENDING, State.STARTING, State.READY, State.UNHEALTHY, State.ENDED]),
        ready_since=st.sampled_from([NOW - 100.0, NOW - 1.0]),
        cause=st.sampled_from([Cause.NEW, Cause.RENEWAL, Cause.FAILURE, Cause.DRAIN]),
        leaving=st.booleans(),
        gone=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda each: each.key,
)
WANTED = st.builds(
    demand,
    replicas=st.integers(0, 5),
    revision=st.sampled_from(["r1", "r2", "r3"]),
    stop_first=st.booleans(),
    max_parallel=st.integers(1, 3),
    everywhere=st.booleans(),
    failure_ratio=st.sampled_from([0.0, 0.5]),
    delay=st.sampled_from([0.0, 30.0]),
)


def carried_out(replicas, found):
    """The picture after everything was written."""
    places = {each.key: each for each in replicas}
    for place in found.deletes:
        del places[place.key]
    for place in found.places:
        known = places.get(place.key)
        places[place.key] = replace(known, place=place, gone=False) if known else Replica(place=place)
    return tuple(places.values())


@settings(max_examples=100, deadline=None)
@given(WANTED, REPLICAS)
def test_never_more_than_wanted_nor_two_that_are_seen_beside_a_new_one(want, replicas):
    known = {each.key for each in replicas}
    found = planned(ALL, [want], replicas, KNOWN)
    after = [each for each in carried_out(replicas, found) if each.staying]
    assert len({each.slot for each in after}) <= (3 if want.everywhere else max(want.replicas, 0))
    for place in found.places:
        if place.key not in known and not place.leaving:
            beside = [each for each in after if each.slot == place.slot and each.key != place.key and each.node != "z"]
            assert len(beside) <= (0 if want.stop_first else 1)
            assert place.revision == want.revision


@settings(max_examples=40, deadline=None)
@given(WANTED, REPLICAS)
def test_it_comes_to_what_is_wanted_when_everybody_does_as_told(want, replicas):
    replicas, now, remembered, quiet = tuple(replicas), NOW, KNOWN, 0
    for _ in range(80):
        replicas = tuple(
            replace(each, gone=True)
            if each.place.leaving
            else replace(each, gone=False, state=State.READY, ready_since=each.ready_since if each.ready else now)
            for each in replicas
        )
        now += 31.0
        found = planned(ALL, [want], replicas, remembered, now=now)
        remembered = replace(remembered, standings=remembered.standings | {each.node: each for each in found.standings})
        quiet = 0 if found.places or found.deletes else quiet + 1
        if quiet == 12:
            break
        replicas = carried_out(replicas, found)
    else:
        raise AssertionError("it does not come to rest")
    here = [each for each in replicas if each.node != "z"]
    assert len(here) == (2 if want.everywhere else want.replicas)
    assert {each.revision for each in here} <= {want.revision}

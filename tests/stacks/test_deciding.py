from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tidegate.placement.demand import Demand
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Place, Replica, State
from tidegate.stacks.deciding import Scene, Wanted, decide, here
from tidegate.stacks.naming import key_of

NODES = (NodeFacts(name="a"),)
NOW = 1000.0


def wanted(replicas=1, revision="r1", *, stop_first=False, **more):
    return Wanted(
        demand=Demand(service="shop/web", revision=revision, replicas=replicas, min_healthy=10.0, **more),
        stop_first=stop_first,
    )


def seen(slot, generation=1, revision="r1", *, state=State.READY, since=900.0, leaving=False, node="a"):
    place = Place(
        service="shop/web",
        slot=slot,
        generation=generation,
        revision=revision,
        node=node,
        leaving=leaving,
        leaving_since=since if leaving else 0.0,
    )
    return Replica(place=place, state=state, ready_since=since if state is State.READY else 0.0)


def decided(want, *replicas, nodes=NODES, now=NOW, **more):
    """What is written: (slot.generation, revision or `leaving`) of each, `gone` for those taken away."""
    scene = Scene(wanted={"shop/web": want} if want else {}, replicas=replicas, nodes=nodes, **more)
    changes = decide(scene, here(nodes), now)
    return {
        key.rpartition("/")[2]: "gone" if place is None else "leaving" if place.leaving else place.revision
        for key, place in changes.items()
    }


def test_a_service_gets_a_place_for_each_replica():
    assert decided(wanted(3)) == {"1.1": "r1", "2.1": "r1", "3.1": "r1"}


def test_what_is_as_it_should_be_is_left_alone():
    assert decided(wanted(2), seen(1), seen(2, state=State.ENDED)) == {}


def test_a_hole_is_filled_and_a_slot_above_is_kept():
    assert decided(wanted(2), seen(3)) == {"1.1": "r1"}


def test_of_too_many_those_leave_that_do_not_serve_then_old_ones_then_the_last():
    assert decided(wanted(1), seen(1, state=State.STARTING), seen(2)) == {"1.1": "leaving"}
    assert decided(wanted(1), seen(1), seen(2)) == {"2.1": "leaving"}
    assert decided(wanted(1), seen(1, revision="r0"), seen(2)) == {"1.1": "leaving"}


def test_a_new_revision_starts_beside_the_old_one_slot_by_slot():
    assert decided(wanted(2, "r2"), seen(1), seen(2)) == {"1.2": "r2"}


def test_the_old_one_leaves_when_the_new_one_was_ready_for_long_enough():
    fresh = seen(1, 2, "r2", since=NOW - 5)
    assert decided(wanted(2, "r2"), seen(1), fresh, seen(2)) == {}
    settled = seen(1, 2, "r2", since=NOW - 11)
    assert decided(wanted(2, "r2"), seen(1), settled, seen(2)) == {"1.1": "leaving"}


def test_the_next_slot_has_its_turn_when_nothing_of_the_old_one_is_left():
    settled = seen(1, 2, "r2", since=NOW - 11)
    assert decided(wanted(2, "r2"), seen(1, leaving=True), settled, seen(2)) == {}
    assert decided(wanted(2, "r2"), settled, seen(2)) == {"2.2": "r2"}


def test_a_new_one_that_does_not_get_ready_replaces_nobody():
    broken = seen(1, 2, "r2", state=State.ENDED)
    assert decided(wanted(3, "r2"), seen(1), broken, seen(2), seen(3), now=NOW + 1e6) == {}


def test_as_many_are_replaced_at_a_time_as_was_said():
    assert set(decided(wanted(3, "r2", max_parallel=2), seen(1), seen(2), seen(3))) == {"1.2", "2.2"}


def test_a_third_revision_takes_the_place_of_one_that_was_on_its_way():
    on_its_way = seen(1, 2, "r2", state=State.STARTING)
    assert decided(wanted(1, "r3"), seen(1), on_its_way) == {"1.2": "leaving"}
    assert decided(wanted(1, "r3"), seen(1), seen(1, 2, "r2", leaving=True), gone=frozenset({"shop/web/1.2"})) == {
        "1.2": "gone",
        "1.3": "r3",
    }


def test_going_back_to_the_old_revision_keeps_the_old_replica():
    assert decided(wanted(1, "r1"), seen(1), seen(1, 2, "r2", state=State.ENDED)) == {"1.2": "leaving"}


def test_stop_first_waits_until_nothing_of_the_old_one_is_left():
    want = wanted(2, "r2", stop_first=True)
    assert decided(want, seen(1), seen(2)) == {"1.1": "leaving"}
    assert decided(want, seen(1, leaving=True), seen(2)) == {}
    found = decided(want, seen(1, leaving=True), seen(2), gone=frozenset({"shop/web/1.1"}))
    assert found == {"1.1": "gone", "1.2": "r2"}


def test_a_place_that_left_is_taken_away_only_when_nothing_of_it_is_left():
    assert decided(wanted(1), seen(1), seen(2, leaving=True)) == {}
    assert decided(wanted(1), seen(1), seen(2, leaving=True), gone=frozenset({"shop/web/2.1"})) == {"2.1": "gone"}


def test_a_place_whose_container_is_lost_and_cannot_be_made_again_is_made_of_what_is_wanted_now():
    found = decided(wanted(1, "r2"), seen(1, state=State.ENDED), void=frozenset({"shop/web/1.1"}))
    assert found == {"1.1": "gone", "1.2": "r2"}


def test_a_place_on_a_node_that_is_no_more_is_placed_anew():
    assert decided(wanted(1), seen(1, node="b")) == {"1.1": "gone", "1.2": "r1"}


def test_what_is_bound_to_a_lost_node_waits_for_it_unless_there_is_no_other_node_to_come():
    bound = wanted(1, volumes=("data",))
    assert decided(bound, seen(1, node="b")) == {}
    assert decided(bound, seen(1, node="b"), alone=True) == {"1.1": "gone", "1.2": "r1"}
    assert decided(bound, seen(1, node="b", leaving=True)) == {"1.1": "gone", "1.2": "r1"}


def test_where_many_nodes_are_lost_at_once_nothing_moves():
    assert decided(wanted(3), seen(1), seen(2, node="b"), seen(3, node="c")) == {}
    some = (*NODES, *(NodeFacts(name=name) for name in "defgh"))
    assert set(decided(wanted(3), seen(1), seen(2, node="b"), seen(3, node="c"), nodes=some).values()) == {"gone", "r1"}


def test_a_node_that_is_to_be_empty_is_left_one_replica_after_the_other():
    nodes = (NodeFacts(name="a", drained=True), NodeFacts(name="b"))
    assert decided(wanted(2), seen(1), seen(2), nodes=nodes) == {"1.2": "r1"}
    there = seen(1, 2, node="b")
    assert decided(wanted(2), seen(1), there, seen(2), nodes=nodes) == {"1.1": "leaving"}
    assert decided(wanted(1, volumes=("data",)), seen(1), nodes=nodes) == {}


def test_where_no_node_takes_anything_nothing_is_placed():
    assert decided(wanted(1), nodes=(NodeFacts(name="a", drained=True),)) == {}


def test_a_service_that_is_everywhere_has_one_replica_on_each_node():
    nodes = (NodeFacts(name="a"), NodeFacts(name="b"), NodeFacts(name="c", drained=True))
    scene = Scene(wanted={"shop/web": wanted(everywhere=True)}, nodes=nodes)
    places = decide(scene, here(nodes), NOW)
    assert sorted((place.slot, place.node) for place in places.values()) == [(1, "a"), (2, "b")]
    assert decided(wanted(everywhere=True), seen(1), seen(2, node="c"), nodes=nodes) == {"2.1": "leaving", "2.2": "r1"}


def test_a_service_that_is_not_wanted_leaves_after_those_that_need_it():
    app = Place(service="shop/app", slot=1, generation=1, revision="r1", node="a")
    db = Wanted(demand=Demand(service="shop/web", replicas=0), after=("shop/app",))
    gone = Wanted(demand=Demand(service="shop/app", replicas=0))
    scene = Scene(wanted={"shop/web": db, "shop/app": gone}, replicas=(seen(1), Replica(place=app)), nodes=NODES)
    assert set(decide(scene, here(NODES), NOW)) == {"shop/app/1.1"}
    later = replace(scene, replicas=(seen(1),))
    assert set(decide(later, here(NODES), NOW)) == {"shop/web/1.1"}


def test_who_is_moved_by_somebody_else_is_left_alone():
    assert decided(wanted(3, "r2"), seen(1), held=frozenset({"shop/web"})) == {}


# ------------------------------------------------------------------------------------------------------- any situation

REVISIONS = st.sampled_from(["r1", "r2", "r3"])
REPLICAS = st.lists(
    st.builds(
        seen,
        st.integers(1, 4),
        st.integers(1, 3),
        REVISIONS,
        state=st.sampled_from(list(State)),
        since=st.sampled_from([NOW - 100, NOW - 1]),
        leaving=st.booleans(),
        node=st.sampled_from(["a", "b", "z"]),
    ),
    max_size=8,
    unique_by=lambda each: key_of(each.place),
)
WANTED = st.builds(
    wanted,
    st.integers(0, 5),
    REVISIONS,
    stop_first=st.booleans(),
    max_parallel=st.integers(1, 3),
    everywhere=st.booleans(),
)
ALL = (NodeFacts(name="a"), NodeFacts(name="b"), NodeFacts(name="c", drained=True))


def applied(replicas, changes):
    places = {key_of(each.place): each for each in replicas}
    for key, place in changes.items():
        if place is None:
            del places[key]
        else:
            known = places.get(key)
            places[key] = (
                replace(known, place=place) if known and known.revision == place.revision else Replica(place=place)
            )
    return tuple(places.values())


@settings(max_examples=300, deadline=None)
@given(WANTED, REPLICAS)
def test_what_was_decided_needs_no_second_decision(want, replicas):
    scene = Scene(wanted={"shop/web": want}, replicas=tuple(replicas), nodes=ALL)
    after = applied(replicas, decide(scene, here(ALL), NOW))
    assert decide(replace(scene, replicas=after), here(ALL), NOW) == {}


@settings(max_examples=300, deadline=None)
@given(WANTED, REPLICAS)
def test_never_more_than_wanted_and_what_is_replaced_at_a_time_nor_two_new_ones_in_a_slot(want, replicas):
    scene = Scene(wanted={"shop/web": want}, replicas=tuple(replicas), nodes=ALL, alone=True)
    after = [each.place for each in applied(replicas, decide(scene, here(ALL), NOW)) if not each.place.leaving]
    demand = want.demand
    slots = {place.slot for place in after}
    assert len(slots) <= (2 if demand.everywhere else demand.replicas)
    for slot in slots:
        staying = [place for place in after if place.slot == slot]
        assert len([place for place in staying if place.revision == demand.revision]) <= 1
        assert len(staying) <= 2


@settings(max_examples=100, deadline=None)
@given(WANTED, REPLICAS)
def test_it_comes_to_what_is_wanted_when_everybody_does_as_told(want, replicas):
    replicas, now, quiet = tuple(replicas), NOW, 0
    for _ in range(60):
        gone = frozenset(key_of(each.place) for each in replicas if each.place.leaving)
        scene = Scene(wanted={"shop/web": want}, replicas=replicas, nodes=ALL, gone=gone, alone=True)
        changes = decide(scene, here(ALL), now)
        ready = now
        now += 11
        replicas = tuple(
            each if each.ready else replace(each, state=State.READY, ready_since=ready)
            for each in applied(replicas, changes)
        )
        quiet = 0 if changes or gone else quiet + 1
        if quiet == 2:  # in the first one somebody may not have been ready for long enough
            break
    else:
        raise AssertionError("it does not come to rest")
    count = 2 if want.demand.everywhere else want.demand.replicas
    assert len(replicas) == count if want.demand.replicas or want.demand.everywhere else not replicas
    assert {each.revision for each in replicas} <= {want.demand.revision}

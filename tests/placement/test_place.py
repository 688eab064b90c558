from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.placement import GIB, NOW, demand, node, nodes, placed, refusals, replica, scene, slots
from tidegate.placement.demand import Quota
from tidegate.placement.place import place
from tidegate.placement.replica import Cause, Pending
from tidegate.placement.resources import Resources


def test_a_new_place_carries_what_counts_after_its_demand_has_changed():
    wanted = demand(cpu=0.5, ports=("tcp/80",), account="team")
    pending = Pending(
        service="shop/web", slot=4, revision="r1", generation=7, cause=Cause.FAILURE, moves=2, why="n0 is gone"
    )
    (made,) = place([pending], scene(nodes("n1"), [wanted]), NOW, 1).places
    assert (made.node, made.slot, made.generation, made.since) == ("n1", 4, 7, NOW)
    assert (made.reservation, made.ports, made.account) == (Resources(cpu=0.5), ("tcp/80",), "team")
    assert (made.cause, made.moves, made.why) == (Cause.FAILURE, 2, "n0 is gone")


def test_a_round_counts_its_own_places():
    homes = placed(slots(4), nodes("n1", "n2", cpu=2.0), [demand(cpu=1.0)])
    assert sorted(homes) == ["n1", "n1", "n2", "n2"]


def test_a_refusal_counts_what_excludes_how_many_nodes():
    all_ = [node("n1", ready=False), node("n2", drained=True), node("n3", cpu=1.0), node("n4", cpu=1.0), node("n5")]
    wanted = demand("shop/web", "constraint:node!=n5", cpu=2.0)
    (refusal,) = refusals(slots(1), all_, [wanted])
    assert refusal.counts == {"ready": 1, "cordon": 1, "constraint": 1, "resources": 2}
    assert refusal.nodes == 5
    assert refusal.text == (
        "shop/web 1 waits, no node of 5 takes it: 1 are not ready, 1 are drained, "
        "1 do not satisfy constraint:node!=n5, 2 have no room for 2 CPU"
    )


def test_every_slot_that_waits_is_refused_by_name():
    assert [each.slot for each in refusals(slots(5), nodes("n1", cpu=3.0), [demand(cpu=1.0)])] == [4, 5]


def test_a_slot_of_a_revision_that_nobody_knows_waits():
    (refusal,) = refusals(slots(1), nodes("n1"), [])
    assert "nobody says any more" in refusal.text


def test_the_quota_stops_a_group_where_it_is_used_up():
    homes = placed(slots(4), nodes("n1", "n2"), [demand(account="a")], quotas=(Quota(account="a", replicas=3),))
    assert homes.count(None) == 1


def test_a_wish_for_company_is_followed_as_company_arrives():
    """The first of a service that likes to be with itself makes its node better for the next one, but evenness comes first."""
    homes = placed(slots(3), nodes("n1", "n2"), [demand("shop/web", "affinity:service==~web")])
    assert sorted(homes.count(name) for name in ("n1", "n2")) == [1, 2]


def test_what_is_too_much_for_one_round_is_left_for_the_next():
    pending = [*slots(2), *slots(2, "shop/db")]
    picture = scene(nodes("n1", "n2"), [demand(), demand("shop/db")])
    decision = place(pending, picture, NOW, 1, effort=1)
    assert len({each.service for each in decision.places}) == 1
    assert {each.service for each in decision.left} == {"shop/web", "shop/db"} - {decision.places[0].service}


def test_what_no_node_takes_does_not_hold_up_the_others_for_ever():
    demands = [demand(f"shop/s{number}", cpu=99.0 if number else 1.0) for number in range(10)]
    pending = [each for number in range(10) for each in slots(1, f"shop/s{number}")][::-1]
    firsts = [place(pending, scene(nodes("n1", "n2"), demands), NOW, seed, effort=4).places for seed in range(60)]
    assert any(firsts)


def test_the_same_round_is_decided_the_same():
    picture = scene([node(f"n{n}", f"z{n % 3}") for n in range(9)], [demand(cpu=0.5), demand("shop/db")])
    pending = [*slots(6), *slots(6, "shop/db")]
    assert place(pending, picture, NOW, 3) == place(pending, picture, NOW, 3)


@given(
    sizes=st.lists(st.tuples(st.sampled_from([1.0, 2.0, 4.0]), st.sampled_from("abc")), min_size=1, max_size=6),
    wants=st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.integers(1, 6)), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_nothing_is_overbooked_and_nothing_waits_that_would_fit(sizes, wants, seed):
    all_ = [node(f"n{number}", zone, cpu=cpu) for number, (cpu, zone) in enumerate(sizes)]
    demands = [demand(f"shop/s{number}", cpu=cpu, memory=GIB // 8) for number, (cpu, _) in enumerate(wants)]
    pending = [each for number, (_, count) in enumerate(wants) for each in slots(count, f"shop/s{number}")]
    decision = place(pending, scene(all_, demands), NOW, seed)
    used = {each.name: 0.0 for each in all_}
    for each in decision.places:
        used[each.node] += each.reservation.cpu
    assert all(used[each.name] <= each.capacity.cpu for each in all_)
    need = {each.service: each.reservation.cpu for each in demands}
    for refusal in decision.refusals:
        assert all(used[each.name] + need[refusal.service] > each.capacity.cpu for each in all_)
    assert len(decision.places) + len(decision.refusals) == len(pending)


@given(count=st.integers(1, 40), per_zone=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_without_other_reasons_zones_and_their_nodes_end_even(count, per_zone, seed):
    all_ = [node(f"{zone}{number}", f"z{zone}") for zone, many in enumerate(per_zone) for number in range(many)]
    homes = placed(slots(count), all_, [demand()], seed=seed)
    zones = [sum(home.startswith(str(zone)) for home in homes) for zone in range(len(per_zone))]
    assert max(zones) - min(zones) <= 1
    for zone, many in enumerate(per_zone):
        on = [homes.count(f"{zone}{number}") for number in range(many)]
        assert max(on) - min(on) <= 1


def test_an_old_revision_does_not_drive_the_new_one_to_one_side():
    old = [replica("n1", 1, revision="r0"), replica("n1", 2, revision="r0"), replica("n2", 3, revision="r0")]
    homes = placed(slots(2), nodes("n1", "n2"), [demand()], old)
    assert sorted(homes) == ["n1", "n2"]

from __future__ import annotations

import pytest

from tests.support.placement import demand, node, placed, refusals, replica, scene, slots
from tidegate.placement.replica import State
from tidegate.placement.tally import Tally
from tidegate.placement.zones import Zones

THREE = (node("a1", "a"), node("b1", "b"), node("c1", "c"))
SIX = (*THREE, node("a2", "a"), node("b2", "b"), node("c2", "c"))
HARD = "availability:az==3"


def test_replicas_are_spread_over_zones_without_anybody_asking():
    homes = placed(slots(3), SIX, [demand()])
    assert {each[0] for each in homes} == {"a", "b", "c"}


def test_the_hard_rule_keeps_zones_within_one_of_each_other():
    homes = placed(slots(7), SIX, [demand("shop/web", HARD)])
    counts = sorted(sum(each[0] == zone for each in homes) for zone in "abc")
    assert counts == [2, 2, 3]


def test_with_fewer_zones_than_asked_for_each_takes_one_and_no_second():
    homes = placed(slots(3), [node("a1", "a"), node("a2", "a"), node("b1", "b")], [demand("shop/web", HARD)])
    assert homes.count(None) == 1
    assert {each[0] for each in homes if each} == {"a", "b"}


def test_a_zone_that_is_full_holds_up_the_others_and_the_refusal_names_the_rule():
    tight = (node("a1", "a", cpu=1.0), node("b1", "b"), node("c1", "c"))
    (refusal,) = refusals(slots(6), tight, [demand("shop/web", HARD, cpu=1.0)])
    assert refusal.counts == {"resources": 1, "zone": 2}


def test_the_soft_rule_goes_on_where_the_hard_one_stops():
    homes = placed(slots(4), [node("a1", "a"), node("b1", "b")], [demand("shop/web", "availability:az==~3")])
    assert sorted(each[0] for each in homes) == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    "there",
    [
        replica("a1", slot=9, revision="r0"),  # what is being replaced
        replica("a1", slot=9, leaving=True),
        replica("a1", slot=9, state=State.LOST),
    ],
    ids=["older revision", "leaving", "lost"],
)
def test_only_live_replicas_of_the_same_revision_count(there):
    zones = Zones(demand(), [], Tally(scene(THREE, [demand()], [there])))
    assert zones.skew(("a",)) == (0,)


def test_zones_that_a_constraint_excludes_are_not_waited_for():
    mixed = (node("a1", "a", labels={"d": "x"}), node("b1", "b", labels={"d": "x"}), node("c1", "c"))
    homes = placed(slots(4), mixed, [demand("shop/web", "availability:az==2", "constraint:d==x")])
    assert sorted(each[0] for each in homes) == ["a", "a", "b", "b"]


def test_a_preference_spreads_over_a_labels_values_and_then_within_them():
    racks = [node(f"n{n}", "a", labels={"rack": "r1" if n < 3 else "r2", "row": str(n)}) for n in range(4)]
    spread = demand(spread=("node.labels.rack", "node.labels.row"))
    homes = placed(slots(4), racks, [spread])
    in_r1 = [each for each in homes if each in ("n0", "n1", "n2")]
    assert len(in_r1) == 2 == len(set(in_r1))

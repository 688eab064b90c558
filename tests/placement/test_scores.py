from __future__ import annotations

import pytest

from tests.support.placement import demand, node, placed, replica, scene, slots
from tidegate.placement.demand import Fit
from tidegate.placement.filters import Trial
from tidegate.placement.resources import Resources
from tidegate.placement.scores import Scorer, fit
from tidegate.placement.tally import Tally

HALF_FULL = replica("full", service="shop/db", reservation=Resources(cpu=2.0))
PAIR = (node("full"), node("free"))


@pytest.mark.parametrize(
    ("nodes", "wanted", "replicas", "failing", "home"),
    [
        # Each row is decided by one reason, while all later ones speak for the other node.
        ((node("bad"), node("good")), demand(), [replica("good", 9)], {"shop/web": frozenset({"bad"})}, "good"),
        (
            (node("x", "a"), node("y", "a"), node("z", "b")),
            demand(),
            [replica("x", 9), replica("z", 8, "shop/db")],
            {},
            "z",
        ),
        ((node("one"), node("none")), demand(), [replica("one", 9), replica("none", 1, "shop/db")], {}, "none"),
        (PAIR, demand("shop/web", "constraint:node==~full"), [HALF_FULL], {}, "full"),
        (PAIR, demand("shop/web", "affinity:service==~db"), [HALF_FULL], {}, "full"),
        (PAIR, demand(cpu=1.0), [HALF_FULL, replica("free", 1, "shop/x")], {}, "free"),
        (PAIR, demand(cpu=1.0, fit=Fit.BINPACK), [HALF_FULL], {}, "full"),
        ((node("has", images=("app",)), node("not")), demand(image="app"), [replica("has", 1, "shop/x")], {}, "has"),
        ((node("busy"), node("idle")), demand(), [replica("busy", 1, "shop/x")], {}, "idle"),
        ((node("busy"), node("idle")), demand(fit=Fit.BINPACK), [replica("busy", 1, "shop/x")], {}, "busy"),
    ],
    ids=[
        "failures",
        "zone",
        "same service",
        "soft constraint",
        "soft affinity",
        "spread",
        "binpack",
        "image",
        "fewest",
        "most",
    ],
)
def test_one_reason_decides_whatever_the_later_ones_say(nodes, wanted, replicas, failing, home):
    for seed in range(5):
        assert placed(slots(1), nodes, [wanted], replicas, failing=failing, seed=seed) == [home]


def test_no_number_of_wishes_outweighs_a_replica_of_the_same_service():
    wanted = demand("shop/web", "constraint:node==~one", "constraint:d==~x", "affinity:image==~app")
    pair = (node("one", labels={"d": "x"}, images=("app",)), node("none"))
    assert placed(slots(1), pair, [wanted], [replica("one", 9)]) == ["none"]


@pytest.mark.parametrize(("used", "spread", "binpack"), [(0.0, 1.0, 0.0), (4.0, 0.5, 0.5), (2.0, 0.620, 0.379)])
def test_fit_is_nomads_by_what_is_free_of_both_amounts(used, spread, binpack):
    room = Tally(scene([node("n1", cpu=4.0, taken=Resources(cpu=used))])).rooms["n1"]
    assert fit(room, demand()) == pytest.approx(spread, abs=0.001)
    assert fit(room, demand(fit=Fit.BINPACK)) == pytest.approx(binpack, abs=0.001)


def test_equal_nodes_are_taken_by_the_seed_alone():
    equal = [node(f"n{number}") for number in range(20)]
    firsts = {placed(slots(1), equal, [demand()], seed=seed)[0] for seed in range(40)}
    assert len(firsts) > 5
    assert placed(slots(9), equal, [demand()], seed=7) == placed(slots(9), equal[::-1], [demand()], seed=7)


def test_services_that_are_placed_together_do_not_all_begin_at_the_same_node():
    equal = [node(f"n{number}") for number in range(20)]
    firsts = {placed(slots(1, f"shop/s{n}"), equal, [demand(f"shop/s{n}")], seed=1)[0] for n in range(10)}
    assert len(firsts) > 3


def test_a_score_says_for_people_what_the_key_compares():
    wanted = demand("shop/web", "constraint:node==~n1", image="app")
    tally = Tally(scene([node("n1", images=("app",))], [wanted], [replica("n1", 9)]))
    score = Scorer(Trial(wanted, tally), 0).score(tally.rooms["n1"])
    assert (score.here, score.skew, score.soft, score.wishes, score.image, score.total) == (1, (1,), 1, 1, True, 1)

from __future__ import annotations

from collections import Counter

import pytest

from tidegate.policy import Algorithm
from tidegate.router.assembly import Share, build_balancer
from tidegate.router.balancer import Rotation
from tidegate.router.contest import Contest
from tidegate.router.hashing import Rendezvous, key_of

KEYS = [key_of(b"%d" % number) for number in range(4000)]


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [(Algorithm.ROUND_ROBIN, Rotation), (Algorithm.LEAST_REQUESTS, Contest), (Algorithm.HASH, Rendezvous)],
)
def test_endpoints_are_chosen_as_the_route_says(algorithm, kind):
    balancer = build_balancer([Share(1, [("a", 1)])], 0, algorithm)
    assert type(balancer.backends.items[0]) is kind


def test_versions_are_parted_by_weight_before_endpoints_are():
    shares = [Share(90, [(name, 1) for name in "abc"]), Share(10, [("new", 1)])]
    balancer = build_balancer(shares, 0, Algorithm.ROUND_ROBIN)
    assert Counter(balancer.pick(None) for _ in range(100))["new"] == 10


def sides(new_weight, endpoints="abc"):
    shares = [Share(100 - new_weight, [(name, 1) for name in endpoints], "old"), Share(new_weight, [("new", 1)], "new")]
    balancer = build_balancer(shares, 0, Algorithm.HASH)
    return [balancer.backends.pick_for(key).pick_for(key) for key in KEYS]


def test_raising_a_share_only_adds_clients_to_it():
    ten, thirty = sides(10), sides(30)
    assert abs(ten.count("new") / len(KEYS) - 0.1) < 0.02
    assert abs(thirty.count("new") / len(KEYS) - 0.3) < 0.03
    assert all(after == "new" for before, after in zip(ten, thirty, strict=True) if before == "new")
    assert all(before == after for before, after in zip(ten, thirty, strict=True) if after != "new")


def test_a_clients_version_does_not_depend_on_how_many_endpoints_it_has():
    few, many = sides(30, "a"), sides(30, "abcdef")
    assert [one == "new" for one in few] == [one == "new" for one in many]

from __future__ import annotations

from collections import Counter
from itertools import pairwise

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


def parted(new_weight, algorithm=Algorithm.ROUND_ROBIN, port=80):
    shares = [
        Share(weight, [(name, 1) for name in members], f"web\0{side}\0{port}", f"web\0{side}")
        for weight, members, side in ((100 - new_weight, ["old1", "old2"], "old"), (new_weight, ["new"], "new"))
    ]
    balancer = build_balancer(shares, 0, algorithm, by_key=True)
    return ["new" if balancer.backends.pick_for(key).items == ("new",) else "old" for key in KEYS]


def test_sides_parted_by_key_keep_their_clients_and_only_gain_more():
    steps = [parted(share) for share in (5, 10, 25, 50, 75, 100)]
    for share, side in zip((5, 10, 25, 50, 75, 100), steps, strict=True):
        assert abs(side.count("new") / len(KEYS) - share / 100) < 0.02
    for few, more in pairwise(steps):
        assert all(after == "new" for before, after in zip(few, more, strict=True) if before == "new")


def test_all_routes_of_a_service_part_its_clients_alike_whatever_their_port():
    assert parted(30, port=80) == parted(30, port=8080)
    assert parted(30) == parted(30, Algorithm.LEAST_REQUESTS)


def test_within_a_side_endpoints_are_chosen_as_the_route_says():
    shares = [Share(1, [("a", 1), ("b", 1)], "x", "x")]
    group = build_balancer(shares, 0, Algorithm.ROUND_ROBIN, by_key=True).backends.pick_for(KEYS[0])
    assert [group.pick() for _ in range(4)] == ["a", "b", "a", "b"]


def test_a_side_at_two_ports_of_one_route_is_two():
    shares = [Share(50, [(port, 1)], f"web\0v\0{port}", "web\0v") for port in ("80", "81")]
    balancer = build_balancer(shares, 0, by_key=True)
    found = Counter(balancer.backends.pick_for(key).pick() for key in KEYS)
    assert abs(found["80"] / len(KEYS) - 0.5) < 0.03


def test_requests_without_a_key_go_by_weight():
    shares = [Share(90, [("old", 1)], "a", "a"), Share(10, [("new", 1)], "b", "b")]
    balancer = build_balancer(shares, 0, by_key=True)
    assert Counter(balancer.pick(None) for _ in range(1000))["new"] == 100


def test_a_clients_version_does_not_depend_on_how_many_endpoints_it_has():
    few, many = sides(30, "a"), sides(30, "abcdef")
    assert [one == "new" for one in few] == [one == "new" for one in many]

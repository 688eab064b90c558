from __future__ import annotations

import pytest

from tests.support.placement import NOW, lost, standing
from tidegate.placement.brake import followed


def cluster(**zones):
    """Standings: `a=(up, down)` nodes of zone a; those that are down went 5 s ago."""
    found = {}
    for zone, (up, down) in zones.items():
        found |= {f"{zone}{number}": standing(f"{zone}{number}", zone) for number in range(up)}
        found |= {f"{zone}-{number}": lost(f"{zone}-{number}", 5.0, zone=zone) for number in range(down)}
    return found


def held(standings, before=(), drained=frozenset(), now=NOW):
    return ["all" if each.whole else each.zone for each in followed(before, standings, drained, now)]


@pytest.mark.parametrize(
    ("zones", "brakes"),
    [
        ({"a": (20, 0)}, []),
        ({"a": (0, 1), "b": (1, 0), "c": (1, 0)}, []),  # one node may always go
        ({"a": (0, 1)}, []),
        ({"a": (9, 11), "b": (20, 0)}, []),  # 55 % of it are not more than 55 %
        ({"a": (8, 12), "b": (20, 0)}, ["a"]),
        ({"a": (0, 2), "b": (9, 0)}, ["a"]),
        ({"a": (8, 4), "b": (8, 4)}, []),  # a third is not more than a third
        ({"a": (7, 5), "b": (8, 4)}, ["all"]),
        ({"a": (1, 2)}, ["a", "all"]),
    ],
)
def test_more_than_55_percent_of_a_zone_or_a_third_of_all_brakes(zones, brakes):
    assert held(cluster(**zones)) == brakes


def test_nodes_that_go_one_after_another_do_not_brake():
    standings = cluster(a=(4, 0)) | {f"x{n}": lost(f"x{n}", 61.0 * n, zone="a") for n in range(1, 6)}
    assert held(standings) == []


def test_a_brake_holds_beyond_the_minute_until_enough_are_back():
    before = followed((), cluster(a=(8, 12), b=(20, 0)), frozenset(), NOW)
    later = {
        name: each if not each.down_since else lost(name, 600.0, zone="a")
        for name, each in cluster(a=(8, 12), b=(20, 0)).items()
    }
    assert held(later, before) == ["a"]
    back = later | {"a-0": standing("a-0", "a")}
    assert held(back, before) == []


def test_a_brake_names_its_nodes_and_says_what_it_does():
    (brake,) = followed((), cluster(a=(0, 2), b=(9, 0)), frozenset(), NOW)
    assert brake.nodes == ("a-0", "a-1")
    assert str(brake) == "2 nodes of zone a went within a minute; nothing there is moved until enough are back"
    assert brake.holds("a") and not brake.holds("b")


def test_a_person_who_drains_the_lost_nodes_releases_the_brake():
    standings = cluster(a=(0, 2), b=(9, 0))
    before = followed((), standings, frozenset(), NOW)
    assert held(standings, before, frozenset(("a-0",))) == []

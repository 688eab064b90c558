from __future__ import annotations

from tests.support.placement import GIB, node, order
from tidegate.control.nodeview import shown
from tidegate.placement.resources import Resources
from tidegate.placement.stock import Stock, stocked


def test_a_node_is_shown_with_what_replicas_there_reserve_those_that_leave_too():
    half = Resources(cpu=0.5, memory=GIB)
    places = [
        order("a", 1, reservation=half),
        order("a", 2, reservation=half, leaving=True),
        order("b", 3, reservation=half),
    ]
    told = shown(node("a", labels={"disk": "ssd"}, drained_since=5.0), places)
    assert (told["replicas"], told["reserved"]) == (1, {"cpus": 1.0, "memory": 2 * GIB})
    assert (told["cpus"], told["memory"], told["labels"], told["drained_since"]) == (4.0, 8 * GIB, {"disk": "ssd"}, 5.0)


def test_a_node_is_shown_with_what_its_engine_holds_beside():
    held = Stock(
        images=("web:1", "web:latest", "sha256:a", "sha256:b"),
        volumes=("data",),
        ports=("tcp/80",),
        taken=Resources(memory=GIB),
        containers={"db": {}},
        cut={"images": 4},
    )
    told = shown(stocked(node("a"), held), ())
    assert told["holds"] == {"images": 2, "volumes": 1, "containers": 1, "ports": ["tcp/80"], "memory": GIB}
    assert told["left_out"] == {"images": 4}

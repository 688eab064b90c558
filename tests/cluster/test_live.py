"""What a node says of itself, and what an operator wants of it."""

from msgspec import json

from tidegate.cluster.live import Live, Node, Spec, read
from tidegate.errors import Problem


def test_an_operator_goes_before_what_the_node_says_of_itself():
    live = Live(id="x", incarnation="y", zone="z1", labels={"disk": "ssd", "rack": "1"})
    node = Node(name="a", live=live, spec=Spec(zone="z2", labels={"rack": "2"}))
    assert (node.zone, node.labels) == ("z2", {"disk": "ssd", "rack": "2"})
    assert Node(name="a", live=live).zone == "z1"


def test_a_node_is_ready_drained_or_gone():
    live = Live(id="x", incarnation="y")
    assert Node(name="a", live=live).state == "ready"
    assert Node(name="a", live=live, spec=Spec(drained=True)).state == "drained"
    assert Node(name="a", spec=Spec(drained=True)).state == "gone"


def test_what_another_version_wrote_is_a_problem_not_a_crash():
    found = read(Live, "nodes/a/live", b'{"id": 3}')
    assert isinstance(found, Problem) and found.code == "T2302" and found.place == "nodes/a/live"
    assert isinstance(read(Live, "k", b"\xff"), Problem)


def test_fields_that_a_later_version_adds_are_no_fault():
    live = Live(id="x", incarnation="y")
    more = json.encode({**json.decode(json.encode(live)), "later": 1})
    assert read(Live, "k", more) == live

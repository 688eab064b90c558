"""Who acts for a service."""

import pytest

from tests.support.seen import instance, inventory
from tidegate.control.duty import Duty
from tidegate.control.ports import Alone


class Others(Alone):
    alone = False

    def __init__(self, leader):
        super().__init__()
        self.leader = leader


def acting(leader, *on, nodes="abc"):
    """Which of the nodes act for a service whose containers run on these."""
    seen = {f"node:{node}": inventory(instance(f"i-{node}", node=node), provider=f"node:{node}") for node in on}
    return [node for node in nodes if Duty(node, Others(leader), lambda: seen).has("web")]


@pytest.mark.parametrize(
    ("leader", "on", "acts"),
    [
        ("b", "abc", ["b"]),
        ("b", "ac", ["a"]),
        ("b", "c", ["c"]),
        ("b", "", ["b"]),
        ("", "bc", ["b"]),
        ("", "", []),
    ],
    ids=[
        "the leader",
        "the first that has any",
        "the only one",
        "nobody's is the leader's",
        "without a leader",
        "nobody",
    ],
)
def test_one_node_acts_and_it_has_some_of_the_containers(leader, on, acts):
    assert acting(leader, *on) == acts


def test_where_there_are_no_others_it_is_us():
    assert Duty("a", Alone(), dict).has("web")


def test_who_made_copies_of_a_service_goes_on_scaling_it_whoever_leads():
    copy = instance("copy", node="c", made="scaling")
    seen = {"node:b": inventory(instance("i", node="b")), "node:c": inventory(copy)}
    duties = {node: Duty(node, Others("b"), lambda: seen) for node in "abc"}
    assert [node for node, duty in duties.items() if duty.scales("web")] == ["c"]
    assert [node for node, duty in duties.items() if duty.has("web")] == ["b"]
    del seen["node:c"]
    assert [node for node, duty in duties.items() if duty.scales("web")] == ["b"]

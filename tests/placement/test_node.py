from __future__ import annotations

import pytest

from tidegate.placement.node import NodeFacts

NODE = NodeFacts(
    name="n1",
    id="4f2a",
    hostname="box",
    zone="a",
    index=3,
    role="manager",
    platform="linux/arm64",
    addresses=("10.0.0.7", "fd00::7"),
    labels={"disk": "ssd"},
)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("node", ("n1", "4f2a")),
        ("node.id", ("4f2a",)),
        ("node.hostname", ("box",)),
        ("node.role", ("manager",)),
        ("node.platform.os", ("linux",)),
        ("node.platform.arch", ("arm64",)),
        ("node.labels.disk", ("ssd",)),
        ("engine.labels.disk", ("ssd",)),
        ("aliyun.node_index", ("3",)),
        ("aliyun.zone", ("a",)),
        ("zone", ("a",)),
        ("disk", ("ssd",)),
        ("missing", ("",)),
    ],
)
def test_a_key_stands_for_a_fact_or_a_label(key, values):
    assert NODE.values(key) == values


def test_a_node_without_an_id_has_one_name():
    assert NodeFacts(name="n1").values("node") == ("n1",)


@pytest.mark.parametrize(
    ("network", "within"), [("10.0.0.0/24", True), ("10.0.0.7", True), ("10.0.1.0/24", False), ("fd00::/8", True)]
)
def test_a_node_is_within_a_network_by_any_of_its_addresses(network, within):
    assert NODE.within(network) is within

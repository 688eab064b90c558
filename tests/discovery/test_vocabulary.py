import pytest

from tidegate.discovery.vocabulary import (
    APPLIED,
    DECIDING,
    NOT_YET,
    in_order,
    is_applied,
    is_not_yet,
    is_ours,
    probably,
)


def test_a_label_is_applied_or_not_yet_but_never_both():
    assert not APPLIED & NOT_YET
    assert not [label for label in APPLIED if is_not_yet(label)]
    assert DECIDING <= APPLIED


@pytest.mark.parametrize("label", ["aliyun.routing.port_80", "tidegate.routing.port_x", "tidegate.enable"])
def test_applied_labels_are_known(label):
    assert is_applied(label)
    assert is_ours(label)


@pytest.mark.parametrize("label", ["aliyun.lb.port_80", "aliyun.logs.a.tags", "aliyun.addon"])
def test_labels_of_the_original_system_are_known(label):
    assert is_not_yet(label)
    assert not is_applied(label)


def test_a_suggestion_has_the_same_prefix():
    assert probably("tidegate.wieght") == "tidegate.weight"
    assert probably("aliyun.scal") == "aliyun.scale"
    assert probably("tidegate.something.else") == ""


def test_port_labels_are_read_in_the_order_of_their_ports():
    labels = ["tidegate.scale", "aliyun.routing.port_443", "aliyun.routing.port_80", "aliyun.routing.port_x"]
    assert sorted(labels, key=in_order) == [
        "aliyun.routing.port_80",
        "aliyun.routing.port_443",
        "aliyun.routing.port_x",
        "tidegate.scale",
    ]

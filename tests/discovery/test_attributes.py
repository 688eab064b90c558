from __future__ import annotations

import pytest

from tidegate.discovery.attributes import read_attributes
from tidegate.settings.fault import Fault

LABELS = {
    "team": "core",
    "org.example/tier": "a=b",
    "k=`": "v",
    "long": "x" * 1024,
    "tidegate.filter.allow": "10.0.0.0/8",
}


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("", ()),
        ("team", ("team=core",)),
        ("team, org.example/tier team", ("team=core", "org.example/tier=a=b")),
        ("k=`", ("k`=``=v",)),
    ],
)
def test_labels_become_attributes_with_equals_signs_in_their_names_quoted(text, attributes):
    assert read_attributes(text, LABELS) == attributes


@pytest.mark.parametrize("text", ["nope", "team nope", "long", "tidegate.filter.allow", " ".join(map(str, range(17)))])
def test_a_label_that_is_not_there_too_long_or_protects_is_not_published(text):
    assert isinstance(read_attributes(text, LABELS), Fault)

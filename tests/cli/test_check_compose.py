from __future__ import annotations

import pytest

from tests.support.tree import ROOT
from tidegate import yamlfile
from tidegate.cli.check_compose import label_problems

MAPPING = "services:\n  web:\n    image: x\n    labels:\n      tidegate.weight: many\n"
LISTED = "services:\n  web:\n    image: x\n    labels:\n      - a=b\n      - tidegate.weight=many\n"
VERSION_1 = "web:\n  image: x\n  labels:\n    tidegate.weight: many\n"


@pytest.mark.parametrize(("text", "line"), [(MAPPING, 5), (LISTED, 6), (VERSION_1, 4)])
def test_a_mistake_is_placed_at_its_label_in_each_form(text, line):
    (problem,) = label_problems(yamlfile.load(text, "c.yaml"))
    assert problem.place == f"c.yaml:{line}  service web, label tidegate.weight"


@pytest.mark.parametrize("labels", ["", "labels: []", "labels: text", "labels: {other: 1}"])
def test_labels_that_are_none_of_ours_are_none_of_our_business(labels):
    document = yamlfile.load(f"services:\n  web:\n    image: x\n    {labels}\n", "c.yaml")
    assert label_problems(document) == ()


def test_the_example_has_no_mistakes():
    path = ROOT / "tidegate" / "example" / "compose.yaml"
    assert label_problems(yamlfile.load(path.read_text(), str(path))) == ()

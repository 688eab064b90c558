from __future__ import annotations

import re

import pytest

from tidegate.placement.rules import Kind, Rule, ZoneRule, matcher


@pytest.mark.parametrize(
    ("value", "meant", "not_meant"),
    [
        ("db", ["db"], ["db1", "adb", "DB", ""]),
        ("web-*", ["web-1", "web-"], ["web", "a-web-1"]),
        ("*", ["", "anything"], []),
        ("(1|2|3)", ["1", "3"], ["12", "4", "(1|2|3)"]),
        ("(web-*|db)", ["web-7", "db"], ["web", "dbx"]),
        ("3.1", ["3.1"], ["321"]),
        ("a[bc]", ["a[bc]"], ["ab"]),
        ("/^web-[0-9]+$/", ["web-12"], ["web-a"]),
        ("/eb/", ["web"], ["wb"]),
        ("/", ["/"], ["a"]),
    ],
)
def test_a_value_is_text_with_stars_choices_or_a_regular_expression(value, meant, not_meant):
    pattern = matcher(value)
    assert [each for each in [*meant, *not_meant] if pattern.search(each)] == meant


def test_swarm_modes_values_mean_themselves_in_either_case():
    assert matcher("SSD*", plain=True).search("ssd*")
    assert not matcher("ssd*", plain=True).search("ssd1")


def test_a_faulty_regular_expression_raises():
    with pytest.raises(re.error):
        matcher("/(/")


@pytest.mark.parametrize(
    ("equal", "candidates", "satisfied"),
    [
        (True, ("a", "db"), True),
        (True, (), False),
        (False, ("a", "db"), False),
        (False, ("a",), True),
        (False, (), True),
    ],
)
def test_equal_needs_one_and_unequal_needs_none(equal, candidates, satisfied):
    rule = Rule(kind=Kind.AFFINITY, key="service", value="db", equal=equal)
    assert rule.matches(candidates) is satisfied


@pytest.mark.parametrize("equal", [True, False])
def test_a_rule_names_what_its_value_means_whichever_way_it_goes(equal):
    rule = Rule(kind=Kind.AFFINITY, key="service", value="d*", equal=equal)
    assert rule.names("db") and not rule.names("web")


def test_rules_are_written_as_they_are_read():
    assert str(Rule(kind=Kind.CONSTRAINT, key="group", value="db", equal=False, soft=True)) == "constraint:group!=~db"
    assert str(Rule(kind=Kind.CONSTRAINT, key="node.role", value="worker", plain=True)) == "node.role == worker"
    assert str(ZoneRule(zones=3, soft=True)) == "availability:az==~3"

import pytest

from tidegate import yamlfile
from tidegate.errors import Problem, Severity
from tidegate.stacks.findings import Findings, dotted, shown


@pytest.fixture
def findings():
    return Findings(yamlfile.load("services:\n  web:\n    ports:\n      - 80\n", "c.yaml"))


def test_a_problem_stands_at_the_line_of_what_it_speaks_of(findings):
    findings.error("T1", ("services", "web", "ports", 0), "one")
    findings.warn("T2", ("services", "web", "gone"), "two", "mend")
    assert [(each.code, each.place, each.severity) for each in findings.problems] == [
        ("T1", "c.yaml:4", Severity.ERROR),
        ("T2", "c.yaml:2", Severity.WARNING),
    ]


def test_somebody_elses_problem_is_told_at_our_line(findings):
    findings.adopt(Problem(code="T9", text="words", place="elsewhere", mend="mend"), ("services", "web", "ports"))
    assert findings.problems == [Problem(code="T9", text="words", place="c.yaml:3", mend="mend")]


def test_keys_that_nobody_reads_are_named_but_for_remarks(findings):
    findings.rest(("services", "web"), {"ports": 1, "x-note": 2, "colour": 3}, frozenset({"ports"}))
    assert [problem.text for problem in findings.problems] == ["services.web.colour is not supported and was left out"]


@pytest.mark.parametrize(
    ("value", "mapping", "problems"), [({"a": 1}, {"a": 1}, 0), (None, {}, 0), ([], {}, 1), ("x", {}, 1)]
)
def test_what_is_no_mapping_is_an_empty_one_and_told(findings, value, mapping, problems):
    assert findings.mapping(("services",), value) == mapping
    assert len(findings.problems) == problems


def test_paths_and_values_are_shown_as_people_write_them():
    assert dotted(("services", "web", "ports", 0)) == "services.web.ports[0]"
    assert [shown(each) for each in ({}, [], None, "x", 1)] == ["a mapping", "a list", "nothing", "'x'", "1"]

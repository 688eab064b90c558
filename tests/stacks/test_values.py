import pytest

from tidegate import yamlfile
from tidegate.stacks import values
from tidegate.stacks.values import Findings

PATH = ("services", "web", "x")


@pytest.fixture
def findings():
    return Findings(yamlfile.load("services: {web: {x: 1}}\n", "c.yaml"))


@pytest.mark.parametrize(
    ("value", "ports"),
    [
        (["80"], {80: 0}),
        ([80], {80: 0}),
        (["8080:80", "81"], {80: 8080, 81: 0}),
        (["80/tcp"], {80: 0}),
        ([{"target": 80, "published": "8080"}], {80: 8080}),
        ([{"target": 80}], {80: 0}),
    ],
)
def test_ports_are_read_in_every_form(findings, value, ports):
    assert values.published(findings, PATH, value) == ports
    assert findings.problems == []


@pytest.mark.parametrize("value", ["x", "0", "65536", "80-81", "8080:", "53:53/udp", True, {"published": 1}])
def test_what_is_no_tcp_port_is_an_error(findings, value):
    values.published(findings, PATH, [value])
    assert [problem.code for problem in findings.problems] == ["T1136"]


def test_a_host_address_is_left_out_with_a_warning(findings):
    assert values.published(findings, PATH, ["127.0.0.1:8080:80"]) == {80: 8080}
    assert [problem.severity.value for problem in findings.problems] == ["warning"]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(10, 10.0), ("10s", 10.0), ("1m30s", 90.0), ("1.5s", 1.5), ("500ms", 0.5), ("1h", 3600.0), (0, 0.0)],
)
def test_durations_are_read(findings, value, seconds):
    assert values.seconds(findings, PATH, value) == seconds
    assert findings.problems == []


@pytest.mark.parametrize("value", ["", "ten", "10", -1, True, [], "5x"])
def test_what_is_no_duration_is_an_error(findings, value):
    values.seconds(findings, PATH, value)
    assert [problem.code for problem in findings.problems] == ["T1138"]


@pytest.mark.parametrize(
    "value",
    [
        {"a": "1", "b": 1, "c": True, "d": None, "e": 1.5},
        ["a=1", "b=1", "c=true", "d", "e=1.5"],
    ],
)
def test_labels_are_texts_in_both_forms(findings, value):
    expected = {"a": "1", "b": "1", "c": "true", "d": "", "e": "1.5"}
    assert values.labels(findings, PATH, value) == expected


def test_a_variable_named_alone_is_passed_on_where_it_is_set(findings):
    assert values.environment(findings, PATH, ["A", "B", "C=", "D=x=y"], {"A": "1"}) == {"A": "1", "C": "", "D": "x=y"}
    assert values.environment(findings, PATH, {"A": None, "B": None}, {"A": "1"}) == {"A": "1"}


@pytest.mark.parametrize(
    ("value", "words"),
    [("sh -c 'a b'", ("sh", "-c", "a b")), (["sh", "-c", "a b"], ("sh", "-c", "a b")), (["sleep", 5], ("sleep", "5"))],
)
def test_a_command_is_words(findings, value, words):
    assert values.command(findings, PATH, value) == words


def test_an_open_quote_in_a_command_is_an_error(findings):
    values.command(findings, PATH, "sh -c 'a b")
    assert [problem.code for problem in findings.problems] == ["T1132"]


@pytest.mark.parametrize(("value", "policy"), [("no", "no"), (False, "no"), ("on-failure:3", "on-failure:3")])
def test_restart_policies_are_read(findings, value, policy):
    assert values.restart(findings, PATH, value) == policy


def test_an_unknown_restart_policy_is_an_error(findings):
    assert values.restart(findings, PATH, "sometimes") == ""
    assert [problem.code for problem in findings.problems] == ["T1132"]

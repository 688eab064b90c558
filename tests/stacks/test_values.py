import pytest

from tidegate import yamlfile
from tidegate.stacks import values
from tidegate.stacks.findings import Findings

PATH = ("services", "web", "x")


@pytest.fixture
def findings():
    return Findings(yamlfile.load("services: {web: {x: 1}}\n", "c.yaml"))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (10, 10.0),
        ("10s", 10.0),
        ("1m30s", 90.0),
        ("1.5s", 1.5),
        ("500ms", 0.5),
        ("1h", 3600.0),
        (0, 0.0),
        ("1.5h", 5400.0),
        ("1d12h", 129600.0),
        ("2m500ms", 120.5),
    ],
)
def test_durations_are_read(findings, value, seconds):
    assert values.seconds(findings, PATH, value) == seconds
    assert findings.problems == []


@pytest.mark.parametrize("value", ["", "ten", "10", -1, True, [], "5x", "5s5", "s", "-5s", "1 s"])
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


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (1024, 1024),
        ("512m", 512 << 20),
        ("1g", 1 << 30),
        ("1.5G", 3 << 29),
        ("64kb", 64 << 10),
        ("2GiB", 2 << 30),
        ("10b", 10),
        (-1, -1),
        ("-1", -1),
    ],
)
def test_sizes_are_read(findings, value, size):
    assert values.size(findings, PATH, value) == size
    assert findings.problems == []


@pytest.mark.parametrize("value", ["", "much", "1x", True, [], None, "-5m"])
def test_what_is_no_size_is_an_error(findings, value):
    assert values.size(findings, PATH, value) == 0
    assert [problem.code for problem in findings.problems] == ["T1170"]


@pytest.mark.parametrize(("value", "number"), [(1, 1.0), ("0.5", 0.5), (0.25, 0.25), (0, 0.0)])
def test_numbers_are_read(findings, value, number):
    assert values.number(findings, PATH, value) == number
    assert findings.problems == []


@pytest.mark.parametrize("value", ["", "x", -1, True, [], "inf", "nan", None])
def test_what_is_no_number_is_an_error(findings, value):
    assert values.number(findings, PATH, value) == 0.0
    assert [problem.code for problem in findings.problems] == ["T1132"]


@pytest.mark.parametrize("value", ["", "x", -1, True, 1.5, "1.5", None])
def test_what_is_no_whole_number_is_an_error(findings, value):
    assert values.whole(findings, PATH, value) == 0
    assert [problem.code for problem in findings.problems] == ["T1132"]


@pytest.mark.parametrize(("value", "flag"), [(True, True), ("true", True), ("False", False), (False, False)])
def test_flags_are_read(findings, value, flag):
    assert values.flag(findings, PATH, value) is flag
    assert findings.problems == []


@pytest.mark.parametrize("value", ["", "yes", 1, None, []])
def test_what_is_no_flag_is_an_error(findings, value):
    assert values.flag(findings, PATH, value) is False
    assert [problem.code for problem in findings.problems] == ["T1132"]


@pytest.mark.parametrize(
    ("value", "hosts"),
    [
        (["db:10.0.0.1", "gate=host-gateway"], ("db:10.0.0.1", "gate:host-gateway")),
        ({"db": "10.0.0.1", "two": ["10.0.0.2", "10.0.0.3"]}, ("db:10.0.0.1", "two:10.0.0.2", "two:10.0.0.3")),
        (["six:[2001:db8::1]", "seven=2001:db8::7"], ("six:2001:db8::1", "seven:2001:db8::7")),
    ],
)
def test_names_of_addresses_are_read_in_every_form(findings, value, hosts):
    assert values.hosts(findings, PATH, value) == hosts
    assert findings.problems == []


@pytest.mark.parametrize("value", [["db"], [":10.0.0.1"], ["db:"]])
def test_a_name_without_an_address_is_an_error(findings, value):
    assert values.hosts(findings, PATH, value) == ()
    assert [problem.code for problem in findings.problems] == ["T1132"]


def test_a_command_said_to_be_empty_takes_the_images_away(findings):
    assert values.command(findings, PATH, []) == ("",)
    assert values.command(findings, PATH, "") == ("",)
    assert findings.problems == []


@pytest.mark.parametrize("value", [448, "0700", "700", "0o700"])
def test_permissions_are_octal(findings, value):
    assert values.permissions(findings, PATH, value) == 0o700
    assert findings.problems == []


@pytest.mark.parametrize("value", ["rwx", "0800a", True, -1])
def test_what_is_no_permission_is_an_error(findings, value):
    values.permissions(findings, PATH, value)
    assert [problem.code for problem in findings.problems] == ["T1132"]

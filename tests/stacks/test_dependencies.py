import pytest

from tests.support.compose import compose, faults
from tidegate.stacks.dependencies import united
from tidegate.stacks.service import Condition, Dependency

REST = "  db: {image: x}\n  job: {image: x}\n"


@pytest.mark.parametrize(
    ("text", "depends"),
    [
        ("depends_on: [db, job]", (Dependency(service="db"), Dependency(service="job"))),
        ("depends_on: db", (Dependency(service="db"),)),
        (
            "depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully, required: false, restart: false}}",
            (
                Dependency(service="db", condition=Condition.HEALTHY),
                Dependency(service="job", condition=Condition.COMPLETED, required=False),
            ),
        ),
        ("depends_on: {db: null}", (Dependency(service="db"),)),
        ("links: ['db:mysql']", (Dependency(service="db"),)),
        ("network_mode: 'service:db'", (Dependency(service="db"),)),
    ],
)
def test_what_a_service_needs_is_read_in_every_form(text, depends):
    file = compose(f"services:\n  web:\n    image: x\n    {text}\n{REST}")
    assert file.problems == ()
    assert file.service("web").depends == depends


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("{web: {condition: soon}}", ["T1132", "T1181"]),
        ("{web: {colour: red}}", ["T1131", "T1181"]),
        ("{web: 5}", ["T1132", "T1181"]),
    ],
)
def test_a_condition_that_is_none_is_told(text, codes):
    assert [code for code, _ in faults(f"depends_on: {text}")] == codes


def test_that_who_depends_is_to_be_restarted_too_is_named_as_not_done():
    file = compose(f"services:\n  web: {{image: x, depends_on: {{db: {{restart: true}}}}}}\n{REST}")
    assert [(each.code, each.place, each.severity) for each in file.problems] == [
        ("T1131", "compose.yaml:2", "warning")
    ]


def test_a_link_to_nobody_is_an_error():
    assert [code for code, _ in faults("links: ['gone:x']")] == ["T1180"]
    assert faults("links: [':x']") == [("T1132", 1)]


def test_of_two_that_name_a_service_the_first_holds():
    strict = Dependency(service="db", condition=Condition.HEALTHY)
    assert united((strict,), (Dependency(service="db"), Dependency(service="a"))) == (strict, Dependency(service="a"))

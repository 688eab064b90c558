import json

import pytest

from tidegate.control.refusal import Refused, refusal, refuse, status_of
from tidegate.errors import ConfigError, Conflict, NoSuchThing, Problem, StoreError

ONE, TWO = Problem(code="T1602", text="one", mend="so"), Problem(code="T1603", text="two")


def test_all_problems_are_told_and_the_first_names_the_answer():
    made = refusal(400, (ONE, TWO), ("/body/a",))
    assert (made["status"], made["code"], made["detail"], made["hint"]) == (400, "T1602", "one", "so")
    assert made["title"] == "Bad Request"
    assert [error["code"] for error in made["errors"]] == ["T1602", "T1603"]
    assert made["errors"][0]["pointer"] == "/body/a"


def test_the_answer_has_the_media_type_of_rfc_9457():
    response = refuse(404, ONE)
    assert response.content_type == "application/problem+json"
    assert json.loads(response.body)["code"] == "T1602"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoSuchThing(ONE), 404),
        (Conflict(ONE), 409),
        (StoreError(ONE), 503),
        (ConfigError(ONE), 422),
        (Refused(415, ONE), 415),
    ],
)
def test_each_kind_of_error_has_a_status(error, status):
    assert status_of(error) == status

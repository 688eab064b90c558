from __future__ import annotations

import http

import pytest

from tidegate.errors import Problem, Reason, Severity, TidegateError

NGINX_CLIENT_CLOSED_REQUEST = 499


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.token)
def test_every_reason_has_a_status_and_an_rcode(reason):
    assert reason.status in {NGINX_CLIENT_CLOSED_REQUEST, *http.HTTPStatus}
    assert reason.status >= 400
    assert 0 <= reason.rcode <= 5


def test_no_two_reasons_share_a_token():
    assert len({reason.token for reason in Reason}) == len(Reason)


def test_a_problem_prints_what_it_knows_and_nothing_more():
    problem = Problem(
        code="T1203", text="The label is unknown.", place="web: tidegate.prot", mend="write tidegate.port"
    )
    assert str(problem).splitlines() == [
        "error[T1203] The label is unknown.",
        "  at    web: tidegate.prot",
        "  fix   write tidegate.port",
    ]


def test_a_warning_says_that_it_is_one():
    assert str(Problem(code="T1", text="Odd.", severity=Severity.WARNING)).startswith("warning[T1]")


def test_an_error_carries_every_problem():
    first, second = Problem(code="T1", text="One."), Problem(code="T2", text="Two.")
    error = TidegateError(first, second)
    assert error.problems == (first, second)
    assert str(error) == "error[T1] One.\nerror[T2] Two."


def test_an_error_without_a_problem_is_our_bug():
    with pytest.raises(AssertionError):
        TidegateError()

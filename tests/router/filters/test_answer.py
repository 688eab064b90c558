from __future__ import annotations

from tidegate.errors import Reason
from tidegate.router.filters.answer import refusal


def test_a_refusal_has_the_status_of_its_reason():
    answer = refusal(Reason.FORBIDDEN, b"Vary: Origin\r\n")
    assert (answer.status, answer.reason, answer.lines, answer.body) == (
        403,
        Reason.FORBIDDEN,
        b"Vary: Origin\r\n",
        b"",
    )

"""Refusals of the admin API: RFC 9457 problem documents with our codes, all problems at once."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from aiohttp import web

from tidegate.control.document import problem_document
from tidegate.errors import Conflict, NoSuchThing, Problem, StoreError, TidegateError

CONTENT_TYPE = "application/problem+json"


class Refused(TidegateError):
    """A request that is answered with `status` and the problems."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(*problems)
        self.status = status


def refuse(status: int, *problems: Problem, pointers: tuple[str, ...] = ()) -> web.Response:
    """The answer; `pointers` are JSON pointers to the fields at fault, one per problem."""
    return web.Response(
        status=status,
        body=json.dumps(refusal(status, problems, pointers)).encode(),
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store"},
    )


def refusal(status: int, problems: tuple[Problem, ...], pointers: tuple[str, ...] = ()) -> dict[str, Any]:
    """The problem document."""
    first = problems[0]
    errors = [problem_document(problem) for problem in problems]
    for error, pointer in zip(errors, pointers, strict=False):
        error["pointer"] = pointer
    return {
        "type": f"urn:tidegate:error:{first.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": first.code,
        "detail": first.text,
        "hint": first.mend,
        "errors": errors,
    }


def status_of(error: TidegateError) -> int:
    """The HTTP status of an operator fault."""
    if isinstance(error, Refused):
        return error.status
    for kind, status in ((NoSuchThing, 404), (Conflict, 409), (StoreError, 503)):
        if isinstance(error, kind):
            return status
    return 422

"""`tidegate explain URL|CONTAINER`: the decision, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli.client import connect
from tidegate.cli.completion import names
from tidegate.cli.output import Screen, as_problem, emit
from tidegate.cli.session import Session, talking


@click.command()
@click.argument("what", metavar="URL|CONTAINER", type=names("route", "endpoint"))
@talking
@click.pass_obj
def explain(session: Session, what: str) -> None:
    """Why a URL or a container is routed as it is."""
    answer = connect(session).get("/v1/explain", **question(what))
    emit(session, "explain", answer, lambda screen: _view(screen, answer))


def question(what: str) -> dict[str, str]:
    """Whether `what` is a URL (it has a scheme, a path, or a dot) or the name of a container."""
    if "://" in what:
        return {"url": what}
    if "." in what or "/" in what:
        return {"url": f"http://{what}"}
    return {"container": what}


def _view(screen: Screen, answer: Mapping[str, Any]) -> None:
    for step in answer.get("steps") or []:
        screen.line(str(step))
    for problem in answer.get("problems") or []:
        screen.line(str(as_problem(problem)))

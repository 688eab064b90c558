"""`tidegate check FILE|CONTAINER`: mistakes found before, or after, they cost traffic. Exit code 1 if there are errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tidegate.cli import words
from tidegate.cli.client import connect
from tidegate.cli.completion import names
from tidegate.cli.output import Screen, as_data, as_problem, emit
from tidegate.cli.session import Session, talking
from tidegate.errors import ConfigError, NoSuchThing, Problem, Severity


@click.command()
@click.argument("what", metavar="FILE|CONTAINER", type=names("endpoint"))
@talking
@click.pass_obj
def check(session: Session, what: str) -> int:
    """Check a static file, the labels of a Compose file, or those of a running container.

    A file is recognised by being there; what it holds is told by its contents.
    """
    kind, problems = _file(what) if _is_file(what) else ("container", _container(session, what))
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    data = {"what": what, "kind": kind, "good": not errors, "problems": [as_data(problem) for problem in problems]}
    emit(session, "check", data, lambda screen: _view(screen, what, kind, problems))
    return 1 if errors else 0


def _is_file(what: str) -> bool:
    if Path(what).is_file():
        return True
    if "/" in what or what.endswith((".yaml", ".yml")):
        raise NoSuchThing(Problem(code="T1718", text=f"there is no file {what}", mend="name a file, or a container"))
    return False


def _file(path: str) -> tuple[str, Sequence[Problem]]:
    """Kind of the file, and what is wrong with it."""
    from tidegate import yamlfile  # noqa: PLC0415  checking a container needs no parser

    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(Problem(code="T1718", text="the file cannot be read", place=path, cause=cause)) from None
    document = yamlfile.load(text, path)
    if is_compose(document.data):
        from tidegate.cli.check_compose import label_problems  # noqa: PLC0415  one kind loads one reader

        return "compose", (*document.problems, *label_problems(document))
    from tidegate.cli.check_tls import tls_problems  # noqa: PLC0415
    from tidegate.discovery.file import check_file  # noqa: PLC0415

    return "static", (*check_file(text, path), *tls_problems(document, path))


def is_compose(data: Any) -> bool:
    """Whether a document is a Compose file: its services have an image or are built, or stand at the top level."""
    if not isinstance(data, Mapping):
        return False
    services = data.get("services", data)
    if not isinstance(services, Mapping):
        return False
    return any(isinstance(value, Mapping) and ("image" in value or "build" in value) for value in services.values())


def _container(session: Session, name: str) -> Sequence[Problem]:
    answer = connect(session).get("/v1/explain", container=name)
    return [as_problem(problem) for problem in answer.get("problems") or []]


def _view(screen: Screen, what: str, kind: str, problems: Sequence[Problem]) -> None:
    for problem in problems:
        screen.line(str(problem), style="red" if problem.severity is Severity.ERROR else "yellow")
    verdict = words.count(len(problems), "problem") if problems else "no problems"
    screen.line(f"{what} ({kind}): {verdict}")

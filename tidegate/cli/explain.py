"""`tidegate explain URL|CONTAINER|SERVICE|STACK/SERVICE`: the decision, step by step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli.client import Admin, connect, segment
from tidegate.cli.completion import names
from tidegate.cli.faults import usage
from tidegate.cli.output import Screen, as_problem, emit
from tidegate.cli.session import Session, talking


@click.command()
@click.argument(
    "what", metavar="URL|CONTAINER|SERVICE|STACK/SERVICE[/N]", type=names("route", "endpoint", "service", "member")
)
@click.option("-X", "--method", metavar="METHOD", help="The request's method (default GET).")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header; may be repeated.")
@click.option("--cookie", "cookies", multiple=True, metavar="NAME=VALUE", help="A cookie; may be repeated.")
@click.option("--from", "client", metavar="ADDRESS", help="The client's address (default 127.0.0.1).")
@talking
@click.pass_obj
def explain(
    session: Session,
    what: str,
    method: str | None,
    headers: tuple[str, ...],
    cookies: tuple[str, ...],
    client: str | None,
) -> None:
    """Why a URL, a container or a service is as it is, or where a replica of a stack's service goes, and why, or why not.

    The answer is that of a worker for a request with just these headers; https:// in the URL means that it comes over TLS.
    """
    lines = [*headers, *(["Cookie: " + "; ".join(cookies)] if cookies else ())]
    given = {"method": method, "headers": "\n".join(lines) or None, "from": client}
    asked = question(what) | {name: value for name, value in given.items() if value is not None}
    if "container" in asked and len(asked) > 1:
        raise usage(f"{what} is a container, not a URL", mend="write a URL: http://host/path", code="T1703")
    admin = connect(session)
    replica = _replica(admin, what) if len(asked) == 1 else None
    answer = replica or admin.get("/v1/explain", **asked)
    emit(session, "explain.replica" if replica else "explain", answer, lambda screen: _view(screen, answer))


def question(what: str) -> dict[str, str]:
    """Whether `what` is a URL (it has a scheme, a path, or a dot) or the name of a container, or a service's short one."""
    if "://" in what:
        return {"url": what}
    if "." in what or "/" in what:
        return {"url": f"http://{what}"}
    return {"container": what}


def _replica(admin: Admin, what: str) -> Mapping[str, Any] | None:
    """The answer for `stack/service` or `stack/service/slot`, where a stack has the service; else it is a URL."""
    found = re.fullmatch(r"(?P<stack>[^/.:]+)/(?P<service>[^/:]+)(?:/(?P<slot>[0-9]{1,4}))?", what)
    if found is None:
        return None
    known = {str(each["name"]): each["names"] for each in admin.get("/v1/stacks")["stacks"]}
    if found["service"] not in known.get(found["stack"], ()):
        return None
    path = f"/v1/stacks/{segment(found['stack'])}/services/{segment(found['service'])}/explain"
    answer: Mapping[str, Any] = admin.get(path, slot=found["slot"])
    return answer


def _view(screen: Screen, answer: Mapping[str, Any]) -> None:
    for step in answer.get("steps") or []:
        screen.line(str(step))
    for problem in answer.get("problems") or []:
        screen.line(str(as_problem(problem)))

"""`tidegate logs SERVICE`: what the replicas of a stack's service write."""

from __future__ import annotations

import json
from typing import Any

import click

from tidegate.cli.client import connect, segment
from tidegate.cli.completion import names
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, talking
from tidegate.cli.stack_following import path_of
from tidegate.cli.stack_naming import find_member


@click.command()
@click.argument("service", type=names("service"))
@click.option(
    "--tail", type=click.IntRange(0, 100_000), default=100, help="So many lines of each replica (default 100)."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with all that come.")
@talking
@click.pass_obj
def logs(session: Session, service: str, tail: int, follow: bool) -> None:
    """What the replicas of a stack's service on this node write, each line after its replica's number.

    With --json and without --follow one object as everywhere; with both, one object a line.
    """
    admin = connect(session)
    stack, member = find_member(admin, service)
    path = path_of(stack, f"/services/{segment(member)}/logs")
    lines = admin.lines(path, tail=tail, follow=follow)
    if session.json and not follow:
        found = list(lines)
        emit(session, "logs", {"service": f"{stack}/{member}", "lines": found}, lambda _: None)
        return
    screen = Screen(session)
    for line in lines:
        screen.line(json.dumps(line, ensure_ascii=False) if session.json else _text(screen, member, line))


def _text(screen: Screen, member: str, line: dict[str, Any]) -> str:
    slot, _, generation = str(line["replica"]).partition(".")
    name = f"{member}-{slot}" + ("" if generation == "1" else f"-g{generation}")
    return screen.paint(f"{name} | ", "cyan") + str(line["text"])

"""`tidegate down STACK`: a stack drains and goes, with its networks, and its volumes if that is said."""

from __future__ import annotations

import sys
from typing import Any

import click

from tidegate.cli.client import connect
from tidegate.cli.completion import names
from tidegate.cli.output import emit
from tidegate.cli.session import Session, changing
from tidegate.cli.stack_following import follow_down, path_of
from tidegate.cli.stack_naming import find_stack
from tidegate.cli.up import time_of


@click.command()
@click.argument("stack", type=names("stack"))
@click.option("--volumes", is_flag=True, help="Its named volumes go too, with all that is in them.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask on a terminal.")
@click.option("--deadline", default="5m", metavar="TIME", help="Stop waiting after so long; it goes on (default 5m).")
@changing
@click.pass_obj
def down(
    session: Session, stack: str, volumes: bool, yes: bool, deadline: str, dry_run: bool, wait: bool, why: str
) -> None:
    """Take a stack down: its replicas get no new requests, finish those they have, and go."""
    limit = time_of(deadline)
    admin = connect(session)
    known = admin.get(path_of(find_stack(admin, stack)))
    lost = known["volumes"] if volumes else []
    data = {"name": known["name"], "replicas": sum(len(each["replicas"]) for each in known["members"]), "volumes": lost}
    if dry_run:
        emit(session, "down", {**data, "dry_run": True}, lambda screen: screen.line(_words(data) + " would go"))
        return
    if lost and sys.stdin.isatty() and not yes and not session.json:
        click.confirm(f"Remove {', '.join(lost)} and all that is in them?", abort=True, err=True)
    admin.delete(path_of(known["name"]), {"volumes": volumes, "why": why})
    if wait:
        follow_down(session, admin, known["name"], limit)
    end = "is gone" if wait else "goes"
    emit(session, "down", data, lambda screen: screen.line(f"{_words(data)} {end}"))


def _words(data: dict[str, Any]) -> str:
    count, lost = data["replicas"], data["volumes"]
    own = f" and {', '.join(lost)}" if lost else ""
    return f"stack {data['name']} with {count} replica{'' if count == 1 else 's'}{own}"

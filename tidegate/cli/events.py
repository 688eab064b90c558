"""`tidegate events`: what changed, oldest first; -f goes on as it happens."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli import words
from tidegate.cli.client import connect
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, talking


@click.command()
@click.option("-n", "--limit", default=50, type=click.IntRange(1, 10_000), help="How many at most (default 50).")
@click.option("--after", default=None, type=int, metavar="ID", help="Only those after this one.")
@click.option("-f", "--follow", is_flag=True, help="Go on as it happens; with --json one object a line.")
@talking
@click.pass_obj
def events(session: Session, limit: int, after: int | None, follow: bool) -> None:
    """What changed, oldest first; -f goes on as it happens."""
    admin = connect(session)
    past = admin.get("/v1/events", limit=limit, after=after)["events"]
    if not follow:
        emit(session, "events", past, lambda screen: screen.table(HEADERS, [row(item) for item in past]))
        return
    screen = Screen(session)
    for item in past:
        _write(session, screen, item)
    newest = max((int(item["id"]) for item in past), default=after or 0)
    for name, item in admin.stream("/v1/stream", newest):
        if name == "happening" and item["id"] > newest:
            _write(session, screen, item)


HEADERS = ("TIME", "KIND", "WHAT", "WHO", "WHY")


def row(item: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """Time, kind, text, who and why of an event."""
    at, kind, text = words.moment(item["at"]), str(item["kind"]), str(item["text"])
    return (at, kind, text, str(item.get("who", "")), str(item.get("why", "")))


def _write(session: Session, screen: Screen, item: Mapping[str, Any]) -> None:
    line = json.dumps(item, ensure_ascii=False) if session.json else "\t".join(row(item)).rstrip("\t")
    screen.line(line)
    sys.stdout.flush()

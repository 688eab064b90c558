"""`tidegate logs NAME`: what the replicas of a service write, or of a whole stack, on all nodes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import click

from tidegate.cli import stack_words
from tidegate.cli.client import connect, segment
from tidegate.cli.completion import names
from tidegate.cli.faults import usage
from tidegate.cli.output import Screen, as_problem, emit, problem_text
from tidegate.cli.reading import seconds
from tidegate.cli.session import Session, talking
from tidegate.cli.stack_following import path_of
from tidegate.cli.stack_naming import find_logged
from tidegate.errors import Problem

MOST_LINES = 100_000
TAIL = 100

Row = dict[str, Any]


@click.command()
@click.argument("name", metavar="SERVICE|STACK", type=names("member", "stack"))
@click.option(
    "--tail",
    type=click.IntRange(0, MOST_LINES),
    default=None,
    help=f"So many lines of each replica (default {TAIL}; with --since all).",
)
@click.option(
    "--since", default="", metavar="TIME", help="Only what was written since then: 10m, or 2026-11-23T09:30Z."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with all that come, also of replicas that come later.")
@click.option("-t", "--timestamps", is_flag=True, help="Show when each line was written.")
@talking
@click.pass_obj
def logs(session: Session, name: str, tail: int | None, since: str, follow: bool, timestamps: bool) -> None:
    """What the replicas of a service write, or of all services of a stack, on all nodes.

    Lines come in the order of time, each after its replica's name, with its node where there are several. A node that cannot be asked is
    named on standard error. With --json and without --follow one object as everywhere; with both, one object a line.
    """
    begin = time_of(since, time.time()) if since else 0.0
    most = tail if tail is not None else MOST_LINES if since else TAIL
    admin = connect(session)
    stack, member = find_logged(admin, name)
    told = admin.get(path_of(stack))
    path = path_of(stack, f"/services/{segment(member)}/logs" if member else "/logs")
    rows = admin.lines(path, tail=most, since=begin or None, follow=follow)
    if session.json and not follow:
        _one(session, f"{stack}/{member}" if member else stack, list(rows))
        return
    if session.json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    screen = Screen(session)
    several = len({each["node"] for each in stack_words.replicas(told)}) > 1
    for row in _told(session, rows):
        head = stack_words.speaker(row, with_node=several)
        when = f"{shown(row['at'])} " if timestamps else ""
        screen.line(screen.paint(f"{head} | ", "cyan") + when + str(row["text"]))


def time_of(text: str, now: float) -> float:
    """Seconds since the epoch of a time, or of so long before `now`. Raises UsageFault."""
    try:
        return now - seconds(text)
    except ValueError as fault:
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            mend = "write how long ago, such as 10m, or a time, such as 2026-11-23T09:30Z"
            raise usage(f"--since {text}: {fault}", mend) from None


def shown(at: float) -> str:
    """A time as `--since` takes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one(session: Session, name: str, rows: list[Row]) -> None:
    lines = [row for row in rows if "problem" not in row]
    lost = [_problem(row) for row in rows if "problem" in row]
    emit(session, "logs", {"service": name, "lines": lines}, lambda _: None, lost)


def _told(session: Session, rows: Iterable[Row]) -> Iterator[Row]:
    """The lines; why there are none of some node is told."""
    for row in rows:
        if "problem" in row:
            problem_text(session, _problem(row))
        else:
            yield row


def _problem(row: Row) -> Problem:
    """The others' lines are told all the same: a warning."""
    return as_problem({**row["problem"], "severity": "warning"})

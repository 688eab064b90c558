"""`tidegate up`: what a Compose file describes runs, or becomes what it describes now. `tidegate plan` only shows what would change."""

from __future__ import annotations

import sys
from typing import Any

import click

from tidegate.cli import stack_words
from tidegate.cli.client import connect
from tidegate.cli.faults import usage
from tidegate.cli.output import Screen, emit
from tidegate.cli.reading import seconds
from tidegate.cli.session import Session, changing, talking
from tidegate.cli.stack_file import Read, read_stack, reading
from tidegate.cli.stack_following import follow, path_of

NOTHING = "nothing to do"
CHANGES = 3  # exit code


@click.command()
@reading
@click.option("--deadline", default="5m", metavar="TIME", help="Stop waiting after so long; it goes on (default 5m).")
@changing
@click.pass_obj
def up(session: Session, /, dry_run: bool, wait: bool, why: str, deadline: str, **given: Any) -> None:
    """Put up the stack that a Compose file describes.

    What runs already and is described the same stays as it is. A service that is described differently is replaced replica by replica,
    each new one ready before an old one drains and goes; one that the file has no more goes. Ends with 0 when everything is ready,
    1 when replicas fail again and again, 7 when it is not ready within the deadline.
    """
    limit = time_of(deadline)
    read = read_stack(**given)
    admin = connect(session)
    if dry_run:
        show_plan(session, read, admin.post(path_of(read.name, "/plan"), read.body), dry_run=True)
        return
    answer = admin.put(path_of(read.name), {**read.body, "why": why})
    if not wait or not session.json:
        show_plan(session, read, answer, dry_run=False)
    if wait:
        told = follow(session, admin, read.name, limit)
        warnings = (*read.warnings, *answer.get("warnings", ())) if session.json else ()
        emit(session, "up", {**answer, "stack": told}, lambda screen: _tell(screen, told), warnings)


@click.command()
@reading
@click.option("--exit-code", is_flag=True, help="End with 3 where something would change.")
@talking
@click.pass_obj
def plan(session: Session, /, exit_code: bool, **given: Any) -> int:
    """Show what `tidegate up` would change."""
    read = read_stack(**given)
    answer = connect(session).post(path_of(read.name, "/plan"), read.body)
    show_plan(session, read, answer, dry_run=True)
    return CHANGES if exit_code and answer["changes"] else 0


def show_plan(session: Session, read: Read, answer: dict[str, Any], *, dry_run: bool) -> None:
    """Print what changes."""

    def view(screen: Screen) -> None:
        screen.line(f"stack {read.name}", style="bold")
        for line in stack_words.changes(answer) or [NOTHING]:
            screen.line(f"  {line}")
        sys.stdout.flush()  # what follows on standard error follows this
        if dry_run:
            screen.line("nothing was changed", style="yellow")

    emit(session, "plan", answer, view, (*read.warnings, *answer.get("warnings", ())))


def time_of(deadline: str) -> float:
    """Seconds of a `--deadline`. Raises UsageFault."""
    try:
        return seconds(deadline)
    except ValueError as fault:
        raise usage(f"--deadline {deadline}: {fault}", "write a time such as 5m") from None


def _tell(screen: Screen, told: dict[str, Any]) -> None:
    screen.line(stack_words.title(told), style="green")
    screen.table(stack_words.HEADERS, [stack_words.row(each) for each in stack_words.replicas(told)])

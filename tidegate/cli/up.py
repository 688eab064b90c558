"""`tidegate up`: what a Compose file describes runs, or becomes what it describes now. `tidegate plan` only shows what would change."""

from __future__ import annotations

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


@click.command()
@reading
@click.option("--deadline", default="5m", metavar="TIME", help="Stop waiting after so long; it goes on (default 5m).")
@changing
@click.pass_obj
def up(session: Session, /, dry_run: bool, wait: bool, why: str, deadline: str, **given: Any) -> None:
    """Put up the stack that a Compose file describes.

    What runs already and is described the same stays as it is. A service that is described differently is replaced replica by replica,
    each new one ready before an old one drains and goes; one that the file has no more goes. Ends with 0 when everything is ready,
    7 when it is not within the deadline.
    """
    limit = time_of(deadline)
    read = read_stack(**given)
    admin = connect(session)
    if dry_run:
        show_plan(session, read, admin.post(path_of(read.name, "/plan"), read.body), dry_run=True)
        return
    answer = admin.put(path_of(read.name), {**read.body, "why": why})
    if not wait:
        show_plan(session, read, answer, dry_run=False)
        return
    told = follow(session, admin, read.name, limit)
    data = {**answer, "stack": told}
    emit(session, "up", data, lambda screen: _tell(screen, answer, told), read.warnings)


@click.command()
@reading
@talking
@click.pass_obj
def plan(session: Session, /, **given: Any) -> None:
    """Show what `tidegate up` would change."""
    read = read_stack(**given)
    show_plan(session, read, connect(session).post(path_of(read.name, "/plan"), read.body), dry_run=True)


def show_plan(session: Session, read: Read, answer: dict[str, Any], *, dry_run: bool) -> None:
    """Print what changes."""

    def view(screen: Screen) -> None:
        screen.line(f"stack {read.name}", style="bold")
        for line in stack_words.changes(answer) or [NOTHING]:
            screen.line(f"  {line}")
        if dry_run:
            screen.line("nothing was changed", style="yellow")

    emit(session, "plan", answer, view, read.warnings)


def time_of(deadline: str) -> float:
    """Seconds of a `--deadline`. Raises UsageFault."""
    try:
        return seconds(deadline)
    except ValueError as fault:
        raise usage(f"--deadline {deadline}: {fault}", "write a time such as 5m") from None


def _tell(screen: Screen, answer: dict[str, Any], told: dict[str, Any]) -> None:
    for line in stack_words.changes(answer) or [NOTHING]:
        screen.line(line)
    screen.line(stack_words.title(told), style="green")
    screen.table(stack_words.HEADERS, [stack_words.row(each) for each in stack_words.replicas(told)])

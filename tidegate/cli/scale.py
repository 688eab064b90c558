"""`tidegate scale SERVICE=N`: so many replicas of a stack's service from now on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from tidegate.cli.client import Admin, connect, segment
from tidegate.cli.completion import names
from tidegate.cli.faults import usage
from tidegate.cli.output import Screen, emit, note
from tidegate.cli.session import Session, changing
from tidegate.cli.stack_following import follow, path_of
from tidegate.cli.stack_naming import find_member
from tidegate.cli.up import time_of
from tidegate.errors import TidegateError

MAX_SCALE = 1000


@click.command()
@click.argument("wanted", nargs=-1, required=True, metavar="SERVICE=N...", type=names("member", end="="))
@click.option("--deadline", default="5m", metavar="TIME", help="Stop waiting after so long; it goes on (default 5m).")
@changing
@click.pass_obj
def scale(session: Session, wanted: tuple[str, ...], deadline: str, dry_run: bool, wait: bool, why: str) -> None:
    """Run so many replicas of services of stacks, until their file says another number."""
    limit = time_of(deadline)
    numbers = [_parsed(each) for each in _joined(wanted)]
    admin = connect(session)
    found = [(*find_member(admin, name), number) for name, number in numbers]
    bodies = [(path_of(stack, f"/services/{segment(member)}"), number) for stack, member, number in found]
    # Before anything is done: of several either all are scaled or, where one cannot be, none.
    done = [admin.post(f"{path}/plan", {"desired": number}) for path, number in bodies]
    if not dry_run:
        done = []
        for path, number in bodies:
            done.append(_scaled(session, admin, path, {"desired": number, "why": why}, done))
    if wait and not dry_run:
        for stack in dict.fromkeys(stack for stack, _, _ in found):
            follow(session, admin, stack, limit)

    def view(screen: Screen) -> None:
        for each in done:
            screen.line(_line(each, "would go" if dry_run else "goes"))

    emit(session, "scale", {"services": done, "dry_run": dry_run}, view)


def _scaled(session: Session, admin: Admin, path: str, body: dict[str, Any], done: Iterable[dict[str, Any]]) -> Any:
    """The answer; where it is a refusal, those that are `done` are told with it."""
    try:
        return admin.put(f"{path}/scale", body)
    except TidegateError:
        for each in done:
            note(session, _line(each, "goes"))
        raise


def _line(answer: dict[str, Any], goes: str) -> str:
    return f"{answer['service']} {goes} from {answer['before']} to {answer['desired']}"


def _joined(words: tuple[str, ...]) -> list[str]:
    """`web= 3`, as Tab leaves it, is `web=3`."""
    found: list[str] = []
    for word in words:
        if found and found[-1].endswith("=") and word.isdecimal():
            found[-1] += word
        else:
            found.append(word)
    return found


def _parsed(text: str) -> tuple[str, int]:
    name, equals, number = text.rpartition("=")
    if not equals or not name or not number.isdecimal() or int(number) > MAX_SCALE:
        raise usage(f"{text} is not SERVICE=N", f"write it as web=3, with a number up to {MAX_SCALE}")
    return name, int(number)

"""`tidegate scale SERVICE=N`: so many replicas of a stack's service from now on."""

from __future__ import annotations

import click

from tidegate.cli.client import connect, segment
from tidegate.cli.completion import names
from tidegate.cli.faults import usage
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, changing
from tidegate.cli.stack_following import follow, path_of
from tidegate.cli.stack_naming import find_member
from tidegate.cli.up import time_of

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
    lines, done = [], []
    for stack, member, number in found:
        path = path_of(stack, f"/services/{segment(member)}/scale")
        if dry_run:
            lines.append(f"{stack}/{member} would have {number} replicas")
            continue
        answer = admin.put(path, {"desired": number, "why": why})
        done.append(answer)
        lines.append(f"{answer['service']} goes from {answer['before']} to {answer['desired']}")
    if wait and not dry_run:
        for stack in dict.fromkeys(stack for stack, _, _ in found):
            follow(session, admin, stack, limit)

    def view(screen: Screen) -> None:
        for line in lines:
            screen.line(line)

    emit(session, "scale", {"services": done, "dry_run": dry_run}, view)


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

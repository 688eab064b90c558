"""`tidegate promote`, `pause`, `resume`, `abort` and `rollback`: what a person says to a release."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from tidegate.cli import release_words
from tidegate.cli.client import connect
from tidegate.cli.completion import names
from tidegate.cli.following import end, follow, path_of
from tidegate.cli.naming import find_target
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, talking

SERVICE = click.argument("service", type=names("service"))
FULL = click.option("--full", is_flag=True, help="Skip all further holds and confirmations, too.")
KEEP = click.option("--keep", is_flag=True, help="Leave the weights as they were set by hand.")
WAIT = click.option("--wait", is_flag=True, help="Until the release has ended, or waits for a person.")
WHY = click.option("--why", default="", metavar="TEXT", help="Reason, kept with the release.")

Say = Callable[..., None]


def _verb(*own: Callable[[Say], Say]) -> Callable[[Say], click.Command]:
    """A command that says something to the release of a service: with options of its `own`, a reason, and whom to ask."""

    def made(function: Say) -> click.Command:
        shared: tuple[Callable[[Any], Any], ...] = (SERVICE, *own, WHY, talking, click.pass_obj)
        return click.command()(reduce(lambda inner, add: add(inner), reversed(shared), function))

    return made


@_verb(FULL, KEEP, WAIT)
def promote(session: Session, service: str, **given: Any) -> None:
    """Go on with a release that waits to be confirmed, or skip the hold that it is in."""
    _say(session, service, "promote", **given)


@_verb()
def pause(session: Session, service: str, **given: Any) -> None:
    """Stop a release where it is; the new version keeps its share, and still loses it if it breaks."""
    _say(session, service, "pause", **given)


@_verb(WAIT)
def resume(session: Session, service: str, **given: Any) -> None:
    """Let a paused release go on where it was."""
    _say(session, service, "resume", **given)


@_verb(WAIT)
def abort(session: Session, service: str, **given: Any) -> None:
    """Give all traffic back to the old version. With --wait it ends with 8 once that serves."""
    _say(session, service, "abort", **given)


@_verb(WAIT)
def rollback(session: Session, service: str, **given: Any) -> None:
    """Undo the last release: at once where the old version is retained, else by a release towards what it was."""
    _say(session, service, "rollback", **given)


def _say(session: Session, service: str, verb: str, *, wait: bool = False, **body: Any) -> None:
    admin = connect(session)
    key = find_target(service, admin.get("/v1/services")["services"], []).key
    told = admin.post(path_of(key, verb), {name: value for name, value in body.items() if value})
    if wait:
        end(session, follow(session, admin, key, told["number"], None))
        return

    def view(screen: Screen) -> None:
        screen.line(release_words.title(told))
        screen.line(release_words.waits_for(told))

    emit(session, "release", told, view)

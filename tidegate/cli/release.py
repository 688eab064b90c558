"""`tidegate promote`, `pause`, `resume`, `abort` and `rollback`: what a person says to a release."""

from __future__ import annotations

from collections.abc import Mapping
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
WHY = click.option("--why", default="", metavar="TEXT", help="Reason, kept with the release.")
WAIT = click.option("--wait", is_flag=True, help="Until the release has ended, or waits for a person.")


@click.command()
@SERVICE
@click.option("--full", is_flag=True, help="Skip all further holds and confirmations, too.")
@click.option("--keep", is_flag=True, help="Leave the weights as they were set by hand.")
@WAIT
@WHY
@talking
@click.pass_obj
def promote(session: Session, service: str, full: bool, keep: bool, wait: bool, why: str) -> None:
    """Go on with a release that waits to be confirmed, or skip the hold that it is in."""
    _say(session, service, "promote", {"full": full, "keep": keep, "why": why}, wait=wait)


@click.command()
@SERVICE
@WHY
@talking
@click.pass_obj
def pause(session: Session, service: str, why: str) -> None:
    """Stop a release where it is; the new version keeps its share, and still loses it if it breaks."""
    _say(session, service, "pause", {"why": why}, wait=False)


@click.command()
@SERVICE
@WAIT
@WHY
@talking
@click.pass_obj
def resume(session: Session, service: str, wait: bool, why: str) -> None:
    """Let a paused release go on where it was."""
    _say(session, service, "resume", {"why": why}, wait=wait)


@click.command()
@SERVICE
@WAIT
@WHY
@talking
@click.pass_obj
def abort(session: Session, service: str, wait: bool, why: str) -> None:
    """Give all traffic back to the old version. With --wait it ends with 8 once that serves."""
    _say(session, service, "abort", {"why": why}, wait=wait)


@click.command()
@SERVICE
@WAIT
@WHY
@talking
@click.pass_obj
def rollback(session: Session, service: str, wait: bool, why: str) -> None:
    """Undo the last release: at once where the old version is retained, else by a release towards its image."""
    _say(session, service, "rollback", {"why": why}, wait=wait)


def _say(session: Session, service: str, verb: str, body: Mapping[str, Any], *, wait: bool) -> None:
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

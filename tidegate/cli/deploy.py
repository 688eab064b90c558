"""`tidegate deploy`: another version of a service takes the place of what serves now, step by step, watched by gates."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, TypeVar

import click

from tidegate.cli.client import Admin, connect
from tidegate.cli.completion import names
from tidegate.cli.deploy_body import body_of
from tidegate.cli.faults import usage
from tidegate.cli.following import end, follow, path_of
from tidegate.cli.naming import find_target
from tidegate.cli.output import Screen, emit
from tidegate.cli.reading import seconds
from tidegate.cli.session import Session, changing

F = TypeVar("F", bound=Callable[..., Any])
ENDINGS = click.Choice(["keep", "stop", "remove"])

_OPTIONS = (
    click.option("--image", default="", metavar="IMAGE", help="Make the new version's containers from the old ones, with this image."),
    click.option("--version", default="", metavar="NAME", help="The new version (default: the image's tag; or the one that runs already)."),
    click.option("--from", "from_", default="", metavar="NAME", help="The version that serves now, where there are several."),
    click.option("--rolling", is_flag=True, help="Replica by replica, the new one first (default)."),
    click.option("--blue-green", is_flag=True, help="All of the new beside all of the old, then all traffic at once."),
    click.option("--canary", is_flag=False, flag_value="default", metavar="SHARES", help="Share by share, such as 5,25,50 (default 5,10,25,50,100)."),
    click.option("--replace", is_flag=True, help="The old stops before the new starts; requests wait meanwhile."),
    click.option("--replicas", type=click.IntRange(1), default=None, help="How many new ones (default: as many as the old)."),
    click.option("--parallelism", type=click.IntRange(1), default=None, help="Replicas at a time."),
    click.option("--hold", default="", metavar="TIME", help="How long each step is watched."),
    click.option("--confirm/--no-confirm", default=None, help="Whether a person says the last word (default: with --blue-green)."),
    click.option("--manual", is_flag=True, help="Weights are moved by `tidegate shift`, then confirmed by `promote`."),
    click.option("--gate", "gates", multiple=True, metavar="GATE", help="Such as `success 99.5%`, `latency off`, `query NAME: EXPR < 1`."),
    click.option("--preview-header", "preview_headers", multiple=True, metavar="NAME=VALUE", help="Requests with it get the new version from the start."),
    click.option("--preview-cookie", "preview_cookies", multiple=True, metavar="NAME=VALUE", help="The same by cookie."),
    click.option("--env", multiple=True, metavar="NAME=VALUE", help="Set a variable of the new containers."),
    click.option("--unset-env", multiple=True, metavar="NAME", help="Take a variable away."),
    click.option("--label", multiple=True, metavar="NAME=VALUE", help="Set a label of the new containers."),
    click.option("--unset-label", multiple=True, metavar="NAME", help="Take a label away."),
    click.option("--pull", type=click.Choice(["never", "missing", "always"]), default=None, help="Whether to ask a registry (default missing)."),
    click.option("--beside", default="", metavar="SERVICE", help="The new version is this service, on the same routes."),
    click.option("--target", "targets", multiple=True, metavar="HOST", help="With --beside: only these hosts or routes."),
    click.option("--retire", type=ENDINGS, default=None, help="What becomes of the old containers."),
    click.option("--discard", type=ENDINGS, default=None, help="What becomes of the new ones after a rollback."),
    click.option("--retain", default="", metavar="TIME", help="How long the old ones stay for an instant rollback."),
    click.option("--on-failure", type=click.Choice(["rollback", "pause"]), default=None, help="What a failure leads to (default rollback)."),
    click.option("--on-unsure", type=click.Choice(["wait", "pass"]), default=None, help="What too few requests for a verdict lead to."),
    click.option("--ready-within", default="", metavar="TIME", help="A new replica has failed after so long (default 5m)."),
    click.option("--min-healthy", default="", metavar="TIME", help="How long it must have been ready to count (default 10s)."),
    click.option("--drain", default="", metavar="TIME", help="For requests in flight on the old ones (default 30s; where requests wait meanwhile 3s)."),
    click.option("--stop-within", default="", metavar="TIME", help="For a container told to stop (default: its own)."),
    click.option("--deadline", default="", metavar="TIME", help="Stop waiting after so long; the release goes on."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask on a terminal."),
)  # fmt: skip


def _all(function: F) -> F:
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), function)


@click.command()
@click.argument("service", type=names("service"))
@click.argument("command", nargs=-1, metavar="[-- COMMAND...]")
@_all
@changing
@click.pass_obj
def deploy(
    session: Session, /, service: str, dry_run: bool, wait: bool, yes: bool, deadline: str, **given: Any
) -> None:
    """Put another version of SERVICE in the place of what serves now.

    With --image Tidegate makes the new containers from the old ones; without, the new version runs already and is named by
    --version. The plan is shown first, and carried out only while nothing it was made from has changed. Ends with 0 when the release is complete, 8 when it was
    rolled back, 9 when it waits for a person.
    """
    body = body_of(given)
    limit = _deadline(deadline)
    admin = connect(session)
    key = find_target(service, admin.get("/v1/services")["services"], []).key
    plan = admin.post(path_of(key), body, dry_run=True)
    if dry_run:
        emit(session, "deploy", plan, lambda screen: _show(screen, plan, dry_run=True), plan["warnings"])
        return
    if not session.json and session.verbosity >= 0:
        _show(Screen(session), plan, dry_run=False)
    if sys.stdin.isatty() and not yes and not session.json:
        click.confirm("Go on?", abort=True, err=True)
    made = admin.post(path_of(key), {**body, "revision": plan["revision"]})
    finish(session, admin, key, made, wait=wait, deadline_seconds=limit)


def finish(
    session: Session,
    admin: Admin,
    service: str,
    made: Mapping[str, Any],
    *,
    wait: bool,
    deadline_seconds: float | None,
) -> None:
    """Follow the release to its end, or tell that it began."""
    if wait:
        end(session, follow(session, admin, service, made["number"], deadline_seconds))
        return
    line = f"release {made['number']} of {service} goes on; tidegate history {service} tells how it goes"
    emit(session, "release", made, lambda screen: screen.line(line))


def _deadline(text: str) -> float | None:
    try:
        return seconds(text) if text else None
    except ValueError as fault:
        raise usage(f"--deadline {text}: {fault}", "write a time such as 30m") from None


def _show(screen: Screen, plan: Mapping[str, Any], *, dry_run: bool) -> None:
    screen.line(f"plan for {plan['service']} (revision {plan['revision']})", style="bold")
    for number, line in enumerate(plan["plan"], 1):
        screen.line(f"  {number}. {line}")
    if dry_run:
        screen.line("dry run: nothing was changed", style="yellow")

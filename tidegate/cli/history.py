"""`tidegate history`: the releases of a service, the newest first, step by step: who, when, what and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli import release_words
from tidegate.cli.client import connect
from tidegate.cli.completion import names
from tidegate.cli.following import path_of
from tidegate.cli.naming import find_target
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, talking


@click.command()
@click.argument("service", type=names("service"))
@click.option("-n", "--limit", default=5, type=click.IntRange(1, 1000), help="How many releases at most (default 5).")
@talking
@click.pass_obj
def history(session: Session, service: str, limit: int) -> None:
    """Releases of a service, the newest first: who asked, when and why, each step, and how it ended."""
    admin = connect(session)
    key = find_target(service, admin.get("/v1/services")["services"], []).key
    found = admin.get(path_of(key))
    releases = [found["current"]["release"], *found["earlier"]][:limit]

    def view(screen: Screen) -> None:
        current = found["current"]
        screen.line(release_words.title(current), style="bold")
        screen.line(release_words.steps(current))
        screen.line(release_words.waits_for(current))
        screen.table(("VERSION", "REPLICAS", "TRAFFIC"), release_words.replicas(current))
        if release_words.gates(current):
            screen.table(("GATE", "VERDICT", "NUMBERS"), release_words.gates(current))
        for each in releases:
            _tell(screen, each)

    emit(session, "history", {"service": key, "releases": releases}, view)


def _tell(screen: Screen, release: Mapping[str, Any]) -> None:
    screen.line()
    reason = f": {release['reason']}" if release["reason"] else ""
    screen.line(f"release {release['number']}, {release['state']}{reason}", style="bold")
    screen.table(("TIME", "WHO", "WHAT", "WHY"), release_words.moments(release))

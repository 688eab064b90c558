"""`tidegate shift`: the weights of a service's versions, or of a route's backends, in one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli import weights
from tidegate.cli.change import options, target
from tidegate.cli.client import Admin, connect, segment
from tidegate.cli.completion import names
from tidegate.cli.faults import usage
from tidegate.cli.naming import Target
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, changing


@click.command()
@click.argument("name", type=names("service", "route"))
@click.argument("pairs", metavar="VERSION=WEIGHT...", nargs=-1)
@click.option("--reset", is_flag=True, help="Go back to the weights of the labels.")
@changing
@click.pass_obj
def shift(
    session: Session, name: str, pairs: tuple[str, ...], reset: bool, dry_run: bool, wait: bool, why: str
) -> None:
    """Move traffic between versions: `shift web v2=10` gives v2 ten percent and the others the rest.

    NAME is a service, its short name, or the host of a route. Name every version to set relative weights.
    """
    if reset == bool(pairs):
        raise usage("give the weights, or --reset", mend="tidegate shift NAME v2=10", code="T1709")
    given = weights.read(pairs)
    admin = connect(session)
    found = target(admin, name)
    before = current(admin, found)
    after = before if reset else weights.after(before, given)
    answer = _send(admin, found, None if reset else after, why, options(session, dry_run=dry_run, wait=wait))
    if reset and not dry_run:
        after = current(admin, target(admin, name))
    _tell(session, found, before, after, answer, dry_run=dry_run)


def current(admin: Admin, found: Target) -> dict[str, int]:
    """Weights in force, by the names the admin API knows: versions, or services where a route has several of them."""
    if found.kind == "service":
        return dict(admin.get(f"/v1/services/{segment(found.key)}")["weights"])
    backends = found.value["backends"]
    several = len({backend["service"] for backend in backends}) > 1
    result: dict[str, int] = {}
    for backend in backends:
        result.setdefault(backend["service"] if several else backend["version"] or "default", backend["weight"])
    return result


def _send(
    admin: Admin, found: Target, after: Mapping[str, int] | None, why: str, query: Mapping[str, object]
) -> Mapping[str, Any]:
    reason = {"why": why} if why else {}
    if after is None:
        return dict(admin.delete("/v1/overrides/weights", {"target": found.key, **reason}, **query))
    return dict(admin.put("/v1/overrides/weights", {"target": found.key, "weights": dict(after), **reason}, **query))


def _tell(
    session: Session,
    found: Target,
    before: Mapping[str, int],
    after: Mapping[str, int],
    answer: Mapping[str, Any],
    *,
    dry_run: bool,
) -> None:
    shares = weights.shares(after)
    data = {"target": found.key, "kind": found.kind, "before": before, "after": after, "dry_run": dry_run}
    undo = " ".join(f"{version}={weight}" for version, weight in before.items())

    def view(screen: Screen) -> None:
        rows = [(version, before.get(version, 0), after[version], f"{shares[version]:.0f}%") for version in after]
        screen.table((found.key, "BEFORE", "AFTER", "SHARE"), rows)
        if dry_run:
            screen.line("dry run: nothing was changed", style="yellow")
        elif screen.terminal and any(before.values()):
            screen.line(f"undo: tidegate shift {found.key} {undo}")

    emit(session, "shift", {**data, "answer": answer}, view, answer.get("warnings") or ())

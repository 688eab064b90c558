"""What every changing verb shares: how a change is asked for, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.cli.client import Admin
from tidegate.cli.naming import Target, find_target
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session

MAX_WAIT_SECONDS = 300.0  # the admin API waits no longer


def target(admin: Admin, name: str) -> Target:
    """The service or route that `name` means to the running Tidegate."""
    services = admin.get("/v1/services")["services"]
    routes = admin.get("/v1/routes")["routes"]
    return find_target(name, services, routes)


def options(session: Session, *, dry_run: bool, wait: bool) -> dict[str, object]:
    """The query of a changing request: nothing is written on a dry run, else the answer comes when all workers follow."""
    if dry_run:
        return {"dry_run": True}
    return {"wait": f"{min(session.timeout_seconds, MAX_WAIT_SECONDS):g}"} if wait else {}


def tell(
    session: Session,
    schema: str,
    data: Mapping[str, Any],
    lines: Sequence[str],
    answer: Mapping[str, Any],
    *,
    dry_run: bool,
) -> None:
    """Print what was done, or on a dry run what would be."""

    def view(screen: Screen) -> None:
        for line in lines:
            screen.line(line)
        for change in answer.get("changes") or []:
            screen.line(f"  {change['text']}")
        if dry_run:
            screen.line("dry run: nothing was changed", style="yellow")

    emit(session, schema, {**data, "dry_run": dry_run, "answer": answer}, view, answer.get("warnings") or ())

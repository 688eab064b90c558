"""`tidegate drain` and `undrain`: endpoints, containers or nodes that get no new requests; those in flight finish."""

from __future__ import annotations

import click

from tidegate.cli.change import options, tell
from tidegate.cli.client import connect
from tidegate.cli.completion import names
from tidegate.cli.session import Session, changing

NAMES = click.argument("names_", metavar="NAME...", nargs=-1, required=True, type=names("endpoint", "node"))


@click.command()
@NAMES
@changing
@click.pass_obj
def drain(session: Session, names_: tuple[str, ...], dry_run: bool, wait: bool, why: str) -> None:
    """Send no new requests to an endpoint, container or node; requests in flight finish."""
    _set(session, names_, drained=True, dry_run=dry_run, wait=wait, why=why)


@click.command()
@NAMES
@changing
@click.pass_obj
def undrain(session: Session, names_: tuple[str, ...], dry_run: bool, wait: bool, why: str) -> None:
    """Take a drained endpoint, container or node back into service."""
    _set(session, names_, drained=False, dry_run=dry_run, wait=wait, why=why)


def _set(session: Session, names_: tuple[str, ...], *, drained: bool, dry_run: bool, wait: bool, why: str) -> None:
    admin = connect(session)
    query = options(session, dry_run=dry_run, wait=wait)
    warnings: list[object] = []
    changes: list[object] = []
    for name in names_:
        body = {"name": name, "drained": drained} | ({"why": why} if why else {})
        answer = admin.put("/v1/overrides/drain", body, **query)
        warnings += answer["warnings"]
        changes += answer["changes"]
    word = "gets no new requests" if drained else "is back in service"
    lines = [f"{name} {word}" for name in names_]
    undo = f"undo: tidegate {'undrain' if drained else 'drain'} {' '.join(names_)}"
    data = {"names": list(names_), "drained": drained}
    tell(
        session,
        "drain",
        data,
        lines if dry_run else [*lines, undo],
        {"warnings": warnings, "changes": changes},
        dry_run=dry_run,
    )

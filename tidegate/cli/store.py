"""`tidegate store migrate --to etcd://...`: everything of this host's store, moved to a cluster store."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import structs

from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, common
from tidegate.cli.settings import load
from tidegate.errors import ConfigError, Problem, StoreError

if TYPE_CHECKING:
    from tidegate.store.moving import Move


@click.group()
def store() -> None:
    """What is stored, as a whole."""


@store.command()
@click.option("--to", required=True, metavar="URL", help="The cluster store, etcd://host:port; it must be empty.")
@click.option("--state", metavar="DIR", default=None, help="State folder (default: as for serve).")
@click.option(
    "--config", "file", metavar="FILE", default=None, help="Settings file (default: tidegate.yaml, if there)."
)
@click.option("--dry-run", is_flag=True, help="Show what would be moved; change nothing.")
@common
@click.pass_obj
def migrate(session: Session, to: str, state: str | None, file: str | None, dry_run: bool) -> None:
    """Move everything from SQLite in the state folder to a cluster store. Tidegate must be stopped here meanwhile.

    Whoever reads the cluster store sees nothing of it before it is complete. What is here stays, as it was.
    """
    from tidegate.app.folder import StateFolder  # noqa: PLC0415  --help need not load it
    from tidegate.store.address import parse  # noqa: PLC0415

    settings = load({"state.folder": state}, os.environ, file)
    folder = Path(settings.config.state.folder)
    try:
        target = parse(to)
    except ValueError as error:
        raise ConfigError(_no_store(str(error))) from error
    if not (folder / "store.sqlite").exists():
        raise StoreError(_nothing_there(folder))
    lock = StateFolder(str(folder))
    lock.take()
    try:
        moved = asyncio.run(_move(folder, target.url(), dry_run=dry_run))
    finally:
        lock.release()
    data = structs.asdict(moved) | {"dry_run": dry_run}

    def view(screen: Screen) -> None:
        screen.line(f"{'would move' if dry_run else 'moved'}  {moved.entries} entries, {moved.size} bytes")
        screen.line(f"from   {moved.source}, revision {moved.revision}")
        screen.line(f"to     {moved.target}, epoch {moved.epoch}")
        if moved.left:
            screen.line(f"left   {moved.left} entries on leases: whoever holds them puts them anew")
        if not dry_run:
            screen.line(f"next   tidegate serve --store {moved.target}")

    emit(session, "store.migrate", data, view, settings.warnings)


async def _move(folder: Path, url: str, *, dry_run: bool) -> Move:
    from tidegate.store.address import parse  # noqa: PLC0415  as above
    from tidegate.store.etcd import EtcdStore  # noqa: PLC0415
    from tidegate.store.moving import move  # noqa: PLC0415
    from tidegate.store.sqlite import SqliteStore  # noqa: PLC0415

    target = await EtcdStore.open(parse(url))
    try:
        source = await SqliteStore.open(folder / "store.sqlite")
        try:
            return await move(source, target, str(folder / "store.sqlite"), time.time(), dry_run=dry_run)
        finally:
            await source.close()
    finally:
        await target.close()


def _no_store(cause: str) -> Problem:
    return Problem(
        code="T1533",
        text="--to names no cluster store",
        place="--to",
        cause=cause,
        mend="write etcd://host:port, with more members after commas",
        kept="nothing was moved",
    )


def _nothing_there(folder: Path) -> Problem:
    return Problem(
        code="T1534",
        text="there is no store to be moved",
        place=str(folder / "store.sqlite"),
        mend="name the state folder with --state; an empty cluster store needs no move: serve with --store",
        kept="nothing was moved",
    )

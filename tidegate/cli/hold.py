"""`tidegate hold`: a service or route whose requests wait, bounded in number and time, until --off."""

from __future__ import annotations

import click

from tidegate.cli.completion import names
from tidegate.cli.mode import switch
from tidegate.cli.session import Session, changing


@click.command()
@click.argument("name", type=names("service", "route"))
@click.option("--off", is_flag=True, help="Forward requests again; those that wait go first.")
@changing
@click.pass_obj
def hold(session: Session, name: str, off: bool, dry_run: bool, wait: bool, why: str) -> None:
    """Keep requests for a service or route waiting, a bounded time; --off ends it."""
    switch(session, name, "normal" if off else "hold", message="", dry_run=dry_run, wait=wait, why=why)

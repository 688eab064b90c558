"""`tidegate maint`: a service or route that answers 503 with a page, until --off."""

from __future__ import annotations

import click

from tidegate.cli.completion import names
from tidegate.cli.mode import switch
from tidegate.cli.session import Session, changing


@click.command()
@click.argument("name", type=names("service", "route"))
@click.option("--message", default="", metavar="TEXT", help="Text of the page.")
@click.option("--off", is_flag=True, help="Forward requests again.")
@changing
@click.pass_obj
def maint(session: Session, name: str, message: str, off: bool, dry_run: bool, wait: bool, why: str) -> None:
    """Answer 503 with a page for a service or route; --off ends it."""
    switch(session, name, "normal" if off else "maintenance", message=message, dry_run=dry_run, wait=wait, why=why)

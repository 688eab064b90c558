"""`tidegate schema`: the JSON Schema of the static file, for editors."""

from __future__ import annotations

import json

import click

from tidegate.cli.output import emit
from tidegate.cli.session import Session, common


@click.command()
@common
@click.pass_obj
def schema(session: Session) -> None:
    """Print the JSON Schema of the static file; with `# yaml-language-server: $schema=FILE` editors check as you type."""
    from tidegate.discovery.schema import file_schema  # noqa: PLC0415  only this verb pays for it

    found = file_schema()
    emit(session, "schema", found, lambda screen: screen.line(json.dumps(found, indent=2)))

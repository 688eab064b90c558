"""`tidegate resolve NAME`: what our DNS answers, and from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli.client import connect
from tidegate.cli.completion import names
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, talking


@click.command()
@click.argument("name", type=names("service", "route"))
@click.option("-t", "--type", "kind", default="A", metavar="TYPE", help="A, AAAA, SRV, PTR, ... (default A).")
@click.option("--from", "asker", default=None, metavar="ADDRESS", help="As this address would be answered.")
@talking
@click.pass_obj
def resolve(session: Session, name: str, kind: str, asker: str | None) -> None:
    """What our DNS answers, and from where."""
    answer = connect(session).get("/v1/resolve", name=name, type=kind.upper(), from_=asker)
    emit(session, "resolve", answer, lambda screen: _view(screen, answer))


def _view(screen: Screen, answer: Mapping[str, Any]) -> None:
    for record in answer.get("answers") or []:
        screen.line("\t".join(str(record[name]) for name in ("name", "ttl", "type", "data") if name in record))
    screen.line(f"{answer.get('rcode', '')} from {answer.get('source', 'unknown')}")

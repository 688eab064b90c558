"""`tidegate resolve NAME`: what our DNS answers, to whom, and why; also what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from tidegate.cli.client import connect
from tidegate.cli.completion import names
from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, talking


@click.command()
@click.argument("name", type=names("service", "route"))
@click.option("-t", "--type", "kind", default="A", metavar="TYPE", help="A, AAAA, SRV, PTR, ... (default A).")
@click.option("--from", "asker", default=None, metavar="CONTAINER|ADDRESS", help="As this asker is answered.")
@talking
@click.pass_obj
def resolve(session: Session, name: str, kind: str, asker: str | None) -> None:
    """What our DNS answers, to whom, and why."""
    answer = connect(session).get("/v1/resolve", name=name, type=kind.upper(), from_=asker)
    emit(session, "resolve", answer, lambda screen: _view(screen, answer))


def _view(screen: Screen, answer: Mapping[str, Any]) -> None:
    for record in answer.get("answers") or []:
        screen.line("\t".join(str(record[name]) for name in ("name", "ttl", "type", "data") if name in record))
    for sentence in _sentences(answer):
        screen.line(sentence)
    targets = answer.get("targets") or []
    if targets:
        screen.line()
        screen.table(("TARGET", "VERSION", "WEIGHT", "NETWORKS", "TOLD", "LEFT OUT"), [_row(each) for each in targets])


def _sentences(answer: Mapping[str, Any]) -> Iterator[str]:
    """The verdict, then what it hangs on."""
    if answer.get("is_forwarded"):
        asked = ", ".join(answer.get("upstreams") or ()) or "nobody: there are no upstreams"
        yield f"forwarded to {asked}"
    else:
        yield f"{answer.get('rcode', '')} from {answer.get('source', 'unknown')}"
    if answer.get("holder"):
        yield f"held by {answer['holder']} ({answer.get('mode', '')}), TTL {answer.get('ttl', 0)} s"
    elif answer.get("zone"):
        yield f"in our zone {answer['zone']}, TTL {answer.get('ttl', 0)} s"
    if answer.get("nearest"):
        yield f"nearest: {', '.join(answer['nearest'])}"
    if answer.get("asker"):
        who = f"{answer['asker']} ({answer['container']})" if answer.get("container") else answer["asker"]
        networks = ", ".join(answer.get("networks") or ()) or "none of the networks that are known"
        yield f"asked by {who}, on {networks}"


def _row(target: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        target.get("name", ""),
        target.get("version", ""),
        f"{target.get('share', '')}:{target.get('weight', '')}",
        ", ".join(target.get("networks") or ()),
        ", ".join(target.get("addresses") or ()),
        target.get("reason", ""),
    )

"""`tidegate quota ACCOUNT`: what the services of an account may set aside together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tidegate.cli import quota_words
from tidegate.cli.client import connect, segment
from tidegate.cli.faults import usage
from tidegate.cli.output import emit
from tidegate.cli.session import Session, talking


@click.command()
@click.argument("account", metavar="ACCOUNT")
@click.option("--cpus", type=click.FloatRange(min=0), metavar="CORES", help="Cores that are set aside at most.")
@click.option("--memory", metavar="SIZE", help="Memory that is set aside at most, as 8g or 512m.")
@click.option("--replicas", type=click.IntRange(min=0), metavar="N", help="Replicas at most.")
@click.option("--off", is_flag=True, help="No limit any more.")
@click.option("--why", default="", metavar="TEXT", help="Reason, kept with the change.")
@talking
@click.pass_obj
def quota(
    session: Session,
    account: str,
    cpus: float | None,
    memory: str | None,
    replicas: int | None,
    off: bool,
    why: str,
) -> None:
    """Say what an account may set aside; amounts that are not named have no limit. What runs stays, what is more is not placed.

    Services count to the account that their label tidegate.account names, else to the one that is called as their stack.
    """
    body: dict[str, Any] = {
        "cpus": cpus,
        "memory": quota_words.size_of(memory) if memory is not None else None,
        "replicas": replicas,
    }
    body = {name: value for name, value in body.items() if value is not None}
    if bool(body) is off:
        raise usage("nothing is said of the quota" if not off else "--off goes with no amount", "say amounts, or --off")
    path, told = f"/v1/quotas/{segment(account)}", {"why": why} if why else {}
    admin = connect(session)
    answer: Mapping[str, Any] = admin.delete(path, told) if off else admin.put(path, body | told)
    emit(session, "quota", answer, lambda screen: screen.line(quota_words.sentence(answer)))

"""`tidegate cert create HOST...`: a certificate for development, signed by a local authority."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
from msgspec import structs

from tidegate.cli.output import Screen, emit
from tidegate.cli.session import Session, common
from tidegate.cli.settings import default_state
from tidegate.errors import ConfigError, Problem

_HOST = re.compile(
    r"(?=.{1,253}\Z)(\*\.)?[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*|[0-9a-f:.]+", re.ASCII
)


@click.group()
def cert() -> None:
    """Make certificates of a local authority, for development."""


@cert.command()
@click.argument("hosts", nargs=-1, required=True, metavar="HOST...")
@click.option("--certs", metavar="DIR", default=None, help="Where to write it (default: certs in the state folder).")
@click.option(
    "--ca", metavar="DIR", default=None, help="Where the authority is (default: authority in the state folder)."
)
@common
@click.pass_obj
def create(session: Session, hosts: tuple[str, ...], certs: str | None, ca: str | None) -> None:
    """A certificate for these hosts (names, *.names, IP addresses); the authority is made with the first one."""
    from tidegate.tls import workshop  # noqa: PLC0415  loading cryptography costs 50 ms

    wanted = tuple(host.lower().removesuffix(".") for host in hosts)
    wrong = [host for host in wanted if not _HOST.fullmatch(host)]
    if wrong:
        raise ConfigError(*[_no_host(host) for host in wrong])
    state = Path(default_state(os.environ, os.geteuid()))
    try:
        made = workshop.create(wanted, Path(certs or state / "certs"), Path(ca or state / "authority"))
    except (OSError, ValueError) as error:
        raise ConfigError(_failed(error)) from error

    def view(screen: Screen) -> None:
        screen.line(f"certificate  {made.certificate}")
        screen.line(f"key          {made.key}")
        screen.line(f"authority    {made.authority}" + (" (made now)" if made.authority_is_new else ""))
        screen.line(f"serve it     tidegate serve --certs {Path(made.certificate).parent}")
        screen.line(f"trust it     curl --cacert {made.authority} https://{wanted[0]}:8443/")

    emit(session, "cert.create", structs.asdict(made), view)


def _no_host(host: str) -> Problem:
    return Problem(
        code="T1911",
        text=f"{host!r} is no host that a certificate can name",
        mend="write a name, *.name or an IP address",
        kept="nothing was written",
    )


def _failed(error: Exception) -> Problem:
    return Problem(
        code="T1912",
        text="the certificate cannot be made",
        cause=getattr(error, "strerror", None) or str(error),
        mend="name folders that you may write to with --certs and --ca",
        kept="what was there before stays",
    )

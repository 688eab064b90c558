"""`tidegate set TARGET NAME=VALUE...` and `tidegate unset TARGET [NAME...]`: the settings of routes, over labels and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from tidegate.cli.change import options, target, tell
from tidegate.cli.client import Admin, connect, segment
from tidegate.cli.completion import names
from tidegate.cli.faults import usage
from tidegate.cli.naming import Target
from tidegate.cli.session import Session, changing


class _SettingName(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.4
    """A setting's name, with or without `=VALUE`; Tab offers those there are."""

    name = "setting"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002  click's signature
        from tidegate.settings.vocabulary import all_names  # noqa: PLC0415  only completing pays for it

        return [CompletionItem(each) for each in all_names() if each.startswith(incomplete)]


@click.command("set")
@click.argument("name", metavar="TARGET", type=names("service", "route"))
@click.argument("pairs", metavar="NAME=VALUE...", nargs=-1, required=True, type=_SettingName())
@changing
@click.pass_obj
def set_(session: Session, name: str, pairs: tuple[str, ...], dry_run: bool, wait: bool, why: str) -> None:
    """Say how requests are treated: `tidegate set web timeout.try_seconds=2 retry.tries=1`.

    TARGET is a service, a route or the host of routes. What is set goes before labels and files, until `tidegate unset`.
    docs/route-settings.md lists the settings.
    """
    given = _read(pairs)
    admin = connect(session)
    found = target(admin, name)
    body = {"settings": given, **({"why": why} if why else {})}
    answer = admin.put(_path(found), body, **options(session, dry_run=dry_run, wait=wait))
    lines = [f"{found.kind} {found.key} has {setting} set" for setting in given]
    lines += [] if dry_run else [f"undo: tidegate unset {found.key} {' '.join(given)}"]
    _tell(session, admin, found, lines, answer, dry_run=dry_run)


@click.command()
@click.argument("name", metavar="TARGET", type=names("service", "route"))
@click.argument("settings", metavar="[NAME...]", nargs=-1, type=_SettingName())
@changing
@click.pass_obj
def unset(session: Session, name: str, settings: tuple[str, ...], dry_run: bool, wait: bool, why: str) -> None:
    """Take back what `tidegate set` said; without names all of it. A family's name stands for all in it."""
    admin = connect(session)
    found = target(admin, name)
    body = {"names": list(settings), **({"why": why} if why else {})}
    answer = admin.delete(_path(found), body, **options(session, dry_run=dry_run, wait=wait))
    lines = [f"{found.kind} {found.key} has {each} no longer set" for each in settings]
    lines = lines or [f"{found.kind} {found.key} has nothing set any more"]
    _tell(session, admin, found, lines, answer, dry_run=dry_run)


def _path(found: Target) -> str:
    return f"/v1/settings/{segment(found.key)}"


def _read(pairs: Sequence[str]) -> dict[str, str]:
    """Names and values. Raises ConfigError (T1709) for what is no pair, or said twice."""
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise usage(f"{pair} is not NAME=VALUE", mend="tidegate set web retry.tries=1", code="T1709")
        if name in given:
            raise usage(f"{name} is said twice", mend="keep one of the two", code="T1709")
        given[name] = value
    return given


def _tell(
    session: Session, admin: Admin, found: Target, lines: list[str], answer: Mapping[str, Any], *, dry_run: bool
) -> None:
    held = {} if dry_run else admin.get(_path(found))
    data = {
        "target": found.key,
        "kind": found.kind,
        "settings": held.get("settings", {}),
        "routes": held.get("routes", []),
    }
    tell(session, "settings", data, lines, answer, dry_run=dry_run)

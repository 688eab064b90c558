"""`tidegate config show`: the settings `serve` would run with, and where each came from."""

from __future__ import annotations

from typing import Any

import click

from tidegate.cli.catalogue import SETTINGS
from tidegate.cli.output import Screen, emit
from tidegate.cli.serve import gather, setting_flags
from tidegate.cli.session import Session, common
from tidegate.cli.settings import shown


@click.group()
def config() -> None:
    """Effective settings and where each came from."""


@config.command()
@setting_flags
@common
@click.pass_obj
def show(session: Session, /, file: str | None, no_docker: bool, **flags: Any) -> None:
    """Every setting, its value, its origin and its variable; takes the same flags as serve. Secrets are not printed."""
    settings = gather(session, file, no_docker, flags)
    data = [
        {
            "key": setting.key,
            "value": shown(setting, settings.config),
            "origin": settings.origins[setting.key],
            "flag": setting.flag,
            "variable": setting.variable,
        }
        for setting in SETTINGS
    ]

    def view(screen: Screen) -> None:
        rows = [(row["key"], _text(row["value"]), row["origin"], row["variable"]) for row in data]
        screen.table(("SETTING", "VALUE", "FROM", "VARIABLE"), rows)

    emit(session, "config", data, view, settings.warnings)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "off"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "-" if value == "" else f"{value:g}" if isinstance(value, float) else str(value)

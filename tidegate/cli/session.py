"""What one call of the command was told: the options every verb takes, wherever on the line they stand."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

PROGRESS = ("auto", "tty", "plain", "json", "quiet")


class Session:
    """Filled by the option callbacks before a verb's body runs."""

    def __init__(self) -> None:
        self.admin: str | None = None  # where to ask, as given
        self.token: str | None = None
        self.json = False
        self.color: bool | None = None  # None: decided by the terminal and NO_COLOR
        self.verbosity = 0
        self.timeout_seconds = 30.0
        self.progress = "auto"


def common(function: F) -> F:
    """Add the options that every verb takes."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def talking(function: F) -> F:
    """Add the options of a verb that asks a running Tidegate, and the common ones."""
    for option in reversed(_CLIENT_OPTIONS):
        function = option(function)
    return common(function)


def changing(function: F) -> F:
    """Add the options of a verb that changes what runs, and those of `talking`."""
    function = click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")(function)
    function = click.option(
        "--wait/--no-wait", default=True, help="Wait until every worker follows (default), or return at once."
    )(function)
    function = click.option("--why", default="", metavar="TEXT", help="Reason, kept with the change.")(function)
    return talking(function)


def _store(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        if value is not None:
            setattr(context.ensure_object(Session), name, value)
        return value

    return callback


def _add(sign: int) -> Callable[[click.Context, click.Parameter, int], int]:
    def callback(context: click.Context, _parameter: click.Parameter, value: int) -> int:
        context.ensure_object(Session).verbosity += sign * value
        return value

    return callback


def _timeout(context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    value = value if value is not None else os.environ.get("TIDEGATE_TIMEOUT")
    if value:
        from tidegate.cli.reading import seconds  # noqa: PLC0415  only who gives a time pays for its reader

        try:
            context.ensure_object(Session).timeout_seconds = seconds(value)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx=context, param=_parameter) from None
    return value


def _progress(context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    default = "plain" if os.environ.get("CI", "") not in ("", "0", "false") else None
    chosen = value or os.environ.get("TIDEGATE_PROGRESS") or default
    if chosen is not None and chosen not in PROGRESS:
        raise click.BadParameter(f"one of {', '.join(PROGRESS)}", ctx=context, param=_parameter)
    if chosen is not None:
        context.ensure_object(Session).progress = chosen
    return value


_OPTIONS = (
    click.option(
        "--json", is_flag=True, default=None, expose_value=False, callback=_store("json"), help="Print one JSON object."
    ),
    click.option(
        "--color/--no-color",
        default=None,
        expose_value=False,
        callback=_store("color"),
        help="Force or forbid colour (also NO_COLOR).",
    ),
    click.option("-q", "--quiet", count=True, expose_value=False, callback=_add(-1), help="Say less."),
    click.option("-v", "--verbose", count=True, expose_value=False, callback=_add(1), help="Say more."),
    click.option(
        "--timeout",
        metavar="TIME",
        default=None,
        expose_value=False,
        callback=_timeout,
        help="How long to wait, such as 5s (default 30s).",
    ),
    click.option(
        "--progress",
        metavar="|".join(PROGRESS),
        default=None,
        expose_value=False,
        callback=_progress,
        help="How progress is shown.",
    ),
)

_CLIENT_OPTIONS = (
    click.option(
        "--admin",
        metavar="ADDRESS",
        default=None,
        expose_value=False,
        callback=_store("admin"),
        help="Whom to ask: host:port or unix:/path (also TIDEGATE_ADMIN).",
    ),
    click.option(
        "--token",
        metavar="TOKEN",
        default=None,
        expose_value=False,
        callback=_store("token"),
        help="Token of the admin API (also TIDEGATE_TOKEN).",
    ),
)

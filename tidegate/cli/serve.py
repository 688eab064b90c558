"""`tidegate serve`: settings in, the composition root takes over. Logs go to standard error, the access log to standard
output, so that a service manager and a pipe each get the right one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec import structs

from tidegate.cli.catalogue import FLAGGED
from tidegate.cli.output import problem_text
from tidegate.cli.session import Session, common
from tidegate.cli.settings import Settings, load
from tidegate.config import HANDOVER_VARIABLE, PARENT_VARIABLE

F = TypeVar("F", bound=Callable[..., Any])


def setting_flags(function: F) -> F:
    """Add one option per setting that has a flag; values arrive as text under the setting's key, dots as `__`."""
    for setting in reversed(FLAGGED):
        function = click.option(
            setting.flag,
            setting.key.replace(".", "__"),
            metavar=setting.meta,
            multiple=setting.many,
            default=None,
            help=setting.help + (" Repeatable." if setting.many else ""),
        )(function)
    function = click.option("--no-docker", is_flag=True, help="Follow no Docker Engine.")(function)
    return click.option(
        "--config", "file", metavar="FILE", default=None, help="Settings file (default: tidegate.yaml, if there)."
    )(function)


def gather(session: Session, file: str | None, no_docker: bool, flags: dict[str, Any]) -> Settings:
    """Settings of this call; raises ConfigError with all faults. Options given before the verb count as well."""
    given = {key.replace("__", "."): value for key, value in flags.items()}
    if session.admin and not given.get("admin.listeners"):
        given["admin.listeners"] = (session.admin,)
    if session.token and not given.get("admin.token"):
        given["admin.token"] = session.token
    if session.verbosity > 0 and not given.get("log_level"):
        given["log_level"] = "debug"
    settings = load(given | ({"docker.urls": "off"} if no_docker else {}), os.environ, file)
    origins = settings.origins | ({"docker.urls": "--no-docker"} if no_docker else {})
    return structs.replace(settings, origins=origins)


@click.command()
@setting_flags
@common
@click.pass_obj
def serve(session: Session, /, file: str | None, no_docker: bool, **flags: Any) -> int:
    """Run Tidegate in the foreground until SIGTERM or Ctrl-C; requests in flight are finished first."""
    if PARENT_VARIABLE in os.environ:
        from tidegate.app.child import drain_with  # noqa: PLC0415  only the demo asks for it

        drain_with(int(os.environ.pop(PARENT_VARIABLE)))
    if HANDOVER_VARIABLE in os.environ:
        return _succeed(lambda: gather(session, file, no_docker, flags))
    settings = gather(session, file, no_docker, flags)
    for warning in settings.warnings:
        problem_text(session, warning)
    from tidegate import app  # noqa: PLC0415  only this verb loads the data plane

    return app.run(settings.config)


def _succeed(gathered: Callable[[], Settings]) -> int:
    """Be the generation after the one that executed us, or the trial of it. Raises ConfigError."""
    from tidegate import app  # noqa: PLC0415
    from tidegate.app import handover  # noqa: PLC0415

    before = handover.inherited(os.environ)
    if before.trial >= 0:
        return handover.accept(lambda: gathered().config, before)
    return app.run(before.config(), before)

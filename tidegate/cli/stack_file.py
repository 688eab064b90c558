"""The stack that a Compose file describes, read here, where its files and variables are, as the admin API takes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tidegate.cli.completion import names
from tidegate.cli.faults import usage
from tidegate.errors import ConfigError, Problem, Severity

if TYPE_CHECKING:
    from tidegate.stacks.file import ComposeFile

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
BESIDE = (
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
)
NOT_READ = "T2115"

F = TypeVar("F", bound=Callable[..., Any])


def _only(_context: click.Context, _parameter: click.Parameter, files: tuple[str, ...]) -> str:
    """The one file that was named; empty where none was. Raises UsageFault."""
    if len(files) > 1:
        mend = "write what differs into the one file, with ${VARIABLES}, profiles or extends"
        raise usage(f"one file is read, not {' and '.join(files)} together", mend, code=NOT_READ)
    return files[0] if files else ""


_OPTIONS = (
    click.option("-f", "--file", "file", multiple=True, callback=_only, metavar="FILE", type=click.Path(), help=f"The Compose file (default: {NAMES[0]} and its kin here)."),
    click.option("-p", "--project", default="", metavar="NAME", type=names("stack"), help="The stack's name (default: the file's, or its folder's)."),
    click.option("--env-file", default="", metavar="FILE", type=click.Path(), help="Variables for the file (default: .env beside it)."),
    click.option("--profile", multiple=True, metavar="NAME", help="Services of this profile too (also COMPOSE_PROFILES)."),
)  # fmt: skip


class Read:
    """A stack as understood: its name, the body of a request, what is worth a warning."""

    def __init__(self, name: str, body: dict[str, Any], warnings: Sequence[Problem]) -> None:
        self.name = name
        self.body = body
        self.warnings = tuple(warnings)


def reading(function: F) -> F:
    """Add the options that say which file is read, and how."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), function)


def read_stack(file: str, project: str, env_file: str, profile: tuple[str, ...]) -> Read:
    """Read it. Raises ConfigError with all that is wrong, UsageFault where there is no file."""
    import msgspec  # noqa: PLC0415  only who reads a file pays for its reader

    from tidegate.stacks.understood import remarks, stack_of  # noqa: PLC0415

    path = Path(file) if file else _default()
    found = _file(path, project, env_file, profile)
    if found.errors:
        raise ConfigError(*found.problems)
    stack = stack_of(found)
    body = {"stack": msgspec.to_builtins(stack), "source": path.read_text(encoding="utf-8")}
    unread = () if file else _unread(path.parent)
    return Read(stack.name, body, (*found.problems, *unread, *_faulty_labels(found), *remarks(found)))


def _unread(folder: Path) -> Iterator[Problem]:
    """What Docker Compose would have read too, where no file is named."""
    for name in (name for name in BESIDE if (folder / name).is_file()):
        yield Problem(
            code=NOT_READ,
            text=f"{name} is not read: one file says all of a stack",
            mend="write what differs into the one file, with ${VARIABLES}, profiles or extends",
            severity=Severity.WARNING,
        )
    if os.environ.get("COMPOSE_FILE"):
        text, mend = "COMPOSE_FILE is not heeded", "name the file: -f FILE"
        yield Problem(code=NOT_READ, text=text, mend=mend, severity=Severity.WARNING)


def _faulty_labels(file: ComposeFile) -> Iterator[Problem]:
    """What is wrong with labels harms the containers that have them, and nothing else: a warning."""
    import msgspec  # noqa: PLC0415  as above

    from tidegate.discovery.labels import check_labels  # noqa: PLC0415
    from tidegate.stacks.extensions import idle  # noqa: PLC0415

    for service in file.services:
        without_effect = {f"label {name}" for name in idle(service.template.labels)}  # told once for the whole file
        for problem in check_labels(service.template.labels):
            if problem.place not in without_effect:
                place = f"service {service.name}, {problem.place}"
                yield msgspec.structs.replace(problem, place=place, severity=Severity.WARNING)


def _file(path: Path, project: str, env_file: str, profiles: tuple[str, ...]) -> ComposeFile:
    from tidegate.stacks.reader import read_file  # noqa: PLC0415

    variables = {**_variables(env_file), **os.environ} if env_file else None
    return read_file(path, project, variables, profiles or None)


def _variables(env_file: str) -> dict[str, str]:
    """Those of `--env-file`; faulty lines are refused."""
    from tidegate.stacks import envfile  # noqa: PLC0415

    faults: list[Problem] = []

    def report(code: str, line: int, said: str) -> None:
        faults.append(Problem(code=code, text=said, place=f"{env_file}:{line}"))

    try:
        found = envfile.parse(Path(env_file).read_text(encoding="utf-8"), os.environ, report)
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{env_file} cannot be read: {error}", "name the file that has the variables") from None
    if faults:
        raise ConfigError(*faults)
    return {name: value for name, value in found.items() if value is not None}


def _default() -> Path:
    found = next((Path(name) for name in NAMES if Path(name).is_file()), None)
    if found is None:
        raise usage(f"there is no {NAMES[0]} here", "name the file: tidegate up -f FILE", code="T2110")
    return found

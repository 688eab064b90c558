"""Compose files to values, for both engines: the `services:` form and version 1 (services on top).

Names are those of Compose v2: containers `project-service-N`, networks and volumes `project_name`, and its labels for project,
service and number. Everything that is wrong with a file is told at once, each thing with its line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from msgspec.structs import replace

from tidegate import yamlfile
from tidegate.errors import ConfigError, Problem, Severity
from tidegate.stacks import envfile, mounts, networks, values
from tidegate.stacks.dependencies import Link
from tidegate.stacks.extends import Extender, ReadText
from tidegate.stacks.extensions import IDLE, idle
from tidegate.stacks.file import ComposeFile
from tidegate.stacks.findings import Findings
from tidegate.stacks.interpolation import UNSET, interpolate
from tidegate.stacks.linking import linked, reached
from tidegate.stacks.modes import shared_services
from tidegate.stacks.service import StackService
from tidegate.stacks.service_reader import NO_ENV_FILE, ServiceReader, Surroundings
from tidegate.stacks.starting import cycle
from tidegate.yamlfile import Path

EMPTY, UNREADABLE, NO_SERVICE, CYCLE = "T1130", "T1141", "T1180", "T1181"

_TOP = frozenset({"version", "name", "services", "networks", "volumes", "secrets", "configs"})
_WHY = {"include": "name the services of the other file with extends:"}


def read_file(
    path: str | FilePath,
    project: str = "",
    variables: Mapping[str, str] | None = None,
    profiles: Iterable[str] | None = None,
) -> ComposeFile:
    """Read the file at `path`; raises ConfigError when it cannot be opened. The project is the argument, COMPOSE_PROJECT_NAME,
    the file's own `name`, or its folder's name; `variables` are those of this process unless given, over those of `.env` beside the file;
    `profiles` are those of COMPOSE_PROFILES unless given.
    """
    file = FilePath(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Problem(code=UNREADABLE, text=f"{file} cannot be read", place=str(file), cause=str(error))
        ) from error
    folder = file.resolve().parent
    faults: list[Problem] = []
    known = _with_env(folder / ".env", os.environ if variables is None else variables, faults)
    found = read(text, str(file), project=project, folder=str(folder), variables=known, profiles=profiles)
    return replace(found, problems=(*faults, *found.problems))


def read(
    text: str,
    name: str,
    *,
    project: str = "",
    folder: str = "",
    variables: Mapping[str, str],
    profiles: Iterable[str] | None = None,
    read_text: ReadText = lambda path: FilePath(path).read_text(encoding="utf-8"),
) -> ComposeFile:
    """Read `text`, called `name` in messages; never raises. Relative paths are below `folder`; other files are read by
    `read_text`.
    """
    document = yamlfile.load(text, name)
    findings = Findings(document)
    data = _filled(document.data, variables, findings)
    if not isinstance(data, dict) or not data:
        if not findings.problems:
            findings.error(EMPTY, (), "the file has no services: it must be a mapping", "begin with services:")
        return ComposeFile(project=project, problems=tuple(findings.problems))
    if profiles is None:
        profiles = variables.get("COMPOSE_PROFILES", "").split(",")
    reader = _Reader(
        findings,
        _project(project or variables.get("COMPOSE_PROJECT_NAME") or values.scalar(data.get("name")) or "", folder),
        folder,
        variables,
    )
    return reader.file(data, frozenset(profiles), read_text)


def _with_env(path: FilePath, variables: Mapping[str, str], faults: list[Problem]) -> Mapping[str, str]:
    """`variables` over those of the file, where there is one; its faulty lines say nothing, and are told."""

    def report(code: str, line: int, said: str) -> None:
        faults.append(Problem(code=code, text=said, place=f"{path}:{line}", severity=Severity.WARNING))

    if not path.is_file():
        return variables
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Problem(code=NO_ENV_FILE, text=f"{path} cannot be read: {error}", severity=Severity.WARNING))
        return variables
    found = envfile.parse(text, variables, report)
    return {**{name: value for name, value in found.items() if value is not None}, **variables}


def _filled(data: Any, variables: Mapping[str, str], findings: Findings) -> Any:
    def report(code: str, text: str, path: Path) -> None:
        (findings.warn if code == UNSET else findings.error)(code, path, text)

    return interpolate(data, variables, report)


def _project(wanted: str, folder: str) -> str:
    """As Compose makes it: lower-case, and only what a name may hold."""
    name = re.sub(r"[^a-z0-9_-]", "", (wanted or FilePath(folder).name).lower()).lstrip("_-")
    return name or "default"


class _Reader:
    """Reads one file. `_paths` says where each service stands."""

    def __init__(self, findings: Findings, project: str, folder: str, variables: Mapping[str, str]) -> None:
        self._findings = findings
        self._project = project
        self._folder = folder
        self._variables = variables
        self._paths: dict[str, Path] = {}
        self._asleep: set[str] = set()

    def file(self, data: dict[Any, Any], profiles: frozenset[str], read_text: ReadText) -> ComposeFile:
        """Everything that could be read, in the order of the file."""
        findings = self._findings
        version_1 = _is_version_1(data)
        path: Path = () if version_1 else ("services",)
        wanted = _services_on_top(data) if version_1 else findings.mapping(path, data.get("services"))
        if not wanted:
            findings.error(EMPTY, path, "the file has no services", "name at least one below services:")
        wanted = Extender(findings, self._folder, self._variables, read_text).extended(wanted, path)
        top = {} if version_1 else self._top(data)
        net = networks.Networks(findings, self._project, None if version_1 else networks.declared(findings, ("networks",), top.get("networks"), self._project))  # fmt: skip
        shelf = mounts.Shelf(findings, self._project, self._folder, self._variables.get("HOME", "/root"), None if version_1 else mounts.declared(findings, ("volumes",), top.get("volumes"), self._project))  # fmt: skip
        around = Surroundings(
            stack=self._project,
            folder=self._folder,
            variables=dict(self._variables),
            original=version_1,
            secrets=shelf.declared_files(("secrets",), top.get("secrets")),
            configs=shelf.declared_files(("configs",), top.get("configs")),
        )
        reader = ServiceReader(findings, around, net, shelf, read_text)
        services = self._services(reader, wanted, path, profiles)
        self._check_dependencies(services)
        self._check_sharing(services)
        self._name_idle(services)
        return ComposeFile(
            project=self._project,
            services=services,
            networks=tuple(net.used.values()),
            volumes=tuple(shelf.used.values()),
            dormant=tuple(sorted(self._asleep)),
            problems=tuple(findings.problems),
        )

    def _top(self, data: dict[Any, Any]) -> dict[Any, Any]:
        for key in data.keys() & _WHY.keys():
            self._findings.unsupported((key,), _WHY[key])
        self._findings.rest((), data, _TOP | frozenset(_WHY))
        return data

    def _services(
        self, reader: ServiceReader, wanted: dict[Any, Any], path: Path, profiles: frozenset[str]
    ) -> tuple[StackService, ...]:
        services: list[StackService] = []
        calls: dict[str, tuple[Link, ...]] = {}
        for key, item in wanted.items():
            if self._sleeps((*path, key), item, profiles):
                self._asleep.add(str(key))
                continue
            found = reader.service(str(key), (*path, key), item)
            if found is not None:
                services.append(found.service)
                calls[found.service.name] = found.links
                self._paths[found.service.name] = (*path, key)
        calls = {name: links for name, links in calls.items() if links}
        return reached(self._findings, linked(self._findings, services, calls), self._paths)

    def _sleeps(self, path: Path, item: Any, profiles: frozenset[str]) -> bool:
        """A service with profiles runs only where one of them is chosen."""
        own = item.get("profiles") if isinstance(item, dict) else None
        found = values.texts(self._findings, (*path, "profiles"), own)
        return bool(found) and "*" not in profiles and profiles.isdisjoint(found)

    def _check_dependencies(self, services: tuple[StackService, ...]) -> None:
        known = {service.name for service in services}
        for service in services:
            for each in service.depends:
                if each.service in known or not each.required:
                    continue
                sleeping = each.service in self._asleep
                why = (
                    f"{each.service}, whose profile is not chosen"
                    if sleeping
                    else f"{each.service}, which is not there"
                )
                mend = "choose its profile, or say required: false" if sleeping else "name a service of this file"
                text = f"service {service.name} needs {why}"
                self._findings.error(NO_SERVICE, (*self._paths[service.name], "depends_on"), text, mend)
        round_trip = cycle({service.name: [each.service for each in service.depends] for service in services})
        if round_trip:
            text = f"services wait for each other: {' -> '.join(round_trip)}"
            self._findings.error(CYCLE, self._paths[round_trip[0]], text, "take one of the dependencies away")

    def _check_sharing(self, services: tuple[StackService, ...]) -> None:
        """Who shares with a service needs a container of it."""
        outside = {service.name for service in services if service.external is not None}
        for service in services:
            for name in shared_services(service.template):
                if name in outside:
                    text = f"service {service.name} shares with {name}, which has no container here"
                    self._findings.error(
                        NO_SERVICE, self._paths[service.name], text, "share with a service of this file"
                    )

    def _name_idle(self, services: tuple[StackService, ...]) -> None:
        """One notice for all labels that are known and do nothing here."""
        labels = {label: service.name for service in services for label in idle(service.template.labels)}
        if labels:
            first = next(iter(labels))
            text = f"known, and without effect here: {', '.join(labels)}"
            mend = "nothing to do, unless you rely on what they did: output and figures are collected by others"
            self._findings.warn(IDLE, (*self._paths[labels[first]], "labels", first), text, mend)


def _is_version_1(data: dict[Any, Any]) -> bool:
    """Services stand on top: nothing says otherwise, not even the version or a key that is no service."""
    version = values.scalar(data.get("version")) or "1"
    others = (data[key] for key in data.keys() & (_TOP | frozenset(_WHY)) - {"version", "name"})
    headed = any(not (isinstance(item, dict) and item.keys() & {"image", "build", "extends"}) for item in others)
    return "services" not in data and version.partition(".")[0] == "1" and not headed


def _services_on_top(data: dict[Any, Any]) -> dict[Any, Any]:
    """Of version 1: all but what may stand beside services without being one."""
    return {
        key: item
        for key, item in data.items()
        if not ((key in ("version", "name") and not isinstance(item, dict)) or str(key).startswith("x-"))
    }

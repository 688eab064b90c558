"""Compose-like files to `ContainerSpec`s, for both engines: the `services:` form and version 1 (services on top).

What is understood is listed in `_KEYS`; every other key is named in a warning, never passed over in silence, but for
`version` and `x-...`, which mean nothing by definition. Names are those of Compose v2: containers `project-service-N`,
networks `project_name`, and its labels for project, service and number.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec

from tidegate import yamlfile
from tidegate.stacks import values
from tidegate.stacks.interpolation import UNSET, interpolate
from tidegate.engine.compose_labels import NUMBER_LABEL, PROJECT_LABEL, SERVICE_LABEL
from tidegate.stacks.values import Findings, dotted, shown
from tidegate.engine.port import ContainerSpec
from tidegate.errors import ConfigError, Problem, Severity
from tidegate.value import Value
from tidegate.yamlfile import Path

SCALE_LABELS = ("tidegate.scale", "aliyun.scale")
MAX_SCALE = 1000

EMPTY, UNSUPPORTED, NO_IMAGE, BAD_SCALE, NO_NETWORK, UNREADABLE, BAD_NAME = (
    "T1130", "T1131", "T1137", "T1139", "T1140", "T1141", "T1142",
)  # fmt: skip

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TOP = {"version", "name", "services", "networks", "volumes"}
_BY_DNS = "not needed: every service finds the others by name"
_WHY = {
    "links": _BY_DNS,
    "external_links": _BY_DNS,
    "depends_on": "services start in the order of the file; Tidegate holds requests until they are ready",
    "healthcheck": "give a probe by label instead: tidegate.probe.url",
    "build": "build the image first and name it in image",
}


class ComposeNetwork(Value):
    """A network that the file's services are on. `external` ones exist already, the others are to be created."""

    name: str
    external: bool = False
    internal: bool = False


class ComposeService(Value):
    """One service. `template` is its container without name, number label; `specs` are its replicas."""

    name: str
    project: str
    scale: int
    template: ContainerSpec
    container_name: str = ""

    @property
    def specs(self) -> tuple[ContainerSpec, ...]:
        return tuple(self.spec(number) for number in range(1, self.scale + 1))

    def spec(self, number: int) -> ContainerSpec:
        """Replica `number`, counted from 1; also above the file's scale."""
        name = self.container_name if self.container_name and number == 1 else f"{self.project}-{self.name}-{number}"
        return msgspec.structs.replace(
            self.template, name=name, labels={**self.template.labels, NUMBER_LABEL: str(number)}
        )


class ComposeFile(Value):
    """A file as read. Use it only when `errors` is empty; warnings name what was left out."""

    project: str
    services: tuple[ComposeService, ...] = ()
    networks: tuple[ComposeNetwork, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def specs(self) -> tuple[ContainerSpec, ...]:
        """Every container of the file, in its order."""
        return tuple(spec for service in self.services for spec in service.specs)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)


def read_file(path: str | FilePath, project: str = "", variables: Mapping[str, str] | None = None) -> ComposeFile:
    """Read the file at `path`; raises ConfigError when it cannot be opened. The project is the argument, the file's own
    `name`, or its folder's name; `variables` are those of this process unless given.
    """
    file = FilePath(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Problem(code=UNREADABLE, text=f"{file} cannot be read", place=str(file), cause=str(error))
        ) from error
    folder = file.resolve().parent
    variables = os.environ if variables is None else variables
    return read(text, str(file), project=project, folder=str(folder), variables=variables)


def read(text: str, name: str, *, project: str = "", folder: str = "", variables: Mapping[str, str]) -> ComposeFile:
    """Read `text`, called `name` in messages; never raises. Relative volumes are below `folder`."""
    document = yamlfile.load(text, name)
    findings = Findings(document)
    data = _filled(document.data, variables, findings)
    if not isinstance(data, dict) or not data:
        if not findings.problems:
            findings.error(EMPTY, (), "the file has no services: it must be a mapping", "begin with services:")
        return ComposeFile(project=project, problems=tuple(findings.problems))
    project = _project(project or values.scalar(data.get("name")) or "", folder)
    reader = _Reader(findings, project, folder, variables)
    services = reader.services(data)
    return ComposeFile(
        project=project,
        services=services,
        networks=reader.networks_used(),
        problems=tuple(findings.problems),
    )


def _filled(data: Any, variables: Mapping[str, str], findings: Findings) -> Any:
    def report(code: str, text: str, path: Path) -> None:
        (findings.warn if code == UNSET else findings.error)(code, path, text)

    return interpolate(data, variables, report)


def _project(wanted: str, folder: str) -> str:
    """As Compose makes it: lower-case, and only what a name may hold."""
    name = re.sub(r"[^a-z0-9_-]", "", (wanted or FilePath(folder).name).lower()).lstrip("_-")
    return name or "default"


class _Reader:
    """Reads the services of one file. `_used` grows with each network a service names."""

    def __init__(self, findings: Findings, project: str, folder: str, variables: Mapping[str, str]) -> None:
        self._findings = findings
        self._project = project
        self._folder = folder
        self._variables = variables
        self._declared: dict[str, ComposeNetwork] | None = None  # None in version 1, which declares none
        self._used: dict[str, ComposeNetwork] = {}

    def services(self, data: dict[Any, Any]) -> tuple[ComposeService, ...]:
        """Every service that could be read, in the order of the file."""
        if "services" in data:
            self._top(data)
            path: Path = ("services",)
            data = self._mapping(path, data["services"])
        else:
            path = ()
            data = {key: item for key, item in data.items() if not _is_remark(key, item)}
        if not data:
            self._findings.error(EMPTY, path, "the file has no services", "name at least one below services:")
        found = (self._service(str(key), (*path, key), item) for key, item in data.items())
        return tuple(service for service in found if service is not None)

    def networks_used(self) -> tuple[ComposeNetwork, ...]:
        return tuple(self._used.values())

    def _top(self, data: dict[Any, Any]) -> None:
        for key in data:
            if key not in _TOP and not str(key).startswith("x-"):
                self._unsupported((key,), str(key))
        for key, item in self._mapping(("volumes",), data.get("volumes")).items():
            if item:
                self._unsupported(("volumes", key), f"volumes.{key}: its settings")
        self._declared = {
            str(key): self._network(str(key), ("networks", key), item)
            for key, item in self._mapping(("networks",), data.get("networks")).items()
        }

    def _network(self, key: str, path: Path, item: Any) -> ComposeNetwork:
        settings = self._mapping(path, item)
        for setting in settings.keys() - {"name", "external", "internal", "driver"}:
            self._unsupported((*path, setting), dotted((*path, setting)))
        external = bool(settings.get("external"))
        name = values.scalar(settings.get("name")) or (key if external else f"{self._project}_{key}")
        return ComposeNetwork(name=name, external=external, internal=bool(settings.get("internal")))

    # --------------------------------------------------------------------------------------------------- one service

    def _service(self, name: str, path: Path, item: Any) -> ComposeService | None:
        if not _NAME.fullmatch(name):
            self._findings.error(BAD_NAME, path, f"{name!r} is no name for a service", "use letters, digits, - _ .")
            return None
        settings = self._mapping(path, item)
        if not settings:
            self._findings.error(NO_IMAGE, path, f"service {name} has no settings", "give it at least an image")
            return None
        fields: dict[str, Any] = {}
        for key, value in settings.items():
            reader = _KEYS.get(key)
            if reader is None:
                self._other(key, (*path, key))
            elif value is not None:
                fields[_FIELDS.get(key, key)] = reader(self, (*path, key), value)
        if "image" not in fields:
            self._findings.error(NO_IMAGE, path, f"service {name} names no image", "give it one: image: NAME")
        return self._assembled(name, path, settings, fields)

    def _assembled(self, name: str, path: Path, settings: dict[Any, Any], fields: dict[str, Any]) -> ComposeService:
        own = {PROJECT_LABEL: self._project, SERVICE_LABEL: name}
        fields["labels"] = {**fields.get("labels", {}), **own}
        fields["networks"] = self._joined(name, path, settings)
        fields.setdefault("image", "")
        scale = self._scale(path, settings, fields["labels"])
        container_name = fields.pop("container_name", "")
        self._check_scale(name, path, scale, fields.get("publish", {}), container_name)
        template = ContainerSpec(name=f"{self._project}-{name}", **fields)
        return ComposeService(
            name=name, project=self._project, scale=scale, template=template, container_name=container_name
        )

    def _joined(self, name: str, path: Path, settings: dict[Any, Any]) -> dict[str, tuple[str, ...]]:
        """Networks of a service by their real name, with the aliases wanted on each; the service's name always."""
        wanted = settings.get("networks")
        path = (*path, "networks")
        if settings.get("network_mode"):
            if wanted:
                self._findings.error(values.WRONG_KIND, path, f"{dotted(path)} and network_mode exclude each other")
            return {}
        if isinstance(wanted, list):
            wanted = dict.fromkeys(values.texts(self._findings, path, wanted))
        joined: dict[str, tuple[str, ...]] = {}
        for key, options in (self._mapping(path, wanted) or {"default": None}).items():
            network = self._resolve(str(key), (*path, key))
            aliases = self._mapping((*path, key), options).get("aliases")
            more = values.texts(self._findings, (*path, key, "aliases"), aliases)
            joined[network.name] = tuple(dict.fromkeys((name, *more)))
        return joined

    def _resolve(self, key: str, path: Path) -> ComposeNetwork:
        network = (self._declared or {}).get(key)
        if network is None:
            network = ComposeNetwork(name=f"{self._project}_{key}")
            if self._declared is not None and key != "default":
                self._findings.error(NO_NETWORK, path, f"network {key} is not declared", "name it below networks:")
        self._used[network.name] = network
        return network

    def _scale(self, path: Path, settings: dict[Any, Any], labels: Mapping[str, str]) -> int:
        """`scale`, `deploy.replicas` or a label says how many; the first of them that is there."""
        deploy = self._mapping((*path, "deploy"), settings.get("deploy"))
        for key in deploy.keys() - {"replicas"}:
            self._unsupported((*path, "deploy", key), f"deploy.{key}")
        said = [((*path, "scale"), settings.get("scale")), ((*path, "deploy", "replicas"), deploy.get("replicas"))]
        said += [((*path, "labels", label), labels.get(label)) for label in SCALE_LABELS]
        for where, value in said:
            if value is None:
                continue
            number = values.scalar(value) or ""
            if number.isdigit() and int(number) <= MAX_SCALE:
                return int(number)
            self._findings.error(
                BAD_SCALE, where, f"{dotted(where)} must be a number up to {MAX_SCALE}, not {shown(value)}"
            )
        return 1

    def _check_scale(self, name: str, path: Path, scale: int, publish: Mapping[int, int], container_name: str) -> None:
        if scale > 1 and container_name:
            self._findings.error(
                BAD_SCALE, (*path, "container_name"), f"{scale} containers of {name} cannot share one container_name"
            )
        fixed = sorted(host for host in publish.values() if host)
        if scale > 1 and fixed:
            self._findings.warn(
                BAD_SCALE,
                (*path, "ports"),
                f"host port {fixed[0]} can belong to one of the {scale} containers of {name} only",
                "leave the host port out; the router reaches all of them",
            )

    # ------------------------------------------------------------------------------------------------------- details

    def _volumes(self, path: Path, value: Any) -> tuple[str, ...]:
        """Short form only: relative paths below the file's folder, named volumes with the project before."""
        found = []
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(item, str):
                self._findings.wrong((*path, index), "text like ./data:/data", item)
                continue
            source, colon, rest = item.partition(":")
            if source.startswith("."):
                source = str((FilePath(self._folder) / source).resolve())
            elif colon and not source.startswith(("/", "~")):
                source = f"{self._project}_{source}"
            found.append(f"{source}{colon}{rest}")
        return tuple(found)

    def _network_mode(self, path: Path, value: Any) -> str:
        mode = values.text(self._findings, path, value)
        service = mode.removeprefix("service:")
        return f"container:{self._project}-{service}-1" if service != mode else mode

    def _environment(self, path: Path, value: Any) -> dict[str, str]:
        return values.environment(self._findings, path, value, self._variables)

    def _other(self, key: Any, path: Path) -> None:
        if key not in _ELSEWHERE and not str(key).startswith("x-"):
            self._unsupported(path, dotted(path), _WHY.get(str(key), ""))

    def _unsupported(self, path: Path, key: str, why: str = "") -> None:
        self._findings.warn(UNSUPPORTED, path, f"{key} is not supported and was left out", why)

    def _mapping(self, path: Path, value: Any) -> dict[Any, Any]:
        if isinstance(value, dict):
            return value
        if value is not None:
            self._findings.wrong(path, "a mapping", value)
        return {}


def _is_remark(key: Any, item: Any) -> bool:
    """What may stand beside the services of version 1 without being one."""
    return (key in ("version", "name") and not isinstance(item, dict)) or str(key).startswith("x-")


def _plain(read_value: Callable[[Findings, Path, Any], Any]) -> Callable[[_Reader, Path, Any], Any]:
    return lambda reader, path, value: read_value(reader._findings, path, value)  # noqa: SLF001  one module, one reader


_ELSEWHERE = {"networks", "scale", "deploy"}  # read beside the others, in _assembled
_FIELDS = {"expose": "ports", "ports": "publish", "stop_grace_period": "stop_timeout_seconds"}
_KEYS: dict[Any, Callable[[_Reader, Path, Any], Any]] = {
    **dict.fromkeys(("image", "hostname", "stop_signal", "user", "working_dir", "container_name"), _plain(values.text)),
    **dict.fromkeys(("command", "entrypoint"), _plain(values.command)),
    "labels": _plain(values.labels),
    "environment": _Reader._environment,  # noqa: SLF001  one module, one reader
    "ports": _plain(values.published),
    "expose": _plain(values.exposed),
    "dns": _plain(values.texts),
    "restart": _plain(values.restart),
    "stop_grace_period": _plain(values.seconds),
    "network_mode": _Reader._network_mode,  # noqa: SLF001
    "volumes": _Reader._volumes,  # noqa: SLF001
}

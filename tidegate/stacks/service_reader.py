"""One service of a Compose file to a `StackService` (pure but for reading its files of variables).

What is understood is listed in `KNOWN`; every other key is named in a warning, never passed over in silence, but for `x-...`, which
mean nothing by definition.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from tidegate.engine.compose_labels import PROJECT_LABEL, SERVICE_LABEL
from tidegate.engine.spec import ContainerSpec, Logging, Mount
from tidegate.stacks import deploy, envfile, health, isolation, limits, ports, values
from tidegate.stacks.dependencies import Link, depends_on, links, united
from tidegate.stacks.extends import ReadText
from tidegate.stacks.extensions import Extensions, extensions, parted, speaks_the_original
from tidegate.stacks.findings import Findings, dotted, shown
from tidegate.stacks.modes import shared_services
from tidegate.stacks.mounts import Files, Shelf
from tidegate.stacks.networks import Networks
from tidegate.stacks.service import Dependency, External, StackService, Update
from tidegate.value import Value
from tidegate.yamlfile import Path

NO_IMAGE, BAD_SCALE, BAD_NAME, NO_ENV_FILE = "T1137", "T1139", "T1142", "T1173"
SCALE_LABELS = ("tidegate.scale", "aliyun.scale")
MAX_SCALE = 1000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PULLS = {"always": "always", "missing": "missing", "if_not_present": "missing", "never": "never"}
_WHY = {
    "build": "build the image first and name it in image",
    "dockerfile": "build the image first and name it in image",
    "label_file": "write the labels below labels:",
    "mac_address": "a MAC address would be the same for all replicas",
    "volumes_from": "name the volumes below volumes:",
    "include": "name the services of the other file with extends:",
}

Reader = Callable[[Findings, Path, Any], Any]


class Surroundings(Value):
    """What a service needs to know of its file."""

    stack: str
    folder: str
    variables: Mapping[str, str]
    original: bool  # the file is of version 1
    secrets: Files = Files()
    configs: Files = Files()


class Found(Value):
    """A service as read, and the names by which it calls others."""

    service: StackService
    links: tuple[Link, ...] = ()


class ServiceReader:
    """Reads the services of one file; `networks` and `shelf` learn what they use."""

    def __init__(
        self, findings: Findings, around: Surroundings, networks: Networks, shelf: Shelf, read_text: ReadText
    ) -> None:
        self._findings = findings
        self._around = around
        self._networks = networks
        self._shelf = shelf
        self._read_text = read_text

    def service(self, name: str, path: Path, item: Any) -> Found | None:
        """What stands at `path`; None where nothing can be made of it."""
        if not _NAME.fullmatch(name):
            self._findings.error(BAD_NAME, path, f"{name!r} is no name for a service", "use letters, digits, - _ .")
            return None
        settings = self._findings.mapping(path, item)
        if not settings:
            self._findings.error(NO_IMAGE, path, f"service {name} has no settings", "give it at least an image")
            return None
        self._name_unknown(path, settings)
        if settings.get("external") is not None:
            return self._external(name, path, settings)
        if not settings.get("image"):
            self._findings.error(NO_IMAGE, path, f"service {name} names no image", "give it one: image: NAME")
        return self._container(name, path, settings)

    def _name_unknown(self, path: Path, settings: dict[Any, Any]) -> None:
        for key in settings:
            if key in _WHY:
                self._findings.unsupported((*path, key), _WHY[key])
        self._findings.rest(path, settings, KNOWN | frozenset(_WHY))

    def _external(self, name: str, path: Path, settings: dict[Any, Any]) -> Found:
        """`external: {host, ports}` of the original system: a service without containers. Its labels count: a route may lead there."""
        here = (*path, "external")
        for key in settings.keys() & KNOWN - {"external", "labels"}:
            self._findings.unsupported((*path, key), "a service that is somewhere else has no container here")
        labels = values.labels(self._findings, (*path, "labels"), settings.get("labels"))
        said = self._findings.mapping(here, settings["external"])
        self._findings.rest(here, said, frozenset({"host", "ports"}))
        host = values.text(self._findings, (*here, "host"), said.get("host"))
        if not host:
            self._findings.wrong((*here, "host"), "a name or an address", said.get("host"))
        numbers = values.texts(self._findings, (*here, "ports"), said.get("ports"))
        exposed = ports.exposed(self._findings, (*here, "ports"), list(numbers))
        own = {PROJECT_LABEL: self._around.stack, SERVICE_LABEL: name}
        template = ContainerSpec(name=f"{self._around.stack}-{name}", image="", labels={**labels, **own})
        where = External(host=host, ports=exposed.tcp)
        return Found(
            service=StackService(name=name, stack=self._around.stack, template=template, scale=0, external=where)
        )

    def _container(self, name: str, path: Path, settings: dict[Any, Any]) -> Found:
        findings, around = self._findings, self._around
        labels = values.labels(findings, (*path, "labels"), settings.get("labels"))
        words = extensions(findings, (*path, "labels"), labels)
        said = deploy.deploy(findings, (*path, "deploy"), settings.get("deploy"))
        environment, expressions = self._environment(path, settings)
        original = around.original or speaks_the_original(labels, expressions, settings)
        allotted = limits.allotment(findings, path, settings, original)
        gpus = words.gpus or allotted.limits.gpus
        own = {PROJECT_LABEL: around.stack, SERVICE_LABEL: name}
        template = ContainerSpec(
            name=f"{around.stack}-{name}",
            labels={**labels, **own},
            environment=environment,
            networks=self._networks.joined(name, path, settings),
            mounts=self._mounts(path, settings),
            limits=replace(allotted.limits, gpus=gpus) if gpus else allotted.limits,
            isolation=isolation.isolation(findings, path, settings),
            **self._plain(path, settings),
        )
        template = replace(template, restart=said.restart or template.restart)
        calls = links(findings, (*path, "links"), settings.get("links"))
        outside = links(findings, (*path, "external_links"), settings.get("external_links"))
        scale = self._scale(path, settings, said.replicas, labels)
        service = StackService(
            name=name,
            stack=around.stack,
            template=_with_links(template, outside),
            scale=scale,
            everywhere=said.everywhere or words.everywhere,
            container_name=values.text(findings, (*path, "container_name"), settings.get("container_name")),
            depends=self._depends(
                path, settings, words, (*(link.service for link in calls), *shared_services(template))
            ),
            update=said.update or words.update or Update(),
            latest_image=words.latest_image,
            exclusive=words.exclusive,
            account=words.account,
            pull_policy=self._pull_policy((*path, "pull_policy"), settings.get("pull_policy")),
            reservation=allotted.reservation,
            expressions=tuple(dict.fromkeys((*expressions, *words.expressions, *said.expressions))),
            spread=said.spread,
            max_per_node=said.max_per_node,
            external_links=tuple(link.service for link in outside),
        )
        self._check_scale(path, service)
        return Found(service=service, links=calls)

    # ------------------------------------------------------------------------------------------------- its container

    def _plain(self, path: Path, settings: dict[Any, Any]) -> dict[str, Any]:
        """Fields that are one key each, or a few."""
        found: dict[str, Any] = {"image": ""}
        for key, (field, read) in _FIELDS.items():
            if settings.get(key) is not None:
                found[field] = read(self._findings, (*path, key), settings[key])
        if settings.get("expose") is not None:
            exposed = ports.exposed(self._findings, (*path, "expose"), settings["expose"])
            found |= {"ports": exposed.tcp, "udp_ports": exposed.udp}
        if settings.get("log_driver") or settings.get("log_opt"):
            options = values.labels(self._findings, (*path, "log_opt"), settings.get("log_opt"))
            found["logging"] = Logging(driver=values.scalar(settings.get("log_driver")) or "", options=options)
        if settings.get("command") in ("", []):
            found["command"] = ()
            if not found.get("entrypoint"):
                mend = "say the entrypoint too: with one of its own a container has no command of the image's"
                self._findings.unsupported((*path, "command"), mend)
        return found

    def _mounts(self, path: Path, settings: dict[Any, Any]) -> tuple[Mount, ...]:
        found: list[Mount] = []
        if settings.get("volumes") is not None:
            found += self._shelf.volumes((*path, "volumes"), settings["volumes"])
        for key, known, folder in (
            ("configs", self._around.configs, "/"),
            ("secrets", self._around.secrets, "/run/secrets"),
        ):
            if settings.get(key) is not None:
                found += self._shelf.files((*path, key), settings[key], known, folder)
        return tuple({mount.target: mount for mount in found}.values())

    def _environment(self, path: Path, settings: dict[Any, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
        """(variables, placement expressions that stand among them); what the service says goes before its files."""
        here = (*path, "environment")
        pairs = values.pairs(self._findings, here, settings.get("environment"))
        pairs = {**self._env_files((*path, "env_file"), settings.get("env_file")), **pairs}
        rest, expressions = parted(self._findings, here, pairs)
        return values.filled(rest, self._around.variables), expressions

    def _env_files(self, path: Path, value: Any) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        items = value if isinstance(value, list) else [] if value is None else [value]
        for index, item in enumerate(items):
            here = (*path, index)
            said = item if isinstance(item, dict) else {"path": values.text(self._findings, here, item)}
            self._findings.rest(here, said, frozenset({"path", "required", "format"}))
            required = said.get("required") is None or values.flag(
                self._findings, (*here, "required"), said["required"]
            )
            raw = said.get("format") == "raw"
            if said.get("format") not in (None, "raw"):
                self._findings.unsupported((*here, "format"), "use raw, or leave it out")
            found |= self._env_file(here, values.scalar(said.get("path")) or "", required, raw)
        return found

    def _env_file(self, path: Path, name: str, required: bool, raw: bool) -> dict[str, str | None]:
        place = posixpath.normpath(posixpath.join(self._around.folder or "/", name))
        try:
            text = self._read_text(place)
        except (OSError, UnicodeDecodeError) as error:
            if required or not isinstance(error, FileNotFoundError):
                text, mend = (
                    f"env_file {name} cannot be read: {error}",
                    "name a file that is there, or say required: false",
                )
                self._findings.error(NO_ENV_FILE, path, text, mend)
            return {}

        def report(code: str, line: int, said: str) -> None:
            add = self._findings.warn if code == "T1133" else self._findings.error
            add(code, path, f"{name}, line {line}: {said}")

        return envfile.parse(text, self._around.variables, report, raw)

    # ------------------------------------------------------------------------------------------------------ beside it

    def _depends(
        self, path: Path, settings: dict[Any, Any], words: Extensions, others: tuple[str, ...]
    ) -> tuple[Dependency, ...]:
        said = depends_on(self._findings, (*path, "depends_on"), settings.get("depends_on"))
        return united(said, (Dependency(service=name) for name in (*words.depends, *others)))

    def _pull_policy(self, path: Path, value: Any) -> str:
        if value is None:
            return ""
        said = values.scalar(value) or ""
        if said not in _PULLS:
            self._findings.unsupported(path, "use always, missing or never")
        return _PULLS.get(said, "")

    def _scale(self, path: Path, settings: dict[Any, Any], replicas: Any, labels: Mapping[str, str]) -> int:
        """`scale`, `deploy.replicas` or a label says how many; the first of them that is there."""
        said = [((*path, "scale"), settings.get("scale")), ((*path, "deploy", "replicas"), replicas)]
        said += [((*path, "labels", label), labels.get(label)) for label in SCALE_LABELS]
        for where, value in said:
            if value is None:
                continue
            number = values.scalar(value) or ""
            if number.isascii() and number.isdigit() and int(number[:9]) <= MAX_SCALE:
                return int(number)
            text = f"{dotted(where)} must be a number up to {MAX_SCALE}, not {shown(value)}"
            self._findings.error(BAD_SCALE, where, text)
        return 1

    def _check_scale(self, path: Path, service: StackService) -> None:
        several = service.scale > 1 or service.everywhere
        if service.scale > 1 and service.container_name:
            text = f"{service.scale} containers of {service.name} cannot share one container_name"
            self._findings.error(BAD_SCALE, (*path, "container_name"), text)
        fixed = sorted(each.host_port for each in service.template.publish if each.host_port and not each.host_port_end)
        if several and not service.everywhere and fixed:
            self._findings.warn(
                BAD_SCALE,
                (*path, "ports"),
                f"host port {fixed[0]} can belong to one of the {service.scale} containers of {service.name} on each node only",
                "leave the host port out; the router reaches all of them",
            )


def _with_links(template: ContainerSpec, wanted: tuple[Link, ...]) -> ContainerSpec:
    """`external_links` with an alias: that alias for a container of somebody else. Without one the name is found by itself."""
    renamed = tuple(f"{link.service}:{link.alias}" for link in wanted if link.alias != link.service)
    if not renamed:
        return template
    networks = {name: replace(how, links=renamed) for name, how in template.networks.items()}
    return replace(template, networks=networks)


def _tmpfs(findings: Findings, path: Path, value: Any) -> dict[str, str]:
    """`/run` or `/run:size=64m`, one or several."""
    parts = (item.partition(":") for item in values.texts(findings, path, value))
    return {folder: options for folder, _, options in parts}


def _logging(findings: Findings, path: Path, value: Any) -> Logging:
    said = findings.mapping(path, value)
    findings.rest(path, said, frozenset({"driver", "options"}))
    options = values.labels(findings, (*path, "options"), said.get("options"))
    return Logging(driver=values.scalar(said.get("driver")) or "", options=options)


_FIELDS: dict[str, tuple[str, Reader]] = {
    **{key: (key, values.text) for key in ("image", "hostname", "domainname", "user", "working_dir", "stop_signal")},
    **{key: (key, values.text) for key in ("platform", "network_mode")},
    "net": ("network_mode", values.text),
    **{key: (key, values.command) for key in ("command", "entrypoint")},
    "ports": ("publish", ports.published),
    "stop_grace_period": ("stop_timeout_seconds", values.seconds),
    "restart": ("restart", values.restart),
    **{key: (key, values.texts) for key in ("dns", "dns_search")},
    "dns_opt": ("dns_options", values.texts),
    "dns_options": ("dns_options", values.texts),
    "extra_hosts": ("extra_hosts", values.hosts),
    **{key: (key, values.flag) for key in ("init", "tty", "stdin_open")},
    "healthcheck": ("healthcheck", health.healthcheck),
    "logging": ("logging", _logging),
    "tmpfs": ("tmpfs", _tmpfs),
}
KNOWN = (
    frozenset(_FIELDS)
    | limits.KEYS
    | isolation.KEYS
    | {
        "labels",
        "environment",
        "env_file",
        "expose",
        "log_driver",
        "log_opt",
        "volumes",
        "configs",
        "secrets",
        "networks",
    }
    | {
        "links",
        "external_links",
        "depends_on",
        "scale",
        "deploy",
        "container_name",
        "pull_policy",
        "profiles",
        "extends",
    }
    | {"external"}
)

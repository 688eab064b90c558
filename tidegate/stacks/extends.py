"""`extends`: a service that begins with what another one says, of the same file or of another (pure but for reading that one).

Mappings are united, lists too, whatever form each of both is written in; what the service says itself goes first, also where both mount
something at one place or name a variable in files; a command is never mixed. Relative paths of another file are meant from its own folder. What is wrong with an inherited value is told at the service that inherits it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any

from tidegate import yamlfile
from tidegate.stacks import values
from tidegate.stacks.findings import Findings
from tidegate.stacks.interpolation import interpolate
from tidegate.value import Value
from tidegate.yamlfile import Path

BAD_EXTENDS = "T1175"
MAX_DEPTH = 20
_WHOLE = frozenset({"command", "entrypoint", "test"})  # a list that is one value
_PAIRS = frozenset({"environment", "labels", "sysctls", "extra_hosts", "driver_opts", "options"})
_NAMES = frozenset({"depends_on", "networks"})  # a list of names, or what is said of each
_ONE_OR_MORE = frozenset({"env_file", "dns", "dns_search", "dns_opt", "dns_options", "tmpfs", "expose", "profiles"})

ReadText = Callable[[str], str]  # the text at an absolute path; raises OSError, UnicodeDecodeError


class _Source(Value):
    """Services of one file, as read, and where it lies."""

    services: dict[Any, Any]
    folder: str
    file: str = ""


class Extender:
    """The services of one file with everything that they inherit."""

    def __init__(self, findings: Findings, folder: str, variables: Mapping[str, str], read_text: ReadText) -> None:
        self._findings = findings
        self._folder = folder
        self._variables = variables
        self._read_text = read_text
        self._sources: dict[str, _Source | None] = {}

    def extended(self, services: dict[Any, Any], path: Path) -> dict[Any, Any]:
        """`services`, which stand at `path`, each with what it extends."""
        source = _Source(services=services, folder=self._folder)
        return {name: self._one(source, name, (*path, name), ()) for name in services}

    def _one(self, source: _Source, name: Any, path: Path, seen: tuple[tuple[str, Any], ...]) -> Any:
        settings = source.services.get(name)
        if not isinstance(settings, dict) or settings.get("extends") is None:
            return settings
        here = (*path, "extends")
        step = (source.file, name)
        if step in seen or len(seen) > MAX_DEPTH:
            way = " -> ".join(str(each) for _, each in (*seen, step))
            self._findings.error(BAD_EXTENDS, here, f"services extend each other in a circle: {way}", "break it")
            return _without(settings)
        base = self._base(source, settings["extends"], here, (*seen, step))
        return merged(_without(settings), base) if isinstance(base, dict) else _without(settings)

    def _base(self, source: _Source, wish: Any, path: Path, seen: tuple[tuple[str, Any], ...]) -> Any:
        said = wish if isinstance(wish, dict) else {"service": values.text(self._findings, path, wish)}
        self._findings.rest(path, said, frozenset({"service", "file"}))
        name, file = values.scalar(said.get("service")) or "", values.scalar(said.get("file")) or ""
        other = self._source(source, file, path) if file else source
        if other is None:
            return None
        if name not in other.services:
            text = f"there is no service {name or 'named'} to extend in {file or 'this file'}"
            self._findings.error(
                BAD_EXTENDS, path, text, "name one that is there: extends: {service: NAME, file: PATH}"
            )
            return None
        base = self._one(other, name, path, seen)
        return _placed(base, other.folder) if other is not source and isinstance(base, dict) else base

    def _source(self, source: _Source, file: str, path: Path) -> _Source | None:
        place = posixpath.normpath(posixpath.join(source.folder or "/", file))
        if place not in self._sources:
            self._sources[place] = self._read(place, path)
        return self._sources[place]

    def _read(self, place: str, path: Path) -> _Source | None:
        try:
            text = self._read_text(place)
        except (OSError, UnicodeDecodeError) as error:
            self._findings.error(BAD_EXTENDS, path, f"{place} cannot be read: {error}", "name a file that is there")
            return None
        document = yamlfile.load(text, place)
        self._findings.problems += document.problems
        other = Findings(document)
        data = interpolate(document.data, self._variables, lambda code, said, at: other.error(code, at, said))
        self._findings.problems += other.problems[len(document.problems) :]
        services = data.get("services", data) if isinstance(data, dict) else None
        return (
            _Source(services=services, folder=posixpath.dirname(place), file=place)
            if isinstance(services, dict)
            else None
        )


def merged(own: Any, base: Any, key: Any = "") -> Any:
    """`own` over `base`; its own items first, so that they keep their places."""
    if key in _PAIRS:
        own, base = _as_pairs(own), _as_pairs(base)
    elif key in _NAMES and isinstance(own, dict) != isinstance(base, dict):
        own, base = _as_names(own), _as_names(base)
    elif key in _ONE_OR_MORE:
        own, base = _as_list(own), _as_list(base)
    if isinstance(own, dict) and isinstance(base, dict):
        return {**own, **{name: merged(own[name], item, name) if name in own else item for name, item in base.items()}}
    if isinstance(own, list) and isinstance(base, list) and key not in _WHOLE:
        return _united(own, base, key)
    return own


def _united(own: list[Any], base: list[Any], key: Any) -> list[Any]:
    """Of files of variables the later one holds, of two mounts at one place the service's own."""
    if key == "env_file":
        return [*(item for item in base if item not in own), *own]
    taken = {_target(item) for item in own} if key == "volumes" else set()
    return [*own, *(item for item in base if item not in own and _target(item) not in taken)]


def _target(item: Any) -> Any:
    """Where inside the container a mount is; None for what is none."""
    if isinstance(item, dict):
        return item.get("target")
    parts = item.split(":") if isinstance(item, str) else []
    return parts[min(1, len(parts) - 1)] if parts else None


def _as_pairs(value: Any) -> Any:
    """A list of `name=value` as the mapping that it means."""
    if not isinstance(value, list):
        return value
    parts = [str(item).partition("=") for item in value]
    return {name: text if sign else None for name, sign, text in parts}


def _as_names(value: Any) -> Any:
    """A list of names as a mapping of which nothing more is said."""
    return dict.fromkeys(map(str, value)) if isinstance(value, list) else value


def _as_list(value: Any) -> Any:
    """One alone as a list of one."""
    return value if isinstance(value, list) or value is None else [value]


def _without(settings: dict[Any, Any]) -> dict[Any, Any]:
    return {key: item for key, item in settings.items() if key != "extends"}


def _placed(settings: dict[Any, Any], folder: str) -> dict[Any, Any]:
    """Relative paths as absolute ones."""

    def place(item: Any) -> Any:
        if isinstance(item, dict):
            keys = ("path",) if "path" in item else ("source",) if item.get("type") == "bind" else ()
            return {key: place(part) if key in keys else part for key, part in item.items()}
        return posixpath.normpath(posixpath.join(folder, item)) if isinstance(item, str) else item

    def mount(item: Any) -> Any:
        if isinstance(item, str) and item.startswith("."):
            source, colon, rest = item.partition(":")
            return f"{place(source)}{colon}{rest}"
        return place(item) if isinstance(item, dict) else item

    placed = dict(settings)
    if isinstance(placed.get("volumes"), list):
        placed["volumes"] = [mount(item) for item in placed["volumes"]]
    if placed.get("env_file") is not None:
        files = placed["env_file"]
        placed["env_file"] = [place(item) for item in (files if isinstance(files, list) else [files])]
    return placed

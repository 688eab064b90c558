"""What a service mounts: `volumes` in both forms, `secrets` and `configs` that are files; and the volumes of the file (pure)."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from tidegate.engine.compose_labels import PROJECT_LABEL
from tidegate.engine.spec import Mount, MountKind, VolumeSpec
from tidegate.stacks import values
from tidegate.stacks.file import StackVolume
from tidegate.stacks.findings import Findings
from tidegate.value import Value
from tidegate.yamlfile import Path

VOLUME_LABEL = "com.docker.compose.volume"
NO_VOLUME, NO_FILE = "T1171", "T1172"
_VOLUME_KEYS = frozenset({"name", "driver", "driver_opts", "external", "labels"})
_LONG = frozenset({"type", "source", "target", "read_only", "bind", "volume", "tmpfs", "consistency"})
_WORDS = frozenset(
    {"z", "Z", "shared", "rshared", "slave", "rslave", "private", "rprivate", "consistent", "cached", "delegated"}
)


class Files(Value):
    """The secrets or configs of a file: name -> path of the host."""

    paths: dict[str, str] = {}


class Shelf:
    """What of a file can be mounted. `used` grows with each named volume that a service mounts."""

    def __init__(
        self, findings: Findings, stack: str, folder: str, home: str, declared: Mapping[str, StackVolume] | None
    ) -> None:
        self._findings = findings
        self._stack = stack
        self._folder = folder
        self._home = home
        self._declared = declared  # None in version 1, where a name is the volume's own on every node
        self.used: dict[str, StackVolume] = {}

    def volumes(self, path: Path, value: Any) -> tuple[Mount, ...]:
        """`volumes` of a service."""
        items = value if isinstance(value, list) else [value]
        found = [self._one((*path, index), item) for index, item in enumerate(items)]
        return tuple(mount for mount in found if mount is not None)

    def place(self, source: str) -> str:
        """A path of the host as it is meant: relative ones are below the file's folder."""
        if source.startswith("~"):
            source = self._home + source[1:]
        return posixpath.normpath(posixpath.join(self._folder or "/", source))

    def _one(self, path: Path, item: Any) -> Mount | None:
        if isinstance(item, dict):
            return self._long(path, item)
        if not isinstance(item, str):
            self._findings.wrong(path, "text like ./data:/data", item)
            return None
        return self._short(path, item)

    def _short(self, path: Path, item: str) -> Mount | None:
        source, _, rest = item.partition(":")
        target, _, mode = rest.partition(":")
        if not rest:
            source, target = "", source
        if not target.startswith("/"):
            self._findings.wrong(path, "text like ./data:/data, with a path that begins with / inside", item)
            return None
        words = [word for word in mode.split(",") if word]
        more = tuple(word for word in words if word in _WORDS)
        for word in words:
            if word not in _WORDS and word not in ("ro", "rw", "nocopy"):
                self._findings.unsupported(path, f"the option {word} of a volume means nothing here")
        read_only, nocopy = "ro" in words, "nocopy" in words
        if source.startswith(("/", ".", "~")):
            kind, source, nocopy = MountKind.BIND, self.place(source), False
        else:
            kind, source = MountKind.VOLUME, self._named(path, source)
        return Mount(kind=kind, source=source, target=target, read_only=read_only, nocopy=nocopy, options=more)

    def _long(self, path: Path, item: dict[Any, Any]) -> Mount | None:
        self._findings.rest(path, item, _LONG)
        said, target = values.scalar(item.get("type")) or "volume", values.scalar(item.get("target")) or ""
        if said not in tuple(MountKind):
            self._findings.unsupported((*path, "type"), "use bind, volume or tmpfs")
            return None
        if not target.startswith("/"):
            self._findings.wrong((*path, "target"), "a path that begins with /", item.get("target"))
            return None
        kind, source = MountKind(said), values.scalar(item.get("source")) or ""
        if kind is MountKind.BIND:
            if not source:
                self._findings.wrong((*path, "source"), "a path of the host", item.get("source"))
            source = self.place(source)
        elif kind is MountKind.VOLUME:
            source = self._named((*path, "source"), source)
        read_only = self._flag((*path, "read_only"), item, False)
        return Mount(kind=kind, source=source, target=target, read_only=read_only, **self._options(path, item, kind))

    def _options(self, path: Path, item: dict[Any, Any], kind: MountKind) -> dict[str, Any]:
        """Fields that only one kind of mount has."""
        here = (*path, str(kind))
        options = self._findings.mapping(here, item.get(str(kind)))
        known = {
            "bind": {"propagation", "create_host_path", "selinux"},
            "volume": {"nocopy"},
            "tmpfs": {"size", "mode"},
        }
        self._findings.rest(here, options, frozenset(known[str(kind)]))
        if kind is MountKind.BIND:
            words = tuple(values.scalar(options[key]) or "" for key in ("propagation", "selinux") if options.get(key))
            return {"options": words, "create_source": self._flag((*here, "create_host_path"), options, True)}
        if kind is MountKind.VOLUME:
            return {"nocopy": self._flag((*here, "nocopy"), options, False)}
        size, mode = options.get("size"), options.get("mode")
        return {
            "size_bytes": 0 if size is None else values.size(self._findings, (*here, "size"), size),
            "mode": 0 if mode is None else values.permissions(self._findings, (*here, "mode"), mode),
        }

    def _flag(self, path: Path, settings: Mapping[Any, Any], default: bool) -> bool:
        value = settings.get(path[-1])
        return default if value is None else values.flag(self._findings, path, value)

    def _named(self, path: Path, key: str) -> str:
        """The real name of the volume that the file calls `key`; empty for one without a name."""
        if not key:
            return ""
        volume = (self._declared or {}).get(key)
        if volume is None:
            volume = StackVolume(spec=VolumeSpec(name=key))
            if self._declared is not None:
                volume = StackVolume(spec=_spec(f"{self._stack}_{key}", self._stack, key))
                self._findings.error(NO_VOLUME, path, f"volume {key} is not declared", "name it below volumes:")
        self.used[volume.name] = volume
        return volume.name

    # ------------------------------------------------------------------------------------------- secrets and configs

    def files(self, path: Path, value: Any, known: Files, folder: str) -> tuple[Mount, ...]:
        """`secrets` or `configs` of a service, each mounted below `folder` for reading only."""
        found = []
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            here = (*path, index)
            wish = item if isinstance(item, dict) else {"source": values.text(self._findings, here, item)}
            self._findings.rest(here, wish, frozenset({"source", "target"}))
            name = values.scalar(wish.get("source")) or ""
            source = known.paths.get(name)
            if source is None:
                mend = f"declare it below {path[-1]}: with file: PATH"
                self._findings.error(
                    NO_FILE, here, f"{path[-1]}: {name or 'nothing'} is no file that is declared", mend
                )
                continue
            target = posixpath.join(folder, values.scalar(wish.get("target")) or name)
            found.append(Mount(kind=MountKind.BIND, source=source, target=target, read_only=True, create_source=False))
        return tuple(found)

    def declared_files(self, path: Path, value: Any) -> Files:
        """`secrets` or `configs` of the file; only those that are files on the host can be given."""
        paths = {}
        for key, item in self._findings.mapping(path, value).items():
            settings = self._findings.mapping((*path, key), item)
            self._findings.rest((*path, key), settings, frozenset({"file", "name"}))
            if settings.get("file"):
                paths[str(key)] = self.place(values.text(self._findings, (*path, key, "file"), settings["file"]))
        return Files(paths=paths)


def declared(findings: Findings, path: Path, value: Any, stack: str) -> dict[str, StackVolume]:
    """`volumes` of the file, by the names that it gives them."""
    return {
        str(key): _volume(findings, (*path, key), item, stack) for key, item in findings.mapping(path, value).items()
    }


def _volume(findings: Findings, path: Path, item: Any, stack: str) -> StackVolume:
    settings, key = findings.mapping(path, item), str(path[-1])
    findings.rest(path, settings, _VOLUME_KEYS)
    external, name = values.external(findings, path, settings)
    if external:
        return StackVolume(spec=VolumeSpec(name=name or key), external=True)
    options = values.labels(findings, (*path, "driver_opts"), settings.get("driver_opts"))
    labels = values.labels(findings, (*path, "labels"), settings.get("labels"))
    driver = values.scalar(settings.get("driver")) or ""
    spec = _spec(name or f"{stack}_{key}", stack, key)
    return StackVolume(spec=VolumeSpec(name=spec.name, driver=driver, options=options, labels=labels | spec.labels))


def _spec(name: str, stack: str, key: str) -> VolumeSpec:
    return VolumeSpec(name=name, labels={PROJECT_LABEL: stack, VOLUME_LABEL: key})

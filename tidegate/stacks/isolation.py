"""How far a service's containers are kept apart from their host (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidegate.engine.spec import Device, Isolation
from tidegate.stacks import values
from tidegate.stacks.findings import Findings
from tidegate.yamlfile import Path

Reader = Callable[[Findings, Path, Any], Any]


def isolation(findings: Findings, path: Path, settings: Mapping[Any, Any]) -> Isolation:
    """Of one service."""
    fields = {
        name: read(findings, (*path, key), settings[key])
        for key, (name, read) in _KEYS.items()
        if settings.get(key) is not None
    }
    return Isolation(**fields)


def _devices(findings: Findings, path: Path, value: Any) -> tuple[Device, ...]:
    """`host[:container[:permissions]]`, or the long form."""
    found = []
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        here = (*path, index)
        if isinstance(item, dict):
            findings.rest(here, item, frozenset({"source", "target", "permissions"}))
            said = [values.scalar(item.get(key)) or "" for key in ("source", "target", "permissions")]
        else:
            said = values.text(findings, here, item).split(":")
        host, container, permissions, *more = (*said, "", "")
        if not host.startswith("/") or any(more):
            findings.unsupported(here, "name a device of the host: /dev/ttyUSB0:/dev/ttyUSB0:rwm")
            continue
        found.append(Device(host=host, container=container or host, permissions=permissions or "rwm"))
    return tuple(found)


_KEYS: dict[str, tuple[str, Reader]] = {
    "privileged": ("privileged", values.flag),
    "read_only": ("read_only", values.flag),
    "cap_add": ("cap_add", values.texts),
    "cap_drop": ("cap_drop", values.texts),
    "security_opt": ("security", values.texts),
    "sysctls": ("sysctls", values.labels),
    "devices": ("devices", _devices),
    "group_add": ("groups", values.texts),
    "pid": ("pid", values.text),
    "ipc": ("ipc", values.text),
    "uts": ("uts", values.text),
    "userns_mode": ("userns", values.text),
    "cgroup": ("cgroup", values.text),
    "cgroup_parent": ("cgroup_parent", values.text),
    "runtime": ("runtime", values.text),
}
KEYS = frozenset(_KEYS)

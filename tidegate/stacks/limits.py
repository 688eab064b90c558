"""What a service may take of its host, from its own keys and from `deploy.resources` (pure).

The original system counted `cpu_shares` in hundredths of a core, and what it limited it also reserved. So it is for services
written in its language; for all others `cpu_shares` is the kernel's weight, and only what is said to be reserved is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidegate.engine.spec import Limits, Ulimit
from tidegate.placement.resources import Resources
from tidegate.stacks import values
from tidegate.stacks.findings import Findings
from tidegate.value import Value
from tidegate.yamlfile import Path

KEYS = frozenset({
    "cpus", "cpu_shares", "cpu_quota", "cpu_period", "cpuset", "mem_limit", "memswap_limit", "mem_reservation",
    "mem_swappiness", "shm_size", "pids_limit", "blkio_config", "oom_kill_disable", "oom-kill-disable",
    "oom_score_adj", "ulimits", "gpus",
})  # fmt: skip
WEIGHT_OF_A_CORE = 1024
SHARES_OF_A_CORE = 100

Reader = Callable[[Findings, Path, Any], Any]


class Allotment(Value):
    """Limits of each container, and what is set aside for it when it is placed."""

    limits: Limits
    reservation: Resources


def allotment(findings: Findings, path: Path, settings: Mapping[Any, Any], original: bool) -> Allotment:
    """Of one service; what `deploy.resources` says goes before its own keys. `original`: written for the original system."""
    said = {
        name: read(findings, (*path, key), settings[key]) for key, (name, read) in _OWN.items() if _has(settings, key)
    }
    deployed, reserved = _deployed(findings, path, settings)
    said |= deployed
    said |= _block_weight(findings, path, settings)
    shares = said.get("cpu_shares", 0)
    if original:
        said["cpu_shares"] = round(shares * WEIGHT_OF_A_CORE / SHARES_OF_A_CORE)
        reserved.setdefault("cpu", shares / SHARES_OF_A_CORE)
    set_aside = reserved.get("memory", 0) or said.get("reserved_memory_bytes", 0)
    if not set_aside and original:
        set_aside = max(said.get("memory_bytes", 0), 0)
    said.setdefault("reserved_memory_bytes", reserved.get("memory", 0))
    limits = Limits(**{name: value for name, value in said.items() if value != getattr(Limits(), name)})
    return Allotment(limits=limits, reservation=Resources(cpu=reserved.get("cpu", 0.0), memory=set_aside))


def _has(settings: Mapping[Any, Any], key: str) -> bool:
    return settings.get(key) is not None


def _deployed(findings: Findings, path: Path, settings: Mapping[Any, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(fields of `Limits`, fields of the reservation) of `deploy.resources`."""
    deploy = settings.get("deploy")
    resources = deploy.get("resources") if isinstance(deploy, dict) else None
    path = (*path, "deploy", "resources")
    parts = findings.mapping(path, resources)
    findings.rest(path, parts, frozenset({"limits", "reservations"}))
    limits = findings.mapping((*path, "limits"), parts.get("limits"))
    reserved = findings.mapping((*path, "reservations"), parts.get("reservations"))
    findings.rest((*path, "limits"), limits, frozenset(_LIMITS))
    findings.rest((*path, "reservations"), reserved, frozenset({*_RESERVED, "devices"}))
    said = {name: read(findings, (*path, "limits", key), limits[key]) for key, (name, read) in _LIMITS.items() if _has(limits, key)}  # fmt: skip
    kept = {name: read(findings, (*path, "reservations", key), reserved[key]) for key, (name, read) in _RESERVED.items() if _has(reserved, key)}  # fmt: skip
    if _has(reserved, "devices"):
        said["gpus"] = _devices(findings, (*path, "reservations", "devices"), reserved["devices"])
    return said, kept


def _devices(findings: Findings, path: Path, value: Any) -> int:
    """How many graphics processors; others cannot be asked for."""
    count = 0
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        wish = findings.mapping((*path, index), item)
        if "gpu" in values.texts(findings, (*path, index, "capabilities"), wish.get("capabilities")):
            count += _gpus(findings, (*path, index, "count"), wish.get("count", "all"))
            findings.rest((*path, index), wish, frozenset({"capabilities", "count"}))
        else:
            findings.unsupported((*path, index), "only devices with the capability gpu can be asked for")
    return count


def _gpus(findings: Findings, path: Path, value: Any) -> int:
    return -1 if value == "all" else values.whole(findings, path, value)


def _block_weight(findings: Findings, path: Path, settings: Mapping[Any, Any]) -> dict[str, int]:
    path = (*path, "blkio_config")
    config = findings.mapping(path, settings.get("blkio_config"))
    findings.rest(path, config, frozenset({"weight"}))
    return (
        {"blkio_weight": values.whole(findings, (*path, "weight"), config["weight"])} if _has(config, "weight") else {}
    )


def _ulimits(findings: Findings, path: Path, value: Any) -> tuple[Ulimit, ...]:
    """`{nofile: 1024}` or `{nofile: {soft: 1024, hard: 2048}}`."""
    found = []
    for name, item in findings.mapping(path, value).items():
        here = (*path, name)
        both = item if isinstance(item, dict) else {"soft": item, "hard": item}
        soft, hard = (values.whole(findings, (*here, edge), both.get(edge), -1) for edge in ("soft", "hard"))
        findings.rest(here, both, frozenset({"soft", "hard"}))
        found.append(Ulimit(name=str(name), soft=soft, hard=hard))
    return tuple(found)


def _whole(least: int) -> Reader:
    return lambda findings, path, value: values.whole(findings, path, value, least)


def _microseconds(findings: Findings, path: Path, value: Any) -> int:
    """A whole number of them, or a duration."""
    if isinstance(value, str) and not value.isdigit():
        return round(values.seconds(findings, path, value) * 1e6)
    return values.whole(findings, path, value)


_OWN: dict[str, tuple[str, Reader]] = {
    "cpus": ("cpus", values.number),
    "cpu_shares": ("cpu_shares", values.whole),
    "cpu_quota": ("cpu_quota_us", _microseconds),
    "cpu_period": ("cpu_period_us", _microseconds),
    "cpuset": ("cpuset", values.text),
    "mem_limit": ("memory_bytes", values.size),
    "memswap_limit": ("swap_bytes", values.size),
    "mem_reservation": ("reserved_memory_bytes", values.size),
    "mem_swappiness": ("swappiness", values.whole),
    "shm_size": ("shm_bytes", values.size),
    "pids_limit": ("pids", _whole(-1)),
    "oom_kill_disable": ("oom_kill_disable", values.flag),
    "oom-kill-disable": ("oom_kill_disable", values.flag),
    "oom_score_adj": ("oom_score_adjustment", _whole(-1000)),
    "ulimits": ("ulimits", _ulimits),
    "gpus": ("gpus", _gpus),
}
_LIMITS: dict[str, tuple[str, Reader]] = {
    "cpus": ("cpus", values.number),
    "memory": ("memory_bytes", values.size),
    "pids": ("pids", _whole(-1)),
}
_RESERVED: dict[str, tuple[str, Reader]] = {"cpus": ("cpu", values.number), "memory": ("memory", values.size)}

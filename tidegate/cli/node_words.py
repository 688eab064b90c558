"""How a node is written for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.cli import words

HEADERS = ("NODE", "ZONE", "STATE", "REPLICAS", "ENDPOINTS", "CPU", "MEMORY", "USED", "LABELS", "")


def row(node: Mapping[str, Any]) -> Sequence[object]:
    """One line of a list."""
    return (
        node["name"],
        node.get("zone", ""),
        node.get("state", ""),
        node.get("replicas", ""),
        node.get("endpoints", ""),
        *reserved(node),
        words.in_use(node),
        labels(node),
        ", ".join(filter(None, ("leads" if node.get("leader") else "", since(node), clock(node)))),
    )


def since(node: Mapping[str, Any]) -> str:
    """Since when it is drained."""
    return f"drained {words.moment(node['drained_since'])}" if node.get("drained_since") else ""


def clock(node: Mapping[str, Any]) -> str:
    """That its clock is off."""
    ahead = node.get("clock_ahead") or 0.0
    return f"clock {abs(ahead):g} s {'ahead' if ahead > 0 else 'behind'}" if ahead else ""


def labels(node: Mapping[str, Any]) -> str:
    """`disk=ssd,rack=3`."""
    return ",".join(f"{name}={value}" for name, value in sorted((node.get("labels") or {}).items()))


def reserved(node: Mapping[str, Any]) -> tuple[str, str]:
    """What replicas have set aside of what there is, cores and memory: `1.5/4`, `2.0/8.0 GiB`; empty where it is not known what there is."""
    if not node.get("cpus"):
        return ("", "")
    kept = node.get("reserved") or {"cpus": 0, "memory": 0}
    return (f"{kept['cpus']:g}/{node['cpus']:g}", f"{gib(kept['memory'])}/{gib(node['memory'])} GiB")


def gib(size: float) -> str:
    """Memory as nodes have it."""
    return f"{size / 2**30:.1f}"


def holds(node: Mapping[str, Any]) -> str:
    """What its engine holds beside replicas."""
    found = node.get("holds")
    if not found:
        return ""
    parts = [words.count(found[kind], kind[:-1]) for kind in ("images", "volumes", "containers")]
    if found["ports"]:
        parts.append(f"ports {', '.join(found['ports'])}")
    if found["memory"]:
        parts.append(f"{gib(found['memory'])} GiB set aside")
    cut = [f"{number} {kind}" for kind, number in (node.get("left_out") or {}).items()]
    return ", ".join(parts) + (f"; more than can be told: {', '.join(cut)}" if cut else "")

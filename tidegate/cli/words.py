"""How times, ages, addresses and counts are written for people."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any


def duration(seconds: float) -> str:
    """`45s`, `12m`, `3h 5m`, `3d 4h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"


def moment(epoch_seconds: float) -> str:
    """Date and time in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_seconds))


def address(value: object) -> str:
    """`host:port` from what the admin API gives: a text, or host and port."""
    if isinstance(value, Mapping):
        host, port = str(value.get("host", "")), value.get("port", "")
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return str(value or "")


def size(octets: int) -> str:
    """`512 B`, `1.5 kB`, `31.4 MB`: in 1000, as registries and engines count."""
    amount, units = float(octets), ["B", "kB", "MB", "GB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    return f"{octets} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def count(number: int, noun: str) -> str:
    """`1 route`, `2 routes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def weights(backends: Sequence[Mapping[str, Any]]) -> str:
    """`v1 75 v2 25`; with the services' names where there are several."""
    several = len({backend["service"] for backend in backends}) > 1
    words: dict[str, int] = {}
    for backend in backends:
        version = str(backend.get("version") or ("" if several else "default"))
        name = " ".join(part for part in (str(backend["service"]) if several else "", version) if part)
        words.setdefault(name, int(backend.get("weight", 100)))
    return " ".join(f"{name} {weight}" for name, weight in words.items())


def figures(scaled: Mapping[str, Any]) -> str:
    """`cpu 43.1 memory 12`: what a decision was made from, by the words of labels."""
    return " ".join(f"{name} {value:.4g}" for name, value in (scaled.get("figures") or {}).items())


def used(endpoint: Mapping[str, Any]) -> tuple[str, str]:
    """CPU in percent of what its container may use, and memory; empty where it was not measured."""
    load = endpoint.get("load")
    return (f"{load['cpu_percent']:.1f} %", f"{load['memory_bytes'] / 2**20:.0f} MiB") if load else ("", "")


def in_use(node: Mapping[str, Any]) -> str:
    """`35 % 1.2 GiB`: of a node's cores, and its memory; empty where it is not known here."""
    used = node.get("used")
    if not used:
        return ""
    busy = f"{used['cpu_percent']:.0f} % " if "cpu_percent" in used else ""
    return f"{busy}{(used['memory_bytes'] - used['memory_available_bytes']) / 2**30:.1f} GiB"


def last_change(scaled: Mapping[str, Any]) -> str:
    """`2 -> 3 12:04:31`; empty where there was none."""
    last = scaled.get("last_change")
    return f"{last['current']} -> {last['wanted']} {moment(last['when'])}" if last else ""


def scaling(scaled: Mapping[str, Any]) -> list[str]:
    """How a service is scaled, in lines."""
    own = f", {scaled['own']} of them not made by Tidegate" if scaled["own"] else ""
    wanted = f"{count(scaled['wanted'], 'replica')} wanted of {scaled['least']} to {scaled['most']}"
    lines = [f"scaling: {wanted}, {scaled['running']} running{own}", *(f"  {line}" for line in scaled["rule"])]
    if scaled["why"]:
        lines.append(f"  at {moment(scaled['at'])}: {scaled['why']}")
    last = scaled.get("last_change")
    if last:
        lines.append(f"  last: {moment(last['when'])} {last['current']} -> {last['wanted']}: {last['why']}")
    return lines


def state(endpoint: Mapping[str, Any]) -> str:
    """`healthy`, or `healthy, ejected 1/2` where one of two workers sends it nothing after failures."""
    ejected = endpoint.get("ejected")
    name = str(endpoint.get("state", ""))
    return f"{name}, ejected {ejected['workers']}/{ejected['of']}" if ejected else name


def ready(endpoints: Sequence[Mapping[str, Any]]) -> str:
    """`3/4 1 unhealthy`: how many get traffic, and what the others do."""
    states = [str(endpoint.get("state", "")) for endpoint in endpoints]
    healthy = states.count("healthy")
    others = {state: states.count(state) for state in sorted(set(states) - {"healthy"})}
    return " ".join([f"{healthy}/{len(states)}", *(f"{number} {state}" for state, number in others.items())])

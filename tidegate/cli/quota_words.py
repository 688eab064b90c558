"""How quotas are read and written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.cli import words
from tidegate.cli.faults import usage

HEADERS = ("ACCOUNT", "CPU", "MEMORY", "REPLICAS", "WHO", "WHEN")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kmgt]?)(?:i?b)?", re.IGNORECASE)
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def size_of(text: str) -> int:
    """Bytes. Raises a usage error."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise usage(f"{text} is no size", "write it like 512m or 8g")
    return int(float(found[1]) * (1 << _UNITS[found[2].lower()]))


def row(quota: Mapping[str, Any]) -> Sequence[object]:
    """One line of a list: of each amount what is used, and what is allowed where that is limited."""
    used, allowed = quota["used"], quota["allowed"]
    memory = _of(used["memory"] / 2**30, allowed["memory"] / 2**30, ".1f")
    return (
        quota["account"],
        _of(used["cpus"], allowed["cpus"], "g"),
        f"{memory} GiB",
        _of(used["replicas"], allowed["replicas"], "d"),
        quota["who"],
        words.moment(quota["when"]) if quota["when"] else "",
    )


def sentence(quota: Mapping[str, Any]) -> str:
    """What holds from now on."""
    if not quota["limited"]:
        return f"{quota['account']} has no quota any more"
    _, cpu, memory, replicas, _, _ = row(quota)
    return f"{quota['account']} sets aside {cpu} CPU, {memory}, {replicas} replicas"


def _of(used: float, allowed: float, form: str) -> str:
    return f"{used:{form}}/{allowed:{form}}" if allowed else f"{used:{form}}"

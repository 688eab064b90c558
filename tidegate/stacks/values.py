"""Single values of a Compose file, each in all the forms people write them in (pure).

Every reader takes `(findings, path, value)`, returns something usable whatever it is given, and reports what is wrong
at `path`, so that one bad value never hides the next.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from tidegate.stacks.findings import WRONG_KIND, Findings, dotted, shown
from tidegate.yamlfile import Path

BAD_DURATION, BAD_SIZE = "T1138", "T1170"

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(w|d|h|ms|m|us|µs|ns|s)")
_SECONDS = {
    "w": 604800.0,
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
}
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(?::\d+)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|b|[kmgt]i?b?)", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_FLAGS = {"true": True, "false": False}


def scalar(value: Any) -> str | None:
    """Text of a scalar as it was meant in YAML (`true`, `1`, `1.5`); None for a list or mapping. Null is empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return str(value) if isinstance(value, (str, int, float)) else None


def text(findings: Findings, path: Path, value: Any) -> str:
    """One piece of text."""
    found = scalar(value)
    if found is None:
        findings.wrong(path, "text", value)
    return found or ""


def texts(findings: Findings, path: Path, value: Any) -> tuple[str, ...]:
    """A list of texts; one text alone is a list of one."""
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(text(findings, (*path, index), item) for index, item in enumerate(value))
    return (text(findings, path, value),)


def command(findings: Findings, path: Path, value: Any) -> tuple[str, ...]:
    """A list as it stands; a string as a shell would split it (it is not run by one). Said to be empty it is one empty word,
    which takes an image's entrypoint away.
    """
    if value in ("", []):
        return ("",)
    if not isinstance(value, str):
        return texts(findings, path, value)
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        findings.error(WRONG_KIND, path, f"{dotted(path)} cannot be split into words: {error}", "close the quote")
        return ()


def labels(findings: Findings, path: Path, value: Any) -> dict[str, str]:
    """A mapping, or a list of `name=value`; a name alone has an empty value."""
    return {name: item or "" for name, item in pairs(findings, path, value).items()}


def environment(findings: Findings, path: Path, value: Any, variables: Mapping[str, str]) -> dict[str, str]:
    """As labels; but a name alone is passed on from our own environment, and left out where it is not set there."""
    return filled(pairs(findings, path, value), variables)


def filled(found: Mapping[str, str | None], variables: Mapping[str, str]) -> dict[str, str]:
    """Names without a value from our own environment; left out where they are not set there."""
    said = {name: variables.get(name) if item is None else item for name, item in found.items()}
    return {name: item for name, item in said.items() if item is not None}


def pairs(findings: Findings, path: Path, value: Any) -> dict[str, str | None]:
    """A mapping, or a list of `name=value`; a name alone has None."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(key): None if item is None else text(findings, (*path, key), item) for key, item in value.items()}
    if not isinstance(value, list):
        findings.wrong(path, "a mapping or a list of NAME=VALUE", value)
        return {}
    found: dict[str, str | None] = {}
    for index, item in enumerate(value):
        name, equals, rest = text(findings, (*path, index), item).partition("=")
        if name:
            found[name] = rest if equals else None
    return found


def seconds(findings: Findings, path: Path, value: Any) -> float:
    """`90`, `1m30s`, `1.5h`, `500ms` in seconds; 10 where it is none of them."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    spans = _SPAN.findall(value) if isinstance(value, str) else []
    if not spans or "".join(map("".join, spans)) != value:
        findings.error(
            BAD_DURATION, path, f"{dotted(path)} is no duration: {shown(value)}", "write it like 10s or 1m30s"
        )
        return 10.0
    return sum(float(number) * _SECONDS[unit] for number, unit in spans)


def size(findings: Findings, path: Path, value: Any) -> int:
    """`512m`, `1.5g`, `64kb` or a number of bytes; 0, and a problem, for what is none. -1 is kept: without bound."""
    if value == -1 or value == "-1":
        return -1
    found = _SIZE.fullmatch(scalar(value) or "") if not isinstance(value, bool) else None
    if found is None:
        text = f"{dotted(path)} is no size: {shown(value)}"
        findings.error(BAD_SIZE, path, text, "write it like 512m or 1g")
        return 0
    return round(float(found[1]) * _UNITS[found[2][:1].lower()])


def number(findings: Findings, path: Path, value: Any) -> float:
    """A number that is not negative, also written as text."""
    try:
        found = float(scalar(value) or "x") if not isinstance(value, bool) else -1.0
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        findings.wrong(path, "a number", value)
        return 0.0
    return found


def whole(findings: Findings, path: Path, value: Any, least: int = 0) -> int:
    """A whole number from `least` up, also written as text."""
    said = scalar(value) or ""
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,18}", said) or int(said) < least:
        findings.wrong(path, f"a whole number from {least} up", value)
        return 0
    return int(said)


def permissions(findings: Findings, path: Path, value: Any) -> int:
    """`0o700`, or text like `0700`, which is octal too."""
    if isinstance(value, str) and re.fullmatch(r"(0o)?[0-7]{1,5}", value):
        return int(value.removeprefix("0o"), 8)
    return whole(findings, path, value)


def flag(findings: Findings, path: Path, value: Any) -> bool:
    """Whether it is true; also written as text."""
    found = _FLAGS.get((scalar(value) or "").lower())
    if found is None:
        findings.wrong(path, "true or false", value)
    return found or False


def hosts(findings: Findings, path: Path, value: Any) -> tuple[str, ...]:
    """`extra_hosts`: a list of `name:address` or `name=address`, or a mapping, as `name:address`."""
    found: list[str] = []
    if isinstance(value, dict):
        for name, addresses in value.items():
            found += [f"{name}:{_bare(each)}" for each in texts(findings, (*path, name), addresses)]
        return tuple(found)
    for index, item in enumerate(texts(findings, path, value)):
        name, sign, address = re.match(r"([^:=]*)([:=]?)(.*)", item, re.DOTALL).groups()  # type: ignore[union-attr]
        if not (name and sign and address):
            findings.wrong((*path, index), "text like name:address", item)
            continue
        found.append(f"{name}:{_bare(address)}")
    return tuple(found)


def _bare(address: str) -> str:
    """An IPv6 address without its brackets."""
    return address.strip("[]")


def restart(findings: Findings, path: Path, value: Any) -> str:
    """A restart policy as Docker spells it."""
    policy = "no" if value is False else scalar(value) or ""
    if not _RESTART.fullmatch(policy):
        findings.wrong(path, "no, always, unless-stopped or on-failure[:N]", value)
        return ""
    return policy


def external(findings: Findings, path: Path, settings: Mapping[Any, Any]) -> tuple[bool, str]:
    """(whether a network or volume is there already, its name where one is said): `external: true` or `{name: ...}`."""
    said, name = settings.get("external"), scalar(settings.get("name")) or ""
    if isinstance(said, dict):
        return True, scalar(said.get("name")) or name
    return (False if said is None else flag(findings, (*path, "external"), said)), name

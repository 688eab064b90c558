"""Single values of a Compose file, each in all the forms people write them in (pure).

Every reader takes `(findings, path, value)`, returns something usable whatever it is given, and reports what is wrong
at `path`, so that one bad value never hides the next.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from tidegate.errors import Problem, Severity
from tidegate.yamlfile import Document, Path

WRONG_KIND, BAD_PORT, BAD_DURATION = "T1132", "T1136", "T1138"
MAX_PORT = 65535

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(?::\d+)?")


class Findings:
    """Problems of one file, in the order found."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.problems: list[Problem] = list(document.problems)

    def error(self, code: str, path: Path, text: str, mend: str = "") -> None:
        self._add(code, path, text, mend, Severity.ERROR)

    def warn(self, code: str, path: Path, text: str, mend: str = "") -> None:
        self._add(code, path, text, mend, Severity.WARNING)

    def wrong(self, path: Path, wanted: str, value: Any) -> None:
        """`value` is of another kind than `wanted` says."""
        self.error(WRONG_KIND, path, f"{dotted(path)} must be {wanted}, not {shown(value)}")

    def _add(self, code: str, path: Path, text: str, mend: str, severity: Severity) -> None:
        place = self._document.place(path)
        self.problems.append(Problem(code=code, text=text, place=place, mend=mend, severity=severity))


def dotted(path: Path) -> str:
    """`services.web.ports[0]`, as a path is written in messages."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def shown(value: Any) -> str:
    """A value in a message: its kind where it is large."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else repr(value)


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
    """A list as it stands; a string as a shell would split it (it is not run by one)."""
    if not isinstance(value, str):
        return texts(findings, path, value)
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        findings.error(WRONG_KIND, path, f"{dotted(path)} cannot be split into words: {error}", "close the quote")
        return ()


def labels(findings: Findings, path: Path, value: Any) -> dict[str, str]:
    """A mapping, or a list of `name=value`; a name alone has an empty value."""
    return {name: item or "" for name, item in _pairs(findings, path, value).items()}


def environment(findings: Findings, path: Path, value: Any, variables: Mapping[str, str]) -> dict[str, str]:
    """As labels; but a name alone is passed on from our own environment, and left out where it is not set there."""
    pairs = _pairs(findings, path, value)
    return {name: variables.get(name, "") if item is None else item for name, item in pairs.items() if item is not None or name in variables}  # fmt: skip


def _pairs(findings: Findings, path: Path, value: Any) -> dict[str, str | None]:
    if value is None:
        return {}
    if isinstance(value, dict):
        return {str(key): None if item is None else text(findings, (*path, key), item) for key, item in value.items()}
    if not isinstance(value, list):
        findings.wrong(path, "a mapping or a list of NAME=VALUE", value)
        return {}
    pairs: dict[str, str | None] = {}
    for index, item in enumerate(value):
        name, equals, rest = text(findings, (*path, index), item).partition("=")
        if name:
            pairs[name] = rest if equals else None
    return pairs


def seconds(findings: Findings, path: Path, value: Any) -> float:
    """`90`, `1m30s`, `1.5s`, `500ms` in seconds; 10 where it is none of them."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    found = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if found is None:
        findings.error(
            BAD_DURATION, path, f"{dotted(path)} is no duration: {shown(value)}", "write it like 10s or 1m30s"
        )
        return 10.0
    hours, minutes, whole, thousandths = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + whole + thousandths / 1000


def restart(findings: Findings, path: Path, value: Any) -> str:
    """A restart policy as Docker spells it."""
    policy = "no" if value is False else scalar(value) or ""
    if not _RESTART.fullmatch(policy):
        findings.wrong(path, "no, always, unless-stopped or on-failure[:N]", value)
        return ""
    return policy


def published(findings: Findings, path: Path, value: Any) -> dict[int, int]:
    """`ports:` as container port -> host port, 0 for any."""
    if not isinstance(value, list):
        findings.wrong(path, "a list of ports", value)
        return {}
    ports: dict[int, int] = {}
    for index, item in enumerate(value):
        ports.update(_published(findings, (*path, index), item))
    return ports


def exposed(findings: Findings, path: Path, value: Any) -> tuple[int, ...]:
    """`expose:`, ports that are reachable inside only."""
    ports = (_port(findings, (*path, index), item) for index, item in enumerate(texts(findings, path, value)))
    return tuple(port for port in ports if port)


def _published(findings: Findings, path: Path, item: Any) -> dict[int, int]:
    if isinstance(item, dict):
        return _published_long(findings, path, item)
    *before, container = text(findings, path, item).rsplit(":", 2)
    if len(before) == 2:
        _lost_address(findings, path, before[0])
    host = before[-1] if before else ""
    port = _port(findings, path, container)
    return {port: _port(findings, path, host) if host else 0} if port else {}


def _published_long(findings: Findings, path: Path, item: dict[Any, Any]) -> dict[int, int]:
    for key in item.keys() - {"target", "published", "protocol", "host_ip", "mode", "name", "app_protocol"}:
        findings.warn("T1131", (*path, key), f"{dotted((*path, key))} is not supported and was left out")
    if item.get("host_ip"):
        _lost_address(findings, path, str(item["host_ip"]))
    protocol = scalar(item.get("protocol")) or "tcp"
    port = _port(findings, path, f"{scalar(item.get('target')) or ''}/{protocol}")
    host = scalar(item.get("published")) or ""
    return {port: _port(findings, path, host) if host else 0} if port else {}


def _lost_address(findings: Findings, path: Path, address: str) -> None:
    findings.warn(
        "T1131", path, f"the host address {address} of {dotted(path)} is left out: the port is open on every address"
    )


def _port(findings: Findings, path: Path, written: str) -> int:
    """A TCP port; 0, and a problem, for what is none."""
    number, _, protocol = written.partition("/")
    if number.isdigit() and 0 < int(number) <= MAX_PORT and protocol in ("", "tcp"):
        return int(number)
    findings.error(
        BAD_PORT,
        path,
        f"{dotted(path)} names no TCP port: {written!r}",
        'write "80" or "8080:80", one line for each port; UDP and ranges are not carried over',
    )
    return 0

"""What a service needs before it starts, from `depends_on` and links (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tidegate.stacks import values
from tidegate.stacks.findings import Findings
from tidegate.stacks.service import Condition, Dependency
from tidegate.value import Value
from tidegate.yamlfile import Path

_LONG = frozenset({"condition", "restart", "required"})


class Link(Value):
    """`links: ["db:mysql"]`: the service db is reached as mysql too."""

    service: str
    alias: str
    path: Path = ()


def depends_on(findings: Findings, path: Path, value: Any) -> tuple[Dependency, ...]:
    """`depends_on`, as a list of names or with conditions."""
    if not isinstance(value, dict):
        return tuple(Dependency(service=name) for name in values.texts(findings, path, value))
    return tuple(_long(findings, (*path, name), item) for name, item in value.items())


def links(findings: Findings, path: Path, value: Any) -> tuple[Link, ...]:
    """`links` or `external_links`: `name` or `name:alias`."""
    found = []
    for index, item in enumerate(values.texts(findings, path, value)):
        name, _, alias = item.partition(":")
        if not name:
            findings.wrong((*path, index), "text like db:mysql", item)
            continue
        found.append(Link(service=name, alias=alias or name, path=(*path, index)))
    return tuple(found)


def united(*groups: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """All of them, one for each service; the first that names it holds."""
    found: dict[str, Dependency] = {}
    for group in groups:
        for each in group:
            found.setdefault(each.service, each)
    return tuple(found.values())


def _long(findings: Findings, path: Path, item: Any) -> Dependency:
    said = findings.mapping(path, item)
    findings.rest(path, said, _LONG)
    condition = values.scalar(said.get("condition")) or Condition.STARTED
    if condition not in tuple(Condition):
        findings.wrong((*path, "condition"), f"one of {', '.join(Condition)}", said.get("condition"))
        condition = Condition.STARTED
    if _flag(findings, path, said, "restart", default=False):
        findings.unsupported((*path, "restart"), "who depends on a service goes on running while that is replaced")
    required = _flag(findings, path, said, "required", default=True)
    return Dependency(service=str(path[-1]), condition=Condition(condition), required=required)


def _flag(findings: Findings, path: Path, said: dict[Any, Any], key: str, *, default: bool) -> bool:
    return default if said.get(key) is None else values.flag(findings, (*path, key), said[key])

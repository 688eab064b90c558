"""Placement expressions as people write them, in the words of classic Swarm, the original service, and Swarm mode.

constraint:aliyun.node_index==(1|2|3)    constraint:group!=~db         node.labels.disk == ssd     node.role != manager
affinity:service!=db                     affinity:image==~redis        affinity:tier==/^web-/
availability:az==3                       availability:az==~3           reschedule:on-node-failure

An expression stands in a service's environment (`expression_of` finds it there), in `deploy.placement.constraints`, or in one of the
labels that classic Swarm keeps them in. A faulty one harms itself only: the others are understood, and a problem names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_network

from msgspec import DecodeError, ValidationError, json

from tidegate.errors import Problem
from tidegate.placement.node import FACTS, LABELS, PLATFORM
from tidegate.placement.rules import Kind, Reschedule, Rule, ZoneRule, matcher
from tidegate.value import Value

KINDS = ("constraint", "affinity", "availability", "reschedule", "whitelist")
#: Labels that hold JSON lists of expressions of one kind.
LISTS = {
    "com.docker.swarm.constraints": "constraint",
    "com.docker.swarm.affinities": "affinity",
    "com.docker.swarm.reschedule-policies": "reschedule",
}
ON_FAILURE = "on-node-failure"
MAX_VALUE = 256
MAX_ZONES = 100
_RULE = re.compile(r"\s*(?P<key>[^=!~\s]*)\s*(?P<operator>==|!=|=|!|)(?P<soft>~?)\s*(?P<value>.*?)\s*", re.DOTALL)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")


class Said(Value):
    """What a list of expressions says; `problems` are those that say nothing usable."""

    rules: tuple[Rule, ...] = ()
    zones: ZoneRule | None = None
    reschedule: Reschedule = Reschedule.AUTO
    problems: tuple[Problem, ...] = ()


def expression_of(name: str, value: str | None) -> str | None:
    """The expression that an environment entry is: `constraint:group` with `=db`, or `constraint` with `group==db` where the
    environment is a map. None for a variable."""
    kind, colon, _ = name.partition(":")
    if kind not in KINDS:
        return None
    if not colon:
        return f"{kind}:{value}" if value and re.search("[=!]=", value) else None
    return name if value is None else f"{name}={value}"


def understood(expressions: Iterable[str], place: str = "") -> Said:
    """All expressions together; each begins with its kind. Of two that cannot both be (zones, reschedule) the later one holds."""
    rules: list[Rule] = []
    zones, reschedule, problems = None, Reschedule.AUTO, []
    for expression in expressions:
        try:
            meant = read(expression)
        except Unreadable as fault:
            problems.append(fault.problem(expression, place))
            continue
        if isinstance(meant, ZoneRule):
            zones = meant
        elif isinstance(meant, Reschedule):
            reschedule = meant
        elif meant not in rules:
            rules.append(meant)
    return Said(rules=tuple(rules), zones=zones, reschedule=reschedule, problems=tuple(problems))


def listed(label: str, value: str) -> tuple[str, ...]:
    """The expressions in one of the labels of `LISTS`. Raises Unreadable."""
    try:
        lines = json.decode(value, type=list[str])
    except (DecodeError, ValidationError) as fault:
        raise Unreadable("T2200", f"{label} is no JSON list of texts", 'write ["group==db"]') from fault
    return tuple(f"{LISTS[label]}:{line}" for line in lines)


def constraints(expressions: Iterable[str], place: str = "") -> Said:
    """Those of `deploy.placement.constraints`: constraints, with or without saying so."""
    return understood((each if each.startswith("constraint:") else f"constraint:{each}" for each in expressions), place)


def read(expression: str) -> Rule | ZoneRule | Reschedule:
    """What one expression says. Raises Unreadable."""
    kind, colon, rest = expression.strip().partition(":")
    if not colon or kind not in KINDS:
        raise Unreadable(
            "T2200", "is no placement expression", f"begin with one of {', '.join(KINDS[:-1])} and a colon"
        )
    if kind == "whitelist":
        raise Unreadable("T2200", "is not understood", "write constraint:node==(a|b)")
    if kind == "reschedule":
        return _reschedule(rest)
    parts = _RULE.fullmatch(rest)
    assert parts is not None, "every part may be empty"
    if parts["operator"] not in ("==", "!=") or not parts["value"]:
        raise Unreadable("T2200", "does not compare anything", f"write {kind}:KEY==VALUE or {kind}:KEY!=VALUE")
    if kind == "availability":
        return _zones(parts)
    return _rule(Kind(kind), parts)


def spread_key(key: str) -> str:
    """The key of a `spread` preference of `deploy.placement`, checked. Raises Unreadable."""
    _check_key(key)
    if not key.startswith(LABELS) and key not in ("node.zone", "node.hostname", "node.name"):
        raise Unreadable(
            "T2205", f"cannot spread over {key}", "spread over node.labels.NAME, engine.labels.NAME or node.zone"
        )
    return key


def _rule(kind: Kind, parts: re.Match[str]) -> Rule:
    key, value = parts["key"], parts["value"]
    _check_key(key)
    plain = kind is Kind.CONSTRAINT and key.startswith(("node.", "engine."))
    if plain and not key.startswith(LABELS) and key not in FACTS + PLATFORM:
        raise Unreadable("T2201", f"no node has {key}", f"use {', '.join((*FACTS, *PLATFORM))} or {LABELS[0]}NAME")
    _check_value(key, value, plain)
    return Rule(kind=kind, key=key, value=value, equal=parts["operator"] == "==", soft=bool(parts["soft"]), plain=plain)


def _check_key(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise Unreadable(
            "T2200", f"{key!r} is no key", "a key is letters, digits and _ . / -, and begins with a letter or _"
        )


def _check_value(key: str, value: str, plain: bool) -> None:
    if len(value) > MAX_VALUE or not value.isprintable():
        raise Unreadable("T2202", "has a value that cannot be used", f"use at most {MAX_VALUE} printable characters")
    try:
        matcher(value, plain)
    except re.error as fault:
        raise Unreadable(
            "T2202", f"has no usable regular expression: {fault}", "mend what is between the slashes"
        ) from fault
    if key == "node.ip":
        try:
            ip_network(value, strict=False)
        except ValueError as fault:
            raise Unreadable("T2202", f"{value} is no address and no network", "write 10.0.0.0/24") from fault


def _zones(parts: re.Match[str]) -> ZoneRule:
    value = parts["value"]
    if parts["key"] != "az" or parts["operator"] != "==":
        raise Unreadable(
            "T2203", "asks for something else than zones", "write availability:az==3, or ==~3 for as far as possible"
        )
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MAX_ZONES):
        raise Unreadable("T2203", f"{value} is no number of zones", f"use 1 to {MAX_ZONES}")
    return ZoneRule(zones=int(value), soft=bool(parts["soft"]))


def _reschedule(policy: str) -> Reschedule:
    word = policy.strip()
    if word == ON_FAILURE:
        return Reschedule.ALWAYS
    if word in ("off", "never"):
        return Reschedule.NEVER
    if word == Reschedule.AUTO.value:
        return Reschedule.AUTO
    raise Unreadable(
        "T2204",
        f"{word or 'nothing'} is no policy",
        f"write reschedule:{ON_FAILURE}, reschedule:off or reschedule:auto",
    )


def reschedule_of(value: str) -> Reschedule:
    """The value of `tidegate.reschedule`. Raises Unreadable."""
    return _reschedule(value)


class Unreadable(ValueError):
    """An expression says nothing usable: a code, what is wrong with it, and what would be right."""

    def __init__(self, code: str, fault: str, mend: str) -> None:
        super().__init__(f"{fault}; {mend}")
        self.code = code
        self.fault = fault
        self.mend = mend

    def problem(self, expression: str, place: str = "", kept: str = "") -> Problem:
        """The operator fault that this is, of `expression` at `place`."""
        return Problem(code=self.code, text=f"{expression!r}: {self.fault}", place=place, mend=self.mend, kept=kept)

"""What a request must be for a route, beyond host and path: `match.method`, `match.header.NAME`, `match.cookie.NAME`,
`match.query.NAME`. Pure.

Conditions say which route it is, so they are no part of its policy: nothing is laid over them, and a wrong one closes the
claim, since without it the claim would be another route. A value is compared as a whole, `*` takes any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from tidegate.policy import FieldMatch, Match
from tidegate.settings import fields, kinds
from tidegate.settings.fault import Fault, nearest, shown
from tidegate.settings.kinds import Kind

TOP = "match"
MAX_CONDITIONS = 16
ANY = "*"
_METHODS = kinds.several(fields.method(), "methods")
# Neither may hold what separates conditions in a route's id; values come as they stand in the request.
_VALUE = re.compile(r"[!-%'-~](?:[ -%'-~]{0,254}[!-%'-~])?")
_QUERY_NAME = re.compile(r"[!-\"$%'-*,-<>-~]{1,127}")


class Conditions(Struct, frozen=True, kw_only=True):
    """What was understood, None where nothing is asked, and what was not, by name."""

    match: Match | None = None
    wrong: tuple[tuple[str, Fault], ...] = ()


def apart(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Conditions and settings among names and texts."""
    conditions = {name: text for name, text in given.items() if name.partition(".")[0] == TOP}
    return conditions, {name: text for name, text in given.items() if name not in conditions}


def read_conditions(given: Mapping[str, str]) -> Conditions:
    """Read names and texts that all begin with `match`."""
    methods: tuple[str, ...] = ()
    fields: dict[str, dict[str, FieldMatch]] = {"header": {}, "cookie": {}, "query": {}}
    wrong: list[tuple[str, Fault]] = []
    if len(given) > MAX_CONDITIONS:
        return Conditions(wrong=((next(iter(given)), Fault(f"there are more than {MAX_CONDITIONS} conditions")),))
    for name, text in given.items():
        read = _one(name, text.strip())
        if isinstance(read, Fault):
            wrong.append((name, read))
        elif isinstance(read, tuple):
            methods = tuple(sorted(read))
        else:
            kind = name.split(".")[1]
            if read.name in fields[kind]:
                wrong.append((name, Fault(f"{kind} {read.name} is asked for twice", "keep one of the two")))
            fields[kind][read.name] = read
    match = Match(
        methods=methods,
        headers=_in_order(fields["header"]),
        cookies=_in_order(fields["cookie"]),
        query=_in_order(fields["query"]),
    )
    return Conditions(match=match if match.conditions() and not wrong else None, wrong=tuple(wrong))


def _in_order(found: Mapping[str, FieldMatch]) -> tuple[FieldMatch, ...]:
    return tuple(found[name] for name in sorted(found))


def _one(name: str, text: str) -> tuple[str, ...] | FieldMatch | Fault:
    if name == "match.method":
        methods: tuple[str, ...] | Fault = _METHODS.read(text)
        return methods
    _, kind, word = (*name.split(".", 2), "", "")[:3]
    if kind not in _NAMES or not word:
        close = nearest(name, ("match.method", *(f"match.{each}.{word or 'NAME'}" for each in _NAMES)))
        mend = (
            f"did you mean {close}?" if close else "write match.method, match.header.NAME, .cookie.NAME or .query.NAME"
        )
        return Fault(f"unknown condition {shown(name)}", mend)
    key = _NAMES[kind](word)
    if isinstance(key, Fault):
        return key
    if text == ANY:
        return FieldMatch(name=key)
    if not _VALUE.fullmatch(text):
        return Fault(f"{shown(text)} is not a value to compare with", "write plain ASCII without &, or * for any")
    return FieldMatch(name=key, value=text)


def _query_name(text: str) -> str | Fault:
    return (
        text if _QUERY_NAME.fullmatch(text) else Fault(f"{shown(text)} is not a parameter's name", "no blanks, & or =")
    )


def _reader(kind: Kind) -> Any:
    return kind.read


_NAMES = {"header": _reader(fields.field_name()), "cookie": _reader(fields.token()), "query": _query_name}


def conditions_of(match: Match | None) -> dict[str, str]:
    """The conditions by name, as they are written."""
    return dict(_written(match)) if match is not None else {}


def _written(match: Match) -> Iterator[tuple[str, str]]:
    if match.methods:
        yield "match.method", _METHODS.show(match.methods)
    for kind, wanted in (("header", match.headers), ("cookie", match.cookies), ("query", match.query)):
        for each in wanted:
            yield f"match.{kind}.{each.name}", ANY if each.value is None else each.value

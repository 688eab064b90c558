"""Values as JSON documents: every field is written out, also the defaults, so that a reader needs no second source."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from msgspec import Struct

from tidegate.errors import Problem
from tidegate.model import Route
from tidegate.settings.policies import settings_of
from tidegate.settings.redaction import shown_setting, shown_settings

_PLAIN = frozenset((str, int, float, bool, type(None)))


def document(value: Any) -> Any:
    """`value` as dicts, lists, strings, numbers, None."""
    kind = type(value)
    if kind in _PLAIN:  # most of what there is: ten thousand rows must not hold up control
        return value
    if kind is list:
        return [each if type(each) in _PLAIN else document(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Problem):
        return problem_document(value)
    if isinstance(value, Route):
        return _route_document(value)
    if isinstance(value, Struct):
        return {name: document(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(key): _entry(str(key), each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(document(each) for each in value)
    if isinstance(value, tuple | list):
        return [document(each) for each in value]
    return value


def _entry(key: str, value: Any) -> Any:
    return shown_setting(key, value) if isinstance(value, str) else document(value)


def _route_document(route: Route) -> dict[str, Any]:
    """A route with its conditions in words, and of its policy the settings that differ from the built-in ones."""
    plain = {
        name: document(getattr(route, name)) for name in route.__struct_fields__ if name not in {"match", "policy"}
    }
    match = str(route.match) if route.match is not None else ""
    return {**plain, "match": match, "settings": shown_settings(settings_of(route.policy))}


def problem_document(problem: Problem) -> dict[str, str]:
    """A problem with its severity and without empty fields."""
    fields = {name: getattr(problem, name) for name in ("code", "text", "place", "cause", "mend", "kept")}
    return {"severity": problem.severity.value, **{name: value for name, value in fields.items() if value}}

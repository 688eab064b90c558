"""Values as JSON documents: every field is written out, also the defaults, so that a reader needs no second source."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from msgspec import Struct

from tidegate.errors import Problem


def document(value: Any) -> Any:
    """`value` as dicts, lists, strings, numbers, None."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Problem):
        return problem_document(value)
    if isinstance(value, Struct):
        return {name: document(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(key): document(each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(document(each) for each in value)
    if isinstance(value, tuple | list):
        return [document(each) for each in value]
    return value


def problem_document(problem: Problem) -> dict[str, str]:
    """A problem with its severity and without empty fields."""
    fields = {name: getattr(problem, name) for name in ("code", "text", "place", "cause", "mend", "kept")}
    return {"severity": problem.severity.value, **{name: value for name, value in fields.items() if value}}

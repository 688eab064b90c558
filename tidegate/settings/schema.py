"""The settings as JSON Schema (draft 2020-12), for editors that check a file while it is written. Pure."""

from __future__ import annotations

from typing import Any

from tidegate.settings.conditions import TOP as CONDITIONS
from tidegate.settings.layers import OFF
from tidegate.settings.reading import ON
from tidegate.settings.rows import NAMED, ROWS
from tidegate.settings.vocabulary import HEADS, TOPS

_TEXT = {"type": ["string", "number", "boolean"]}


def settings_schema() -> tuple[dict[str, Any], dict[str, Any]]:
    """`properties` and `patternProperties` of a mapping that takes settings, nested or with dotted names."""
    properties: dict[str, Any] = {}
    for name, row in ROWS.items():
        _put(properties, name.split("."), {**_value(row.kind.schema), "description": row.help})
    for named in NAMED:
        way = named.prefix.removesuffix(".").split(".")
        _put(properties, way, {"type": "object", "additionalProperties": _value(named.kind.schema)})
    for head, family in HEADS.items():
        _switch(properties, head.split("."), [OFF, ON, True, False] if family.bare else [OFF, False])
    return properties, {rf"^({'|'.join(TOPS)})\.": {"type": ["string", "number", "boolean", "array"]}}


def conditions_schema() -> dict[str, Any]:
    """The conditions of a route."""
    fields = {"type": "object", "additionalProperties": _TEXT}
    methods = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    properties = {"method": methods, **dict.fromkeys(("header", "cookie", "query"), fields)}
    return {"type": "object", "properties": properties, "additionalProperties": False, "title": CONDITIONS}


def _value(schema: dict[str, Any]) -> dict[str, Any]:
    """A text may be written as the number or flag that it looks like."""
    return _TEXT if schema == {"type": "string"} else schema


def _put(properties: dict[str, Any], way: list[str], schema: dict[str, Any]) -> None:
    first, *rest = way
    if not rest:
        properties[first] = schema
        return
    inner = properties.setdefault(first, {"type": "object", "properties": {}, "additionalProperties": False})
    _put(inner["properties"], rest, schema)


def _switch(properties: dict[str, Any], way: list[str], words: list[object]) -> None:
    """Let the name at the end of `way` also be one of `words`."""
    first, *rest = way
    if rest:
        _switch(properties[first]["properties"], rest, words)
    else:
        properties[first] = {"anyOf": [{"enum": words}, properties[first]]}

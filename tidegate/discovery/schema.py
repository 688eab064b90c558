"""The static file as JSON Schema (draft 2020-12). What only reading can tell (hosts, networks, dotted names) is left to it."""

from __future__ import annotations

from typing import Any

from tidegate.discovery.probe import NAMES as PROBE_NAMES
from tidegate.discovery.releasing import release_names
from tidegate.settings.schema import conditions_schema, settings_schema

_WEIGHT = {"type": "integer", "minimum": 0, "maximum": 1000}
_TEXT = {"type": "string"}
_RELEASE: dict[str, list[str]] = {
    **{name: ["string", "number", "boolean", "array"] for name in release_names() if "." not in name},
    "preview": ["object"],
    "gate": ["object"],
}
_DOTTED = {r"^(preview|gate)\.": {"type": ["string", "number"]}}


def file_schema() -> dict[str, Any]:
    """The schema of a file for `--file`."""
    properties, dotted = settings_schema()
    route = {
        "host": _TEXT,
        "path": _TEXT,
        "backends": {"type": "object", "additionalProperties": _WEIGHT, "minProperties": 1},
        "match": conditions_schema(),
        **properties,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tidegate static file",
        **_object(
            {
                "services": {"type": "object", "additionalProperties": _service()},
                "routes": {
                    "type": "array",
                    "items": {**_object(route, "host", "backends"), "patternProperties": dotted},
                },
                "defaults": {**_object(properties), "patternProperties": dotted},
                "dns": _object({"domain": _TEXT}),
            }
        ),
    }


def _service() -> dict[str, Any]:
    endpoint = {"anyOf": [_TEXT, _object({"address": _TEXT, "weight": _WEIGHT}, "address")]}
    probe = _object({name: {"type": ["string", "number"]} for name in PROBE_NAMES if name != "cmd"})
    version = {"type": ["string", "number"]}
    endpoints = {"type": "array", "items": endpoint, "minItems": 1}
    release = _object({name: {"type": kinds} for name, kinds in _RELEASE.items()}) | {"patternProperties": _DOTTED}
    known = {
        "release": release,
        "version": version,
        "endpoints": endpoints,
        "probe": probe,
        "weight": _WEIGHT,
        "external": _TEXT,
    }
    return {**_object(known), "oneOf": [{"required": ["endpoints"]}, {"required": ["external"]}]}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}

"""What differs between two specs of a container, field by field, in words that give no secret away (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tidegate.engine.spec import ContainerSpec
from tidegate.stacks.fingerprint import essence
from tidegate.value import Value

HIDDEN = "(hidden)"
NOTHING = "(not set)"
SHOWN = 60  # characters of a value, more of it is cut
# Where values are whatever people keep there, credentials too.
_SECRET = ("environment", "logging.options")


class FieldChange(Value):
    """`field` is dotted, `old` and `new` are as people write them; of what may be secret only that it is another one."""

    field: str
    old: str = NOTHING
    new: str = NOTHING

    def __str__(self) -> str:
        return f"{self.field} {self.old} -> {self.new}"


def field_changes(old: ContainerSpec, new: ContainerSpec) -> tuple[FieldChange, ...]:
    """Everything for which a container would have to be made anew; empty exactly when their fingerprints are one."""
    before, after = essence(old), essence(new)
    first = before.pop("first_network", ""), after.pop("first_network", "")
    found = tuple(_compared("", before, after))
    if first[0] != first[1] and not any(each.field.startswith("networks.") for each in found):
        found = (*found, FieldChange(field="networks", old=f"{first[0]} first", new=f"{first[1]} first"))
    return found


def _compared(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key), new.get(key)
        if before == after and (key in old) == (key in new):
            continue
        here = f"{path}.{key}".removeprefix(".")
        if isinstance(before, dict) or isinstance(after, dict):
            parts = tuple(_compared(here, before or {}, after or {}))
            yield from parts or (FieldChange(field=here, old=_shown(here, before), new=_shown(here, after)),)
        else:
            yield FieldChange(field=here, old=_shown(here, before), new=_shown(here, after))


def _shown(field: str, value: Any) -> str:
    if value is None:
        return NOTHING
    if field.startswith(_SECRET):
        return HIDDEN
    text = value if isinstance(value, str) else _listed(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _listed(value: Any) -> str:
    """Words of a command as they are; parts of anything else as name=value."""
    if isinstance(value, dict):
        return " ".join(f"{name}={_listed(item)}" for name, item in value.items()) or "{}"
    if isinstance(value, (list, tuple)):
        return (
            " ".join(_listed(item) for item in value)
            if all(isinstance(item, str) for item in value)
            else "; ".join(map(_listed, value))
        )
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

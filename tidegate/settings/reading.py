"""What a place says, read into canonical settings; every fault is told, none raises. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidegate.settings.fault import Fault, nearest, shown
from tidegate.settings.layers import OFF
from tidegate.settings.values import as_text
from tidegate.settings.vocabulary import HEADS, ROWS, all_names, family_of, named_of

MAX_SETTINGS = 128
MAX_TEXT = 128 * 1024
ON = "on"


class Wrong(Struct, frozen=True, kw_only=True):
    """A setting that is not applied. `name` is as written; `unknown` where there is no such name; `closes` where going
    on without it would serve requests without a protection that was asked for."""

    name: str
    fault: Fault
    unknown: bool = False
    closes: bool = False


class Reading(Struct, frozen=True, kw_only=True):
    """What was understood, by canonical name, and what was not."""

    settings: dict[str, str]
    wrong: tuple[Wrong, ...] = ()


def read_settings(given: Mapping[str, str], *, operator: bool) -> Reading:
    """Read flat names and texts. `operator`: they come from a file or the admin API, not from a label."""
    if len(given) > MAX_SETTINGS or sum(len(name) + len(text) for name, text in given.items()) > MAX_TEXT:
        fault = Fault(f"there are more than {MAX_SETTINGS} settings, or {MAX_TEXT} characters of them", "say less")
        return Reading(settings={}, wrong=(Wrong(name=next(iter(given)), fault=fault, closes=True),))
    found: dict[str, str] = {}
    wrong: list[Wrong] = []
    for name, text in given.items():
        read = _one(name, text.strip(), operator=operator)
        if isinstance(read, Wrong):
            wrong.append(read)
        elif read[0] in found:
            wrong.append(_wrong(name, Fault(f"{read[0]} is said twice", "keep one of the two")))
        else:
            found[read[0]] = read[1]
    return Reading(settings=found, wrong=tuple(wrong))


def _one(name: str, text: str, *, operator: bool) -> tuple[str, str] | Wrong:
    row, named = ROWS.get(name), named_of(name)
    if row is not None and row.operator and not operator:
        return _wrong(name, Fault(f"{name} is not for labels", "say it in a file or by the admin API"))
    if row is not None:
        return _valued(name, name, row.kind.read(text), row.kind.show)
    if named is not None:
        word = named.key.read(name[len(named.prefix) :])
        if isinstance(word, Fault):
            return _wrong(name, word)
        return _valued(name, named.prefix + named.key.show(word), named.kind.read(text), named.kind.show)
    if name in HEADS:
        return _head(name, text)
    return _unknown(name)


def _valued(name: str, canonical: str, value: Any, show: Any) -> tuple[str, str] | Wrong:
    return _wrong(name, value) if isinstance(value, Fault) else (canonical, show(value))


def _head(name: str, text: str) -> tuple[str, str] | Wrong:
    word = {"false": OFF, "true": ON}.get(text.lower(), text.lower())
    allowed = (OFF, ON) if HEADS[name].bare else (OFF,)
    if word in allowed:
        return name, word
    return _wrong(name, Fault(f"{shown(text)} is not a value of {name}", f"write {' or '.join(allowed)}"))


def _unknown(name: str) -> Wrong:
    close = nearest_name(name)
    mend = f"did you mean {close}?" if close else "see docs/route-settings.md for the settings there are"
    families = (family_of(name), family_of(close) if close else None)
    closes = any(family is not None and family.protects for family in families)
    return Wrong(name=name, fault=Fault(f"unknown setting {shown(name)}", mend), unknown=True, closes=closes)


def _wrong(name: str, fault: Fault) -> Wrong:
    family = family_of(name)
    return Wrong(name=name, fault=fault, closes=family is not None and family.protects)


def nearest_name(name: str) -> str:
    """The name that an unknown one was probably meant to be, or an empty string."""
    return nearest(name, all_names())


def flattened(data: Mapping[Any, Any], prefix: str = "") -> Iterable[tuple[str, tuple[Any, ...], str | Fault]]:
    """(dotted name, path of keys, text) of each leaf of nested settings; lists become texts with commas."""
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            for inner, path, text in flattened(value, name + "."):
                yield inner, (key, *path), text
        else:
            yield name, (key,), _leaf(value)


def _leaf(value: Any) -> str | Fault:
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(isinstance(item, str | int | float) for item in value):
            return ", ".join(as_text(item) for item in value)
        return Fault(f"{shown(value)} is not a list of plain values", "write texts and numbers")
    return Fault("the value is missing", "write one") if value is None else as_text(value)

"""What a place says, read into canonical settings; every fault is told, none raises. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidegate.settings.fault import Fault, nearest, shown
from tidegate.settings.layers import OFF
from tidegate.settings.rows import NAMED, ROWS
from tidegate.settings.values import as_text
from tidegate.settings.vocabulary import HEADS, Family, all_names, family_of, named_of, within

MAX_SETTINGS = 128
MAX_TEXT = 128 * 1024
ON = "on"
_SWITCHES = {OFF: OFF, "false": OFF, ON: ON, "true": ON}


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
    broken: set[str] = set()  # heads of whole families of which a name is wrong
    for name, text in given.items():
        read = _one(name, text.strip(), operator=operator)
        if isinstance(read, Wrong):
            wrong.append(read)
            broken.add(_whole(name))
        elif read[0] in found:
            wrong.append(_wrong(name, Fault(f"{read[0]} is said twice", "keep one of the two")))
        else:
            found[read[0]] = read[1]
    for family in HEADS.values():
        incomplete = None if family.head in broken else _fault(family, found)
        if incomplete is not None:
            first = next(name for name in given if within(name, family.head))
            wrong.append(Wrong(name=first, fault=incomplete, closes=family.protects))
            broken.add(family.head)
    kept = {name: text for name, text in found.items() if _whole(name) not in broken or _whole(name) == ""}
    return Reading(settings=kept, wrong=tuple(wrong))


def _whole(name: str) -> str:
    """The head of the whole family that a name is of, or an empty string."""
    family = family_of(name)
    return family.head if family is not None and family.whole else ""


def _fault(family: Family, found: Mapping[str, str]) -> Fault | None:
    """Why a whole family cannot be taken as it is said."""
    said = [name for name in found if within(name, family.head)]
    if not said or not family.whole:
        return None
    if found.get(family.head) == OFF:
        others = [name for name in said if name != family.head]
        return Fault(f"{family.head} is off, and {others[0]} is said", "keep one of the two") if others else None
    if family.needs and not any(name in found for name in family.needs):
        return Fault(f"{said[0]} means nothing without {' or '.join(family.needs)}", f"add {family.needs[0]}")
    if "filter.forward_auth.url" in said and "filter.forward_auth.service" in said:
        return Fault("only one can be asked, a URL or a service", "keep one of the two")
    origins = found.get("filter.cors.origins", "")
    if family.head == "filter.cors" and found.get("filter.cors.credentials") == "true" and "*" in origins.split(", "):
        return Fault("credentials are not for every origin (Fetch standard)", "name the origins instead of *")
    return None


def _one(name: str, text: str, *, operator: bool) -> tuple[str, str] | Wrong:
    row, named = ROWS.get(name), named_of(name)
    if name in HEADS and text.lower() in _SWITCHES:
        return _head(name, text)
    if row is not None and row.operator and not operator:
        return _wrong(name, Fault(f"{name} is not for labels", "say it in a file or by the admin API"))
    if row is not None:
        kind = row.label_kind if row.label_kind is not None and not operator else row.kind
        return _valued(name, name, kind.read(text), kind.show)
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
    word = _SWITCHES.get(text.lower(), text)
    allowed = (OFF, ON) if HEADS[name].bare else (OFF,)
    if word in allowed:
        return name, word
    return _wrong(name, Fault(f"{shown(text)} is not a value of {name}", f"write {' or '.join(allowed)}"))


def _unknown(name: str) -> Wrong:
    close = nearest_name(name)
    mend = f"did you mean {close}?" if close else "see docs/route-settings.md for the settings there are"
    families = (family_of(name), family_of(close) if close else None)
    # What a filter of which we have no idea was meant to keep out cannot be told.
    closes = any(family is not None and family.protects for family in families) or (
        not close and name.startswith("filter.")
    )
    return Wrong(name=name, fault=Fault(f"unknown setting {shown(name)}", mend), unknown=True, closes=closes)


def _wrong(name: str, fault: Fault) -> Wrong:
    family = family_of(name)
    return Wrong(name=name, fault=fault, closes=family is not None and family.protects)


def nearest_name(name: str) -> str:
    """The name that an unknown one was probably meant to be, or an empty string."""
    stem, _, word = name.rpartition(".")
    named = nearest(stem, (each.prefix.removesuffix(".") for each in NAMED)) if stem else ""
    return f"{named}.{word}" if named else nearest(name, all_names())


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

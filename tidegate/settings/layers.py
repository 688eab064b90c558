"""Laying what several places say of one route over each other. Pure.

From the lowest to the highest: what the language implies, the defaults of files, the route's own (label or file), the
operator's overrides. A layer that says nothing changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidegate.settings.vocabulary import HEADS, Family, family_of, within
from tidegate.value import Value

OFF = "off"


class Layer(Value, frozen=True):
    """What one place says, by canonical name, in canonical text; `source` names the place."""

    source: str
    settings: Mapping[str, str]


class Said(Value, frozen=True):
    """A setting in force, and who said it."""

    value: str
    source: str


def laid(layers: Iterable[Layer]) -> dict[str, Said]:
    """What is in force when each layer lies over those before it."""
    found: dict[str, Said] = {}
    for layer in layers:
        for head in _replaced(layer.settings):
            for name in [each for each in found if within(each, head)]:
                del found[name]
        found.update({name: Said(value=value, source=layer.source) for name, value in layer.settings.items()})
    return found


def merged(low: Mapping[str, str], high: Mapping[str, str]) -> dict[str, str]:
    """`high` laid over `low`, without sources."""
    found = laid((Layer(source="", settings=low), Layer(source="", settings=high)))
    return {name: said.value for name, said in found.items()}


def _replaced(settings: Mapping[str, str]) -> dict[str, None]:
    """Heads of the families of which lower layers are forgotten: the whole ones that are touched, those set to `off`."""
    touched = dict.fromkeys(family.head for name in settings if (family := _whole_of(name)) is not None)
    return touched | dict.fromkeys(name for name, value in settings.items() if value == OFF and name in HEADS)


def _whole_of(name: str) -> Family | None:
    family = family_of(name)
    return family if family is not None and family.whole else None


def joined(first: Mapping[str, str], later: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What several containers of one route say together: the first one decides, but a family that protects and of which
    those before said nothing holds for all, so that no request reaches a container without the protection it asked for.
    """
    found = dict(first)
    for settings in later:
        held = {family.head for name in found if (family := family_of(name)) is not None}
        for name, value in settings.items():
            family = family_of(name)
            if family is not None and family.protects and family.head not in held:
                found[name] = value
    return found

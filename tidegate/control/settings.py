"""The settings of routes by the admin API: what is in force and who said it, and the operator's own over all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from tidegate.building.sayings import said_of
from tidegate.control import targets
from tidegate.control.answers import Changed, ChangeQuery, Document, NoQuery, SettingsBody, UnsetBody
from tidegate.control.api import operation
from tidegate.control.parts import Parts
from tidegate.control.refusal import Refused
from tidegate.control.writer import OverrideWriter
from tidegate.errors import Problem
from tidegate.model import Route
from tidegate.settings.conditions import TOP as CONDITIONS
from tidegate.settings.fault import Fault, meant
from tidegate.settings.layers import merged
from tidegate.settings.reading import MAX_SETTINGS, flattened, read_settings
from tidegate.settings.redaction import shown_setting, shown_settings
from tidegate.settings.vocabulary import within

_KEPT = "nothing was changed"


class RouteSettings:
    """Operations on the settings of a service, host or route. A target is written in the path, `#` as `%23`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._writer = OverrideWriter(parts)

    @operation("GET", "/v1/settings/{target:.*}")
    async def settings(self, target: str, query: NoQuery) -> Document:  # noqa: ARG002  declares that there are no parameters
        """What the operator set for a service, host or route, and what is in force on its routes, with who said it."""
        build = self._parts.reconciler.current
        held = self._parts.book.setting("settings", target)
        if held is None:
            targets.known(build.table, target)
        return {
            "target": target,
            "settings": shown_settings(held.value) if held else {},
            "revision": held.revision if held else 0,
            "who": held.who if held else "",
            "when": held.when if held else 0.0,
            "why": held.why if held else "",
            "routes": [self._in_force(route) for route in targets.routes_of(build.table, target)],
        }

    @operation("PUT", "/v1/settings/{target:.*}")
    async def put_settings(self, request: web.Request, target: str, query: ChangeQuery, body: SettingsBody) -> Changed:
        """Set settings, nested or by dotted names, over all that labels and files say; those not named stay as they are."""
        targets.known(self._parts.reconciler.table, target)
        value = merged(self._held(target), _read(body.settings))
        if len(value) > MAX_SETTINGS:
            raise Refused(
                422, _wrong("settings", Fault(f"there would be more than {MAX_SETTINGS} settings", "set less"))
            )
        return await self._writer.put(request, query, "settings", target, value, body.why)

    @operation("DELETE", "/v1/settings/{target:.*}")
    async def delete_settings(self, request: web.Request, target: str, query: ChangeQuery, body: UnsetBody) -> Changed:
        """Take settings back, all of them or those named (or within the families named)."""
        held = self._held(target)
        left = _without(held, body.names) if body.names else {}
        if not left:
            return await self._writer.delete(request, query, "settings", target, body.why)
        return await self._writer.put(request, query, "settings", target, left, body.why)

    def _held(self, target: str) -> Mapping[str, str]:
        held = self._parts.book.setting("settings", target)
        return dict(held.value) if held is not None else {}

    def _in_force(self, route: Route) -> Document:
        said = said_of(self._parts.reconciler.current, route)
        found = {
            name: {"value": shown_setting(name, each.value), "source": each.source}
            for name, each in sorted(said.items())
        }
        return {"route": route.id, "settings": found}


def _read(data: Mapping[str, Any]) -> dict[str, str]:
    """Canonical settings of a body. Raises Refused (422) with every fault."""
    given: dict[str, str] = {}
    problems: list[Problem] = []
    for name, _path, text in flattened(data):
        if isinstance(text, Fault):
            problems.append(_wrong(name, text))
        elif name.partition(".")[0] == CONDITIONS:
            problems.append(_wrong(name, Fault("a condition says which route it is", "write it where the route is")))
        elif name in given:
            problems.append(_wrong(name, Fault(f"{name} is said twice", "keep one of the two")))
        else:
            given[name] = text
    reading = read_settings(given, operator=True)
    problems += [_wrong(wrong.name, wrong.fault, unknown=wrong.unknown) for wrong in reading.wrong]
    if problems:
        raise Refused(422, *problems)
    return reading.settings


def _without(held: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """`held` without those named. Raises Refused (422) for a name that is not set, or if half a filter would be left."""
    problems = [
        _wrong(name, Fault(f"{name} is not set here", meant(name, held) if held else "nothing is set"), unknown=True)
        for name in names
        if not any(within(each, name) for each in held)
    ]
    left = {name: text for name, text in held.items() if not any(within(name, each) for each in names)}
    problems += [_wrong(wrong.name, wrong.fault) for wrong in read_settings(left, operator=True).wrong]
    if problems:
        raise Refused(422, *problems)
    return left


def _wrong(name: str, fault: Fault, *, unknown: bool = False) -> Problem:
    code = "T1619" if unknown else "T1620"
    return Problem(code=code, text=fault.text, place=f"/body/settings/{name}", mend=fault.mend, kept=_KEPT)

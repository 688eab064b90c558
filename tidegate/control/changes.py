"""The difference of two builds in words, for the journal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from tidegate.building import Build
from tidegate.model import Endpoint, Route, Service, TrafficMode
from tidegate.policy import Policy
from tidegate.routing import Delta
from tidegate.settings.policies import settings_of
from tidegate.settings.redaction import shown_setting

V = TypeVar("V")


def told(old: Build, new: Build) -> Iterator[tuple[str, str]]:
    """(kind, sentence) of each change that a person cares for. Costs what changed."""
    for key, service in new.delta.services.items():
        yield from _endpoints(old.table.services.get(key), service)
    for id_, route in new.delta.routes.items():
        yield from _route(id_, old.table.routes.get(id_), route)
    if old.problems is not new.problems:
        before, after = dict.fromkeys(old.problems), dict.fromkeys(new.problems)
        for problem in after:
            if problem not in before:
                yield "problem", f"{problem.code} {problem.text}"
        for problem in before:
            if problem not in after:
                yield "mended", f"{problem.code} {problem.text}"


def since(old: Build, new: Build) -> Build:
    """`new` with the difference to `old`, where any number of builds may lie between. Costs a pass over the table."""
    return replace(
        new,
        delta=Delta(
            base=old.table.version,
            version=new.table.version,
            routes=_difference(old.table.routes, new.table.routes),
            services=_difference(old.table.services, new.table.services),
        ),
    )


def _difference(old: Mapping[str, V], new: Mapping[str, V]) -> dict[str, V | None]:
    changed: dict[str, V | None] = {key: value for key, value in new.items() if old.get(key) is not value}
    return changed | {key: None for key in old if key not in new}


def _endpoints(old: Service | None, new: Service | None) -> Iterator[tuple[str, str]]:
    before, after = _by_id(old), _by_id(new)
    for id_, endpoint in after.items():
        known = before.get(id_)
        reason = f": {endpoint.reason}" if endpoint.reason else ""
        if known is None:
            yield "endpoint", f"{_name(endpoint)} appeared, {endpoint.state.value}{reason}"
        elif known.state is not endpoint.state:
            yield "endpoint", f"{_name(endpoint)} is {endpoint.state.value}, was {known.state.value}{reason}"
    for id_, endpoint in before.items():
        if id_ not in after:
            yield "endpoint", f"{_name(endpoint)} is gone"


def _by_id(service: Service | None) -> Mapping[str, Endpoint]:
    return {endpoint.id: endpoint for endpoint in service.endpoints} if service is not None else {}


def _name(endpoint: Endpoint) -> str:
    return f"{endpoint.service} {endpoint.name}:{endpoint.port}"


def _route(id_: str, old: Route | None, new: Route | None) -> Iterator[tuple[str, str]]:
    if new is None:
        yield "route", f"{id_} is gone"
    elif old is None:
        yield "route", f"{id_} appeared: {weights(new)}"
    else:
        if old.backends != new.backends:
            yield "weights", f"{id_} goes to {weights(new)}, was {weights(old)}"
        if old.mode is not new.mode:
            words = {TrafficMode.NORMAL: "forwards again", TrafficMode.CLOSED: "is closed"}
            word = words.get(new.mode, f"is on {new.mode.value}")
            yield "mode", f"{id_} {word}"
        if old.policy != new.policy:
            yield from (("settings", f"{id_} {change}") for change in _policy(old.policy, new.policy))
        if old.owner != new.owner:
            yield "route", f"{id_} is now held by {new.owner or 'containers without a project'}"


def _policy(old: Policy, new: Policy) -> Iterator[str]:
    before, after = settings_of(old), settings_of(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            was, is_ = (shown_setting(name, each[name]) if name in each else "built-in" for each in (before, after))
            yield f"has {name} {is_}, was {was}"


def weights(route: Route) -> str:
    """`shop/web v1 90, shop/web v2 10`."""
    return ", ".join(f"{each.service} {each.version or 'default'} {each.weight}" for each in route.backends) or "nobody"

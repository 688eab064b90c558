"""What the name in an operator's request means: a service key, a route id, or a host; and what it may be weighed by. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from tidegate.building import Build
from tidegate.building.weights import version_name
from tidegate.control.explain import near
from tidegate.errors import NoSuchThing, Problem
from tidegate.model import Backend, Route
from tidegate.routing import RoutingTable


def routes_of(table: RoutingTable, target: str) -> list[Route]:
    """The routes that an override of `target` governs; their previews follow them. Costs a pass over all routes."""
    if _is_route(table, target):
        return [table.routes[target]]
    return [
        route
        for route in table.routes.values()
        if not route.preview_of
        and (route.host == target or any(backend.service == target for backend in route.backends))
    ]


def _is_route(table: RoutingTable, target: str) -> bool:
    return target in table.routes and not table.routes[target].preview_of


def known(table: RoutingTable, target: str) -> None:
    """Raises NoSuchThing (T1611) with the nearest names if nothing is called so."""
    hosts = {route.host for route in table.routes.values()}
    if target in table.services or _is_route(table, target) or target in hosts:
        return
    raise _unknown(
        target, "service, host or route", [*table.services, *filter(partial(_is_route, table), table.routes), *hosts]
    )


def drainable(build: Build, name: str) -> None:
    """Raises NoSuchThing (T1611) if no endpoint, instance or node is called so."""
    if any(name in part.handles for part in build.memo.parts.values()):
        return
    handles = {endpoint.name for service in build.table.services.values() for endpoint in service.endpoints}
    handles |= {endpoint.node for service in build.table.services.values() for endpoint in service.endpoints}
    raise _unknown(name, "endpoint, instance or node", handles - {""})


def _unknown(name: str, what: str, names: Iterable[str]) -> NoSuchThing:
    nearest = near(name, names)
    mend = f"did you mean {', '.join(nearest)}?" if nearest else "see /v1/services, /v1/routes and /v1/endpoints"
    return NoSuchThing(
        Problem(code="T1611", text=f"there is no {what} called {name}", mend=mend, kept="nothing was changed")
    )


def weights_of(table: RoutingTable, target: str) -> dict[str, int]:
    """The weights in force on `target` by the names they may be set by; versions that only wait are there with 0."""
    backends = [backend for route in routes_of(table, target) for backend in route.backends]
    found: dict[str, int] = {}
    if target in table.services:
        for backend in backends:
            if backend.service == target:
                found.setdefault(version_name(backend.version), backend.weight)
        for endpoint in table.services[target].endpoints:
            found.setdefault(version_name(endpoint.version), 0 if found else 100)
        return found
    several = len({backend.service for backend in backends}) > 1
    for backend in backends:
        found.setdefault(backend.service if several else version_name(backend.version), backend.weight)
    return found


def also_named(table: RoutingTable, target: str) -> set[str]:
    """All names a weight of `target` may have: versions, and services too where it is a host or route."""
    names = set(weights_of(table, target))
    if target not in table.services:
        backends: list[Backend] = [backend for route in routes_of(table, target) for backend in route.backends]
        names |= {version_name(backend.version) for backend in backends} | {backend.service for backend in backends}
    return names


def completed(table: RoutingTable, target: str, given: Mapping[str, int]) -> dict[str, int]:
    """`given`, and for what it leaves out the weights in force, so that a version not named keeps its own."""
    current = weights_of(table, target)
    if target not in table.services and not set(given) <= set(current):
        return dict(given)  # named by version where services are weighed: taken as written
    return {**current, **given}

"""A build made of a table from an earlier life, to build upon."""

from __future__ import annotations

from tidegate.building.claims import Group, place_of
from tidegate.building.draft import Index
from tidegate.building.naming import own_names
from tidegate.building.outcome import Build, Memo
from tidegate.building.parts import Part
from tidegate.building.routes import FILE_OWNER
from tidegate.building.waiting import Holding
from tidegate.model import Route, Service
from tidegate.routing import Delta, RoutingTable
from tidegate.settings.policies import settings_of


def resumed(table: RoutingTable, now: float) -> Build:
    """A build that remembers a table from an earlier life: its routes linger from `now` on and keep their owners.

    The build upon it looks at everything once, and takes away what is not seen any more.
    """
    groups: dict[str, dict[str, Group]] = {}
    claimants, hosts, variants = Index({}), Index({}), Index({})
    for route in table.routes.values():
        if route.preview_of:
            continue  # made anew from the route it is a preview of
        hosts.add(route.host, route.id)
        if route.match is not None:
            variants.add(place_of(route.id), route.id)
        if route.owner == FILE_OWNER:
            continue  # a file is read before the first table: what it does not say any more is meant to go
        for service in dict.fromkeys(backend.service for backend in route.backends):
            groups.setdefault(service, {})[route.id] = _remembered(route, service, now)
            claimants.add(route.id, service)
    parts = {
        key: _part(service, groups.get(key, {}), shares, now)
        for key, service in table.services.items()
        if (shares := _shares(table, service)) or key in groups
    }
    return Build(
        table=table,
        delta=Delta(base=table.version, version=table.version),
        memo=Memo(
            resumed=True,
            parts=parts,
            claimants=claimants.draft.done(),
            hosts=hosts.draft.done(),
            variants=variants.draft.done(),
            lingering=dict.fromkeys(parts, now),
        ),
    )


def _part(service: Service, groups: dict[str, Group], shares: dict[str, int], now: float) -> Part:
    waiting = frozenset(version for version, share in shares.items() if not share)
    held = Holding(waiting=waiting)
    return Part(seen=(), live=(), service=service, groups=groups, holding=held, shares=shares, wake_at=now)


def _shares(table: RoutingTable, service: Service) -> dict[str, int]:
    """What callers by name met of each version; empty where there was only one."""
    name, scoped = own_names(service)
    known = table.names.get(scoped or name)
    found = {target.version: target.share for target in known.targets} if known is not None else {}
    return found if len(found) > 1 else {}


def _remembered(route: Route, service: str, now: float) -> Group:
    return Group(
        service=service,
        owner=route.owner,
        host=route.host,
        path=route.path,
        match=route.match,
        first=(0.0, ""),
        who=route.origin.partition(" ")[0],
        origin=route.origin.partition(" ")[2],
        settings=settings_of(route.policy),
        backends=tuple(backend for backend in route.backends if backend.service == service),
        gone_at=now,
    )

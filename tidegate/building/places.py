"""Routes built again. A place is a host and path: all its routes, whatever their conditions, have one owner."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from tidegate.building.asking import answered, asks
from tidegate.building.claims import Group, place_of, route_id
from tidegate.building.layering import default_layers
from tidegate.building.routes import Owner, Shape, build_route, owner_of
from tidegate.building.work import NOTHING, Work
from tidegate.errors import Problem
from tidegate.model import Route, RouteSpec


def take_specs(work: Work) -> None:
    """Follow the routes written in files. Costs a pass over all of them when one inventory's routes changed."""
    if not _respecified(work):
        return
    specs: dict[str, tuple[RouteSpec, ...]] = {}
    for _provider, inventory in sorted(work.inventories.items()):
        for spec in inventory.routes:
            id_ = route_id(spec.host, spec.path, spec.match)
            specs[id_] = (*specs.get(id_, ()), spec)
    for id_ in specs.keys() | work.memo.specs.keys():
        before, after = work.memo.specs.get(id_, ()), specs.get(id_, ())
        if before != after:
            work.specs.put(id_, after or None)
            work.dirty_routes.add(id_)
            for service in _named(before) - _named(after):
                work.users.remove(service, id_)
            for service in _named(after):
                work.users.add(service, id_)


def take_defaults(work: Work) -> None:
    """Mark all routes where what files say of all of them changed."""
    if work.defaults != default_layers(work.memo.inventories):
        work.dirty_routes.update(work.previous.table.routes)


def with_variants(work: Work, ids: AbstractSet[str]) -> set[str]:
    """`ids` and the routes for the same hosts and paths under other conditions, as one owner holds them all. Notes who
    is among `ids` for the first time."""
    found = set(ids)
    for id_ in ids:
        place = place_of(id_)
        if "#" in id_:
            work.variants.add(place, id_)
            found.add(place)
    for place in {place_of(id_) for id_ in found}:
        found.update(work.variants.get(place))
    return found


def rebuild_route(work: Work, id_: str) -> None:
    """Build the route from its claims; mark its host's name where it comes or goes."""
    groups, specs = _claims(work, id_)
    held = work.previous.table.routes.get(id_)
    owner = _owner(work, place_of(id_))
    route: Route | None = None
    problems: tuple[Problem, ...] = ()
    if owner is not None:
        route, problems = build_route(groups, specs, owner, work.overrides, _shapes(work, specs), work.defaults, held)
    if route is not None and (asked := asks(route)):
        route = answered(route, work.services.get(asked))
        work.askers.add(asked, id_)
    elif asks(held):
        work.askers.remove(asks(held), id_)
    if "#" in id_:
        change = work.variants.add if groups or specs else work.variants.remove
        change(place_of(id_), id_)
    work.routes.put(id_, route)
    work.route_problems.put(id_, problems or None)
    if route is not None:
        work.hosts.add(route.host, id_)
        work.dirty_names.add(route.host + ".")
    elif held is not None:
        work.hosts.remove(held.host, id_)
        work.dirty_names.add(held.host + ".")


def _respecified(work: Work) -> bool:
    return work.memo.resumed or any(
        work.inventories.get(provider, NOTHING).routes is not work.memo.inventories.get(provider, NOTHING).routes
        for provider in work.inventories.keys() | work.memo.inventories.keys()
    )


def _claims(work: Work, id_: str) -> tuple[list[Group], tuple[RouteSpec, ...]]:
    parts = [work.parts.get(key) for key in work.claimants.get(id_)]
    return [part.groups[id_] for part in parts if part is not None], work.specs.get(id_) or ()


def _owner(work: Work, place: str) -> Owner | None:
    """Who holds a host and path; decided once a build."""
    if place not in work.owners:
        ids = (place, *work.variants.get(place))
        claims = [_claims(work, id_) for id_ in ids]
        held = (work.previous.table.routes.get(id_) for id_ in ids)
        work.owners[place] = owner_of(
            [group for groups, _ in claims for group in groups],
            [spec for _, specs in claims for spec in specs],
            next((route.owner for route in held if route is not None), None),
        )
    return work.owners[place]


def _shapes(work: Work, specs: tuple[RouteSpec, ...]) -> dict[str, Shape]:
    parts = {service: work.parts.get(service) for service in _named(specs)}
    return {service: part.shape for service, part in parts.items() if part is not None}


def _named(specs: Iterable[RouteSpec]) -> set[str]:
    return {backend.service for spec in specs for backend in spec.backends}

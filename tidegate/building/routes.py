"""One route out of everything that claims it: who holds it, its weighted backends, what is wrong.

The first claim wins and stays while its owner has a live (or lingering) instance that claims it; a claim of another
owner is quarantined with T1301 and never mixed in. Files own their routes under the name `FILE_OWNER`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import field

from tidegate.building.claims import Group, route_id
from tidegate.building.layering import group_layers, override_layers, policy, spec_layers
from tidegate.building.weights import weighted
from tidegate.errors import Problem, Severity
from tidegate.model import Backend, Overrides, Route, RouteSpec, TrafficMode
from tidegate.settings.layers import Layer
from tidegate.value import Value

FILE_OWNER = "file:"  # no project is called so: Compose project names have no colon


class Shape(Value, frozen=True):
    """What a route in a file must know of a service: (version, port) pairs with endpoints, weight of each version."""

    pairs: frozenset[tuple[str, int]] = frozenset()
    weights: dict[str, int] = field(default_factory=dict)


def build_route(
    found: Sequence[Group],
    specs: Sequence[RouteSpec],
    holder: str | None,
    overrides: Overrides,
    shapes: Mapping[str, Shape],
    defaults: Sequence[Layer] = (),
) -> tuple[Route | None, tuple[Problem, ...]]:
    """The route that `found` and `specs` (all of one host and path) add up to; None if nobody claims it.

    `holder` is its owner in the previous table. `shapes` describes the services that specs name; those missing from it
    are unknown. `defaults` are what files say of all routes.
    """
    owners: dict[str, list[Group]] = {}
    for group in found:
        owners.setdefault(group.owner, []).append(group)
    if specs and holder in {None, FILE_OWNER}:
        return _from_spec(specs, found, overrides, shapes, defaults)
    if not owners:
        return _from_spec(specs, found, overrides, shapes, defaults) if specs else (None, ())
    owner = holder if holder in owners else min(owners, key=lambda each: min(g.first for g in owners[each]))
    winners = sorted(owners.pop(owner), key=lambda group: group.first)
    losers = [group for rest in owners.values() for group in rest]
    route, problems = _from_groups(winners, overrides, defaults)
    conflicts = [_conflict(loser, winners[0].owner, winners[0].who, route) for loser in losers]
    conflicts += [_spec_conflict(spec, winners[0]) for spec in specs]
    return route, (*conflicts, *problems)


def _from_groups(
    winners: Sequence[Group], overrides: Overrides, defaults: Sequence[Layer]
) -> tuple[Route, tuple[Problem, ...]]:
    first = winners[0]
    id_ = route_id(first.host, first.path)
    backends = tuple(backend for group in winners for backend in group.backends)
    present = {
        (b.service, b.version or "", b.port) for group in winners if group.gone_at is None for b in group.backends
    }
    recent = {(group.service, version, port) for group in winners for version, port, _at in group.recent}
    recent |= {
        (b.service, b.version or "", b.port) for group in winners if group.gone_at is not None for b in group.backends
    }
    chosen, problems = weighted(id_, first.host, backends, present, recent, overrides.weights)
    mode, message = _mode(id_, first.host, backends, overrides)
    route = Route(
        id=id_,
        host=first.host,
        path=first.path,
        backends=chosen,
        owner=first.owner,
        origin=f"{first.who} {first.origin}".strip(),
        policy=policy(
            (
                *group_layers(winners, defaults),
                *override_layers(id_, first.host, (group.service for group in winners), overrides),
            )
        ),
        mode=mode,
        message=message,
    )
    return route, problems


def _from_spec(
    specs: Sequence[RouteSpec],
    others: Sequence[Group],
    overrides: Overrides,
    shapes: Mapping[str, Shape],
    defaults: Sequence[Layer],
) -> tuple[Route, tuple[Problem, ...]]:
    spec = specs[0]
    id_ = route_id(spec.host, spec.path)
    alone = len(spec.backends) == 1
    backends = tuple(each for b in spec.backends for each in _versions(b, shapes.get(b.service, Shape()), alone))
    present = {(b.service, b.version or "", b.port) for b in backends if _has_endpoints(b, shapes)}
    chosen, problems = weighted(id_, spec.host, backends, present, set(), overrides.weights)
    mode, message = _mode(id_, spec.host, spec.backends, overrides)
    route = Route(
        id=id_,
        host=spec.host,
        path=spec.path,
        backends=chosen,
        owner=FILE_OWNER,
        origin=spec.origin,
        policy=policy(
            (
                *spec_layers(spec, defaults),
                *override_layers(id_, spec.host, (each.service for each in spec.backends), overrides),
            )
        ),
        mode=mode,
        message=message,
    )
    found = [_conflict(group, FILE_OWNER, spec.origin or "a file", route) for group in others]
    found += [_duplicate(spec, later) for later in specs[1:]]
    found += [_unknown_service(spec, each) for each in spec.backends if each.service not in shapes]
    return route, (*found, *problems)


def _has_endpoints(backend: Backend, shapes: Mapping[str, Shape]) -> bool:
    shape = shapes.get(backend.service, Shape())
    return any(backend.version in {None, version} and backend.port in {0, port} for version, port in shape.pairs)


def _versions(backend: Backend, shape: Shape, alone: bool) -> list[Backend]:
    """One backend per version, so that weights can tell them apart. The only backend of a route takes the versions' own
    weights; one among several divides its weight by them.
    """
    versions = sorted({version for version, port in shape.pairs if backend.port in {0, port}})
    if backend.version is not None or versions in ([], [""]):
        return [backend]
    total = sum(shape.weights[version] for version in versions) or 1
    return [
        Backend(
            service=backend.service,
            version=version,
            port=backend.port,
            weight=shape.weights[version] if alone else round(backend.weight * shape.weights[version] / total),
        )
        for version in versions
    ]


def _mode(id_: str, host: str, backends: Sequence[Backend], overrides: Overrides) -> tuple[TrafficMode, str]:
    if not overrides.modes:
        return TrafficMode.NORMAL, ""
    for target in (id_, host, *(backend.service for backend in backends)):
        if target in overrides.modes:
            return overrides.modes[target], overrides.messages.get(target, "")
    return TrafficMode.NORMAL, ""


def _owner_words(owner: str) -> str:
    if owner == FILE_OWNER:
        return "a file"
    return f"project {owner}" if owner else "containers without a project"


def _conflict(loser: Group, owner: str, holder: str, route: Route) -> Problem:
    services = ", ".join(dict.fromkeys(backend.service for backend in route.backends))
    return Problem(
        code="T1301",
        text=f"{loser.who} claims {route.id}, which {holder} already holds",
        place=f"container {loser.who}" + (f", {loser.origin}" if loser.origin else ""),
        cause=f"{_owner_words(owner)} claimed it first; {_owner_words(loser.owner)} may not share it",
        mend=f"give {loser.who} another host or path, or stop {holder}",
        kept=f"requests for {route.id} still go to {services}",
    )


def _spec_conflict(spec: RouteSpec, winner: Group) -> Problem:
    id_ = route_id(spec.host, spec.path)
    return Problem(
        code="T1301",
        text=f"a file claims {id_}, which {winner.who} already holds",
        place=spec.origin,
        cause=f"{_owner_words(winner.owner)} claimed it first",
        mend=f"remove the routing label from {winner.who}, or give the file's route another host or path",
        kept=f"requests for {id_} still go to {winner.service}",
    )


def _duplicate(spec: RouteSpec, later: RouteSpec) -> Problem:
    return Problem(
        code="T1302",
        text=f"route {route_id(spec.host, spec.path)} is written twice",
        place=later.origin,
        cause=f"it stands already in {spec.origin}" if spec.origin else "",
        mend="keep one of them and name all backends there",
        kept="the first one is served",
    )


def _unknown_service(spec: RouteSpec, backend: Backend) -> Problem:
    return Problem(
        code="T1303",
        text=f"route {route_id(spec.host, spec.path)} names service {backend.service}, which nobody offers",
        place=spec.origin,
        mend="correct the name, or start the service",
        kept="the route is served by its other backends, or answers 503",
        severity=Severity.WARNING,
    )

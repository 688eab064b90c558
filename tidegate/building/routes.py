"""One route out of everything that claims it: who holds it, its weighted backends, what is wrong.

The first claim of a host and path wins, whatever its conditions, and stays while its owner has a live (or lingering)
instance that claims it; a claim of another owner is quarantined with T1301 and never mixed in. Files own their routes under the name `FILE_OWNER`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import field
from msgspec.structs import replace

from tidegate.building.claims import Group, route_id
from tidegate.building.layering import group_layers, override_layers, policy, spec_layers
from tidegate.building.waiting import waiting_problem, waits
from tidegate.building.weights import governs, weighted
from tidegate.errors import Problem, Severity
from tidegate.model import Backend, Overrides, Route, RouteSpec, TrafficMode
from tidegate.settings.layers import Layer
from tidegate.value import Value

_CLOSED = "A setting that protects this place cannot be read (T1313); it is closed until it can."
FILE_OWNER = "file:"  # no project is called so: Compose project names have no colon


class Shape(Value, frozen=True):
    """What a route in a file must know of a service: (version, port) pairs with endpoints, weight of each version."""

    pairs: frozenset[tuple[str, int]] = frozenset()
    weights: dict[str, int] = field(default_factory=dict)


class Owner(Value, frozen=True):
    """Who holds a host and path: a project, "" for containers without one, or `FILE_OWNER`. `who` is its first container or
    file, `services` are those that serve."""

    name: str
    who: str
    services: tuple[str, ...]


def owner_of(found: Sequence[Group], specs: Sequence[RouteSpec], holder: str | None) -> Owner | None:
    """Who holds the place that `found` and `specs` claim, with whatever conditions; None if nobody claims it.

    `holder` is its owner in the previous table. A name of several services is let go by the one that has gone.
    """
    if specs and (holder in {None, FILE_OWNER} or not found):
        services = dict.fromkeys(backend.service for spec in specs for backend in spec.backends)
        return Owner(name=FILE_OWNER, who=specs[0].origin or "a file", services=tuple(services))
    if not found:
        return None
    ordered = sorted(found, key=lambda group: group.first)
    there = [group for group in ordered if not (group.relative and group.gone_at is not None)] or ordered
    first = next((group for group in there if group.owner == holder), there[0])
    services = dict.fromkeys(group.service for group in ordered if group.owner == first.owner)
    return Owner(name=first.owner, who=first.who, services=tuple(services))


def build_route(
    found: Sequence[Group],
    specs: Sequence[RouteSpec],
    owner: Owner,
    overrides: Overrides,
    shapes: Mapping[str, Shape],
    defaults: Sequence[Layer] = (),
    held: Route | None = None,
) -> tuple[Route | None, tuple[Problem, ...]]:
    """The route that `found` and `specs` (all of one route id) add up to; None if `owner` does not claim it.

    `shapes` describes the services that specs name; those missing from it are unknown. `defaults` are what files say of
    all routes. `held` is the route as it was.
    """
    winners = sorted((group for group in found if group.owner == owner.name), key=lambda group: group.first)
    conflicts = [_conflict(group, owner) for group in found if group.owner != owner.name]
    if owner.name == FILE_OWNER:
        route, problems = _from_spec(specs, overrides, shapes, defaults) if specs else (None, ())
        return route, (*conflicts, *problems)
    conflicts += [_spec_conflict(spec, owner) for spec in specs]
    route, problems = _from_groups(winners, overrides, defaults, held) if winners else (None, ())
    return route, (*conflicts, *problems)


def _from_groups(
    winners: Sequence[Group], overrides: Overrides, defaults: Sequence[Layer], held: Route | None
) -> tuple[Route, tuple[Problem, ...]]:
    first = winners[0]
    id_ = route_id(first.host, first.path, first.match)
    waiting = _waiting(winners, held)
    backends = tuple(_resting(each, waiting) for group in winners for each in group.backends)
    present = {
        (b.service, b.version or "", b.port) for group in winners if group.gone_at is None for b in group.backends
    }
    recent = {(group.service, version, port) for group in winners for version, port, _at in group.recent}
    recent |= {
        (b.service, b.version or "", b.port) for group in winners if group.gone_at is not None for b in group.backends
    }
    chosen, problems = weighted(id_, first.host, backends, present, recent, overrides.weights)
    unnamed = [each for each in waiting if not governs(overrides.weights, id_, first.host, each)]
    mode, message = _mode(id_, first.host, backends, overrides)
    route = Route(
        id=id_,
        host=first.host,
        path=first.path,
        backends=chosen,
        owner=first.owner,
        origin=f"{first.who} {first.origin}".strip(),
        match=first.match,
        policy=policy(
            (
                *group_layers(winners, defaults),
                *override_layers(id_, first.host, (group.service for group in winners), overrides),
            )
        ),
        mode=mode,
        message=message,
    )
    serving = next((group.service for group in winners if group.service not in unnamed), "")
    words = ((service, f"{serving} --beside {service}") for service in unnamed)
    return route, (*problems, *(waiting_problem(id_, service, deploy) for service, deploy in words))


def _waiting(winners: Sequence[Group], held: Route | None) -> list[str]:
    """Services that wait for their release beside one that has served the route, sorted. Services that were there from the
    start share it; versions of one service wait by their weights."""
    if held is None or len(winners) < 2 or not any(group.wants_release for group in winners):
        return []
    live = {group.service: group.wants_release for group in winners if group.gone_at is None}
    known = {backend.service for backend in held.backends}
    served = {backend.service for backend in held.backends if backend.weight}
    if not served:
        return []
    return sorted(waits(live, served & live.keys(), served - live.keys(), known - served))


def _resting(backend: Backend, waiting: Sequence[str]) -> Backend:
    return backend if backend.service not in waiting else replace(backend, weight=0)


def _from_spec(
    specs: Sequence[RouteSpec],
    overrides: Overrides,
    shapes: Mapping[str, Shape],
    defaults: Sequence[Layer],
) -> tuple[Route, tuple[Problem, ...]]:
    spec = specs[0]
    id_ = _id_of(spec)
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
        match=spec.match,
        policy=policy(
            (
                *spec_layers(spec, defaults),
                *override_layers(id_, spec.host, (each.service for each in spec.backends), overrides),
            )
        ),
        mode=mode,
        message=message,
    )
    found = [_duplicate(spec, later) for later in specs[1:]]
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
    if not overrides.modes and not overrides.closed:
        return TrafficMode.NORMAL, ""
    targets = (id_, host, *(backend.service for backend in backends))
    mode = next((overrides.modes[target] for target in targets if target in overrides.modes), TrafficMode.NORMAL)
    if mode is not TrafficMode.MAINTENANCE and any(target in overrides.closed for target in targets):
        return TrafficMode.CLOSED, _CLOSED
    return mode, next((overrides.messages.get(target, "") for target in targets if target in overrides.modes), "")


def _owner_words(owner: str) -> str:
    if owner == FILE_OWNER:
        return "a file"
    return f"project {owner}" if owner else "containers without a project"


def _id_of(spec: RouteSpec) -> str:
    return route_id(spec.host, spec.path, spec.match)


def _conflict(loser: Group, owner: Owner) -> Problem:
    id_ = route_id(loser.host, loser.path, loser.match)
    if loser.relative:
        return _ambiguous(loser, owner)
    return Problem(
        code="T1301",
        text=f"{loser.who} claims {id_}, which {owner.who} already holds",
        place=f"container {loser.who}" + (f", {loser.origin}" if loser.origin else ""),
        cause=f"{_owner_words(owner.name)} claimed it first; {_owner_words(loser.owner)} may not share it",
        mend=f"give {loser.who} another host or path, or stop {owner.who}",
        kept=f"requests for {id_} still go to {', '.join(owner.services)}",
    )


def _ambiguous(loser: Group, owner: Owner) -> Problem:
    """Two services of one name, which both have the router answer for it."""
    scoped = ".".join(reversed(loser.service.lower().split("/")))
    return Problem(
        code="T1301",
        text=f"{loser.host} is the name of {loser.who} too, but the router takes it for {owner.who}",
        place=f"container {loser.who}, {loser.origin}",
        cause=f"{_owner_words(owner.name)} had it first; DNS tells containers the addresses that they can reach instead",
        mend=f"call it {scoped}" if "." in scoped else f"give {loser.who} another service name",
        kept=f"requests for {loser.host} still go to {', '.join(owner.services)}",
        severity=Severity.WARNING,
    )


def _spec_conflict(spec: RouteSpec, owner: Owner) -> Problem:
    id_ = _id_of(spec)
    return Problem(
        code="T1301",
        text=f"a file claims {id_}, which {owner.who} already holds",
        place=spec.origin,
        cause=f"{_owner_words(owner.name)} claimed it first",
        mend=f"remove the routing label from {owner.who}, or give the file's route another host or path",
        kept=f"requests for {id_} still go to {', '.join(owner.services)}",
    )


def _duplicate(spec: RouteSpec, later: RouteSpec) -> Problem:
    return Problem(
        code="T1302",
        text=f"route {_id_of(spec)} is written twice",
        place=later.origin,
        cause=f"it stands already in {spec.origin}" if spec.origin else "",
        mend="keep one of them and name all backends there",
        kept="the first one is served",
    )


def _unknown_service(spec: RouteSpec, backend: Backend) -> Problem:
    return Problem(
        code="T1303",
        text=f"route {_id_of(spec)} names service {backend.service}, which nobody offers",
        place=spec.origin,
        mend="correct the name, or start the service",
        kept="the route is served by its other backends, or answers 503",
        severity=Severity.WARNING,
    )

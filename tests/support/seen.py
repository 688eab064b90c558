"""Instances and inventories for tests, with as few words as a case needs."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.building.claims import route_id
from tidegate.model import (
    HealthReport,
    HealthSource,
    HealthState,
    Instance,
    Inventory,
    NetworkAddress,
    RouteClaim,
    RouteSpec,
)


def instance(id_: str, service: str = "web", *, project: str = "", routes: Iterable[str] = (), **fields) -> Instance:
    """A running instance `id_` on one network; `routes` are like `shop.test/api`, all on its first port (80), and
    `settings` and `match` are those of its claims."""
    said = {name: fields.pop(name) for name in ("settings", "match") if name in fields}
    ports = fields.pop("ports", (80,))
    number = sum(id_.encode()) % 250 + 1
    fields.setdefault("networks", (NetworkAddress(network="n1", name="front", ipv4=f"10.0.0.{number}"),))
    return Instance(
        id=id_,
        name=fields.pop("name", id_),
        provider=fields.pop("provider", "docker"),
        service=service,
        project=project,
        ports=ports,
        claims=tuple(claim(route, ports[0], **said) for route in routes),
        **fields,
    )


def claim(route: str, port: int = 80, **fields) -> RouteClaim:
    host, slash, path = route.partition("/")
    return RouteClaim(host=host, path=slash + path or "/", port=port, origin=f"tidegate.routing.port_{port}", **fields)


def inventory(*instances: Instance, provider: str = "docker", version: int = 1, routes: tuple[RouteSpec, ...] = ()):
    """An inventory whose services are sorted as the contract says."""
    services: dict[str, tuple[Instance, ...]] = {}
    for each in sorted(instances, key=lambda i: (i.created_at, i.id)):
        services[each.key] = (*services.get(each.key, ()), each)
    return Inventory(provider=provider, version=version, services=services, routes=routes)


def following(previous: Inventory, *instances: Instance, routes: tuple[RouteSpec, ...] | None = None) -> Inventory:
    """The next inventory of the same provider: what is equal to before is the same object."""
    fresh = inventory(*instances)
    services = {
        key: previous.services[key] if previous.services.get(key) == members else members
        for key, members in fresh.services.items()
    }
    return Inventory(
        provider=previous.provider,
        version=previous.version + 1,
        services=services,
        routes=previous.routes if routes is None else routes,
    )


def report(endpoint: str, state: HealthState = HealthState.HEALTHY, **fields) -> HealthReport:
    return HealthReport(endpoint=endpoint, state=state, source=HealthSource.PROBE, since=1.0, **fields)


def healthy(*endpoints: str) -> dict[str, HealthReport]:
    return {each: report(each) for each in endpoints}


__all__ = ["claim", "following", "healthy", "instance", "inventory", "report", "route_id"]

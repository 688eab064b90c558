"""All that one service contributes to the table, built from its instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import field

from tidegate.building.claims import Group, groups, version_weights, wake_at
from tidegate.building.endpoints import LIVE, addresses, check_targets, endpoint, handles, ready_for_dns
from tidegate.building.options import BuildOptions
from tidegate.building.routes import Shape
from tidegate.errors import Problem
from tidegate.model import CheckTarget, DnsMode, DnsTarget, Endpoint, HealthReport, Instance, Service
from tidegate.value import Value


class Part(Value, frozen=True):
    """One service. `seen` is what it was made of (compared by identity), `live` those that are in the table.

    `names` are relative DNS names; `handles` is everything an operator may call one of its instances or endpoints;
    `dns` is how the service's own names are answered. `shape` is what routes in files need to know of it.
    """

    seen: tuple[Instance, ...]
    live: tuple[Instance, ...]
    service: Service
    checks: dict[str, CheckTarget] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    names: dict[str, tuple[DnsTarget, ...]] = field(default_factory=dict)
    dns: DnsMode = DnsMode.DIRECT
    handles: frozenset[str] = frozenset()
    shape: Shape = Shape()
    problems: tuple[Problem, ...] = ()
    wake_at: float | None = None


def build_part(
    key: str,
    seen: tuple[Instance, ...],
    previous: Part | None,
    health: Mapping[str, HealthReport],
    drained: frozenset[str],
    options: BuildOptions,
    now: float,
) -> Part:
    """The part of service `key`. Where only health or drains changed, what hangs on the instances is taken over."""
    if previous is not None and previous.seen is seen and previous.wake_at is None:
        return _with_endpoints(previous, health, drained, options)
    live = tuple(instance for instance in seen if instance.state in LIVE)
    found, problems = groups(key, live, previous.groups if previous else {}, options, now)
    fresh = Part(
        seen=seen,
        live=live,
        service=_service(key),
        checks={check.endpoint: check for instance in live for check in check_targets(instance, options)},
        groups=found,
        dns=next((instance.dns for instance in live if instance.dns is not None), DnsMode.DIRECT),
        handles=frozenset(
            handle
            for instance in live
            for handle in (*handles(instance), *(f"{instance.id}:{port}" for port in instance.ports))
        ),
        shape=Shape(
            pairs=frozenset((instance.version, port) for instance in live for port in instance.ports),
            weights=version_weights(live)[0],
        ),
        problems=(*_own_problems(seen), *problems),
        wake_at=wake_at(found, options, now),
    )
    return _with_endpoints(fresh, health, drained, options)


def _service(key: str) -> Service:
    project, _, name = key.rpartition("/")
    return Service(key=key, name=name, project=project)


def _own_problems(seen: Sequence[Instance]) -> tuple[Problem, ...]:
    return tuple(problem for instance in seen for problem in instance.problems)


def _with_endpoints(
    part: Part, health: Mapping[str, HealthReport], drained: frozenset[str], options: BuildOptions
) -> Part:
    endpoints: list[Endpoint] = []
    targets: list[tuple[Instance, DnsTarget]] = []
    for instance in part.live:
        mine = []
        for port in instance.ports:
            check = part.checks[f"{instance.id}:{port}"]
            mine.append(endpoint(instance, port, check, health.get(check.endpoint), drained))
        endpoints += mine
        ready = ready_for_dns(instance, tuple(each.state for each in mine), drained)
        targets.append((instance, _target(instance, ready, options)))
    old = part.service
    service = Service(key=old.key, name=old.name, project=old.project, endpoints=tuple(endpoints))
    return Part(
        seen=part.seen,
        live=part.live,
        service=service,
        checks=part.checks,
        groups=part.groups,
        names=_names(service, targets),
        dns=part.dns,
        handles=part.handles,
        shape=part.shape,
        problems=part.problems,
        wake_at=part.wake_at,
    )


def own_names(service: Service) -> tuple[str, str]:
    """`service` and `service.project` (empty without a project), in lower case."""
    name = service.name.lower()
    return name, f"{name}.{service.project.lower()}" if service.project else ""


def _target(instance: Instance, ready: bool, options: BuildOptions) -> DnsTarget:
    return DnsTarget(
        name=instance.name.lower(),
        addresses=addresses(instance, options),
        ports=instance.ports,
        ready=ready,
        weight=instance.endpoint_weight,
    )


def _names(service: Service, targets: Sequence[tuple[Instance, DnsTarget]]) -> dict[str, tuple[DnsTarget, ...]]:
    """Relative names of the service and its instances; see docs of Docker's own rules in `discovery`.

    `tasks.<service>` is every running task, ready or not, as in Swarm; everything else follows readiness.
    """
    name, scoped = own_names(service)
    found: dict[str, list[DnsTarget]] = {}
    for instance, target in targets:
        own = dict.fromkeys((target.name, *_aliases(instance), name, scoped))
        if instance.number:
            own[f"{instance.number}.{scoped or name}"] = None
        for each in own:
            if each:
                found.setdefault(each, []).append(target)
        if instance.state == "running":
            found.setdefault(f"tasks.{name}", []).append(_as_ready(target))
    return {each: tuple(members) for each, members in found.items()}


def _aliases(instance: Instance) -> tuple[str, ...]:
    short = instance.id[:12] if len(instance.id) == 64 else ""
    hostname = instance.hostname.lower()
    aliases = [alias.lower() for network in instance.networks for alias in network.aliases]
    return (short, hostname, *aliases)


def _as_ready(target: DnsTarget) -> DnsTarget:
    if target.ready:
        return target
    return DnsTarget(name=target.name, addresses=target.addresses, ports=target.ports, ready=True, weight=target.weight)

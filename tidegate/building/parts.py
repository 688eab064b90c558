"""All that one service contributes to the table, built from its instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import field

from tidegate.building.claims import Group, groups, version_weights, wake_at
from tidegate.building.endpoints import LIVE, check_targets, endpoint, handles, is_afar, ready_for_dns
from tidegate.building.naming import Member, names_of, shares_of
from tidegate.building.options import BuildOptions
from tidegate.building.routes import Shape
from tidegate.building.waiting import NOBODY, Holding, holding
from tidegate.errors import Problem
from tidegate.model import (
    CheckTarget,
    DnsMode,
    DnsTarget,
    Endpoint,
    HealthReport,
    Instance,
    InstanceState,
    Overrides,
    Service,
)
from tidegate.value import Value


class Part(Value, frozen=True):
    """One service. `seen` is what it was made of (compared by identity), `live` those that are in the table.

    `names` are relative DNS names; `handles` is everything an operator may call one of its instances or endpoints;
    `dns` is how the service's own names are answered, `ttl` how many seconds they may be kept (None: as all). `shape` is what
    routes in files need to know of it. `holding` says which versions wait for their release; `shares` are the weights of those
    that run, as callers meet them.
    """

    seen: tuple[Instance, ...]
    live: tuple[Instance, ...]
    service: Service
    checks: dict[str, CheckTarget] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    names: dict[str, tuple[DnsTarget, ...]] = field(default_factory=dict)
    dns: DnsMode = DnsMode.DIRECT
    ttl: int | None = None
    handles: frozenset[str] = frozenset()
    shape: Shape = Shape()
    holding: Holding = NOBODY
    shares: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    wake_at: float | None = None


def build_part(
    key: str,
    seen: tuple[Instance, ...],
    previous: Part | None,
    health: Mapping[str, HealthReport],
    overrides: Overrides,
    options: BuildOptions,
    now: float,
) -> Part:
    """The part of service `key`. Where only health or drains changed, what hangs on the instances is taken over."""
    memory = previous or Part(seen=(), live=(), service=_service(key))
    kept = previous is not None and memory.seen is seen and memory.wake_at is None
    live = memory.live if kept else tuple(instance for instance in seen if instance.state in LIVE)
    held = holding(live, memory.shares, memory.holding, options, now)
    if kept and held == memory.holding:
        return _with_endpoints(memory, health, overrides, options)
    found, problems = groups(key, live, memory.groups, held.waiting, options, now)
    weights, conflicts = version_weights(live, held.waiting)
    fresh = Part(
        seen=seen,
        live=live,
        service=_service(key),
        checks={check.endpoint: check for instance in live for check in check_targets(instance, options)},
        groups=found,
        dns=_mode(live),
        ttl=next((instance.dns_ttl for instance in live if instance.dns_ttl is not None), None),
        handles=frozenset(
            handle
            for instance in live
            for handle in (*handles(instance), *(f"{instance.id}:{port}" for port in instance.ports))
        ),
        shape=Shape(
            pairs=frozenset((instance.version, port) for instance in live for port in instance.ports),
            weights=weights,
        ),
        holding=held,
        problems=(*_own_problems(seen), *conflicts, *problems),
        wake_at=min(filter(None, (wake_at(found, options, now), held.wake_at(options))), default=None),
    )
    return _with_endpoints(fresh, health, overrides, options)


def _service(key: str) -> Service:
    project, _, name = key.rpartition("/")
    return Service(key=key, name=name, project=project)


def _mode(live: Sequence[Instance]) -> DnsMode:
    """As the containers say; where they do not, by their addresses, and where they have none by the router's."""
    afar = bool(live) and all(map(is_afar, live)) and any(instance.claims for instance in live)
    said = next((instance.dns for instance in live if instance.dns is not None), None)
    return DnsMode.PROXY if afar else said or DnsMode.DIRECT


def _own_problems(seen: Sequence[Instance]) -> tuple[Problem, ...]:
    return tuple(problem for instance in seen for problem in instance.problems)


def _with_endpoints(
    part: Part, health: Mapping[str, HealthReport], overrides: Overrides, options: BuildOptions
) -> Part:
    endpoints: list[Endpoint] = []
    members: list[Member] = []
    for instance in part.live:
        mine = []
        for port in instance.ports:
            check = part.checks[f"{instance.id}:{port}"]
            mine.append(endpoint(instance, port, check, health.get(check.endpoint), overrides.drained))
        endpoints += mine
        states = tuple(each.state for each in mine)
        members.append(Member(instance, ready_for_dns(instance, states, overrides.drained)))
    old = part.service
    service = Service(key=old.key, name=old.name, project=old.project, endpoints=tuple(endpoints))
    shares = shares_of(service.key, part.shape.weights, part.groups, overrides.weights)
    running = {instance.version for instance in part.live if instance.state is not InstanceState.DRAINING}
    return Part(
        seen=part.seen,
        live=part.live,
        service=service,
        checks=part.checks,
        groups=part.groups,
        names=names_of(service, members, shares, overrides.drained, options),
        dns=part.dns,
        ttl=part.ttl,
        handles=part.handles,
        shape=part.shape,
        holding=part.holding,
        shares={version: share for version, share in shares.items() if version in running},
        problems=part.problems,
        wake_at=part.wake_at,
    )

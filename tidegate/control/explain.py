"""Why a URL or a container is routed as it is, step by step. Pure: what a worker decides is told, not decided again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches

from tidegate.building.claims import route_id
from tidegate.control.ejections import Out
from tidegate.errors import Problem
from tidegate.model import (
    Asked,
    Backend,
    Decision,
    Endpoint,
    HealthState,
    Instance,
    Inventory,
    ReleasePolicy,
    Route,
    TrafficMode,
)
from tidegate.policy import NO_SPLIT, Algorithm
from tidegate.routing import RoutingTable
from tidegate.settings.layers import Said
from tidegate.settings.redaction import shown_setting
from tidegate.value import Value


class Explanation(Value, frozen=True):
    """`steps` are sentences in the order of the decision; `found` says whether it ends at something that serves.

    `route` is the id of the route in question, `endpoints` the ids of what it comes to; `problems` are those that have to do
    with it.
    """

    subject: str
    found: bool
    steps: tuple[str, ...]
    route: str = ""
    endpoints: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def _nobody(_route: Route) -> Mapping[str, Said]:
    return {}


def _nothing(_route: Route) -> Sequence[str]:
    return ()


_NOBODY_OUT: Mapping[str, Out] = {}


def explain_url(
    table: RoutingTable,
    problems: Iterable[Problem],
    asked: Asked,
    decide: Callable[[RoutingTable, Asked], Decision],
    *,
    said: Callable[[Route], Mapping[str, Said]] = _nobody,
    governed: Callable[[Route], Sequence[str]] = _nothing,
    out: Mapping[str, Out] = _NOBODY_OUT,
    now: float = 0.0,
) -> Explanation:
    """What a request meets. `decide` gives what a worker does with it, `said` who said which of a route's settings, `out`
    whom the workers have ejected (by endpoint id), `governed` sentences on who sets its weights, `now` is seconds since the epoch. Costs passes over all routes."""
    decision = decide(table, asked)
    subject = decision.host + asked.target.partition("?")[0]
    steps = _way_to_route(table, decision, subject.removeprefix(decision.host))
    route = table.routes.get(decision.route)
    if route is None:
        return Explanation(subject=subject, found=False, steps=tuple(steps))
    ready, told = _route_steps(table, route, decision, out, now)
    settings = sorted(said(route).items())
    told[1:1] = list(governed(route))
    told[1:1] = [f"setting {name} = {shown_setting(name, each.value)} ({each.source})" for name, each in settings]
    named = [problem for problem in problems if _concerns(problem, route)]
    return Explanation(
        subject=subject,
        found=ready,
        steps=(*steps, *told),
        route=route.id,
        endpoints=tuple(each.id for backend in route.backends for each in endpoints_of(table, backend)),
        problems=tuple(named),
    )


def _concerns(problem: Problem, route: Route) -> bool:
    """Whether it names the route, or is of an override of the route, its host or one of its services."""
    targets = {route.id, route.host, *(backend.service for backend in route.backends)}
    kind, _, target = problem.place.removeprefix("override ").partition("/")
    overrides = problem.place.startswith("override ") and kind.isalpha() and target in targets
    return overrides or route.id in problem.text or route.id in problem.place


def _way_to_route(table: RoutingTable, decision: Decision, path: str) -> list[str]:
    """How the route was found, or why none was."""
    host = decision.host
    if decision.refused:
        return [f"the request is no good: {decision.refused}", f"answer: {decision.refused}"]
    if not decision.pattern:
        near_by = _nearest(host, {route.host for route in table.routes.values()})
        return [
            f"host {host}: no route has this host, exact or as *.{host.partition('.')[2] or host}",
            f"nearest host: {near_by}" if near_by else f"there are {len(table.routes)} routes in all",
            "answer: 404 no-route",
        ]
    steps = [f"host {host}: {'exact match' if decision.pattern == host else f'matches {decision.pattern}'}"]
    compared = ", ".join(decision.paths)
    if not decision.prefix:
        steps.append(f"path {path}: compared with {compared}; none is a prefix of it by segments")
    else:
        steps.append(f"path {path}: compared with {compared}; the longest prefix is {decision.prefix}")
    for id_, lacking in decision.weighed:
        steps.append(f"route {id_}: " + (f"not taken, it asks for {lacking}" if lacking else "its conditions hold"))
    return steps if decision.route else [*steps, "answer: 404 no-route"]


def _route_steps(
    table: RoutingTable, route: Route, decision: Decision, out: Mapping[str, Out], now: float
) -> tuple[bool, list[str]]:
    owner = f"held by {route.owner}" if route.owner else "held by containers without a project"
    steps = [f"route {route.id}: {owner}" + (f", from {route.origin}" if route.origin else "")]
    if route.preview_of:
        steps.append(
            f"preview of {route.preview_of}: the version that is looked at gets it, whatever its weight is there"
        )
    if route.mode is TrafficMode.MAINTENANCE:
        steps.append("mode: maintenance; every request is answered 503 with a page")
    elif route.mode is TrafficMode.HOLD:
        steps.append(f"mode: hold; requests wait up to {route.policy.timeouts.hold:g} s")
    elif route.mode is TrafficMode.CLOSED:
        steps.append("mode: closed; what may protect it cannot be read, so every request is answered 503")
    steps += _balancing(route)
    total = sum(backend.weight for backend in route.backends)
    ready = 0
    for backend in route.backends:
        endpoints = endpoints_of(table, backend)
        share = f"{100 * backend.weight / total:.0f} %" if total else "nothing"
        steps.append(f"backend {_backend(backend)}: weight {backend.weight}, {share} of the traffic")
        if not endpoints:
            steps.append("  no endpoint")
        for endpoint in endpoints:
            ready += bool(endpoint.state is HealthState.HEALTHY and backend.weight and not _gone(out.get(endpoint.id)))
            steps.append(f"  {_endpoint(endpoint, out.get(endpoint.id), now)}")
    steps += _fate(table, decision)
    if decision.answer:
        return False, [*steps, f"answer: {decision.answer}"]
    if route.mode is TrafficMode.NORMAL:
        steps.append(_last(route, decision, ready))
    return ready > 0 and route.mode is TrafficMode.NORMAL, steps


def _fate(table: RoutingTable, decision: Decision) -> list[str]:
    """What the request itself decides on this route."""
    steps = []
    if decision.asks:
        steps.append(f"filter: {decision.asks}")
    if decision.forwarded:
        steps.append(f"filter: the container is asked for {decision.forwarded}")
    if decision.endpoint:
        endpoints = (each for service in table.services.values() for each in service.endpoints)
        name = next((f"{each.name}:{each.port}" for each in endpoints if each.id == decision.endpoint), "")
        steps.append(f"chosen: {name} {decision.chosen}")
    return steps


def _last(route: Route, decision: Decision, ready: int) -> str:
    if not ready:
        return (
            f"answer: held up to {route.policy.timeouts.hold:g} s for an endpoint to get ready, then 503 hold-timeout"
        )
    if decision.endpoint:
        return "answer: forwarded to the chosen endpoint"
    return f"answer: forwarded to one of {ready} ready endpoints"


def _balancing(route: Route) -> list[str]:
    """How an endpoint is chosen, where it is not just the next one by weight."""
    balance, limits = route.policy.balance, route.policy.limits
    steps = []
    if balance.algorithm is Algorithm.LEAST_REQUESTS:
        steps.append("balancing: least requests of two, by weight")
    elif balance.algorithm is Algorithm.HASH:
        key = balance.hash_key if balance.split == NO_SPLIT else balance.split
        steps.append(f"balancing: the same endpoint for the same {key}")
    if balance.split != NO_SPLIT:
        steps.append(f"split: the same version for the same {balance.split}; weights are shares of clients")
    if balance.sticky:
        steps.append(f"sticky: cookie {balance.sticky_cookie} keeps a client for {balance.sticky_seconds} s")
    per_endpoint = min((each for each in (limits.endpoint_requests, limits.endpoint_connections) if each), default=0)
    if per_endpoint:
        queue = f"{limits.queue} more wait up to {limits.queue_seconds:g} s"
        steps.append(f"limit: {per_endpoint} requests per endpoint of this node; {queue}")
    if limits.requests:
        steps.append(f"limit: {limits.requests} requests in flight on this node, then 503 overloaded")
    return steps


def endpoints_of(table: RoutingTable, backend: Backend) -> tuple[Endpoint, ...]:
    """The endpoints that a backend stands for, in all states."""
    service = table.services.get(backend.service)
    if service is None:
        return ()
    return tuple(
        endpoint
        for endpoint in service.endpoints
        if backend.version in {None, endpoint.version} and backend.port in {0, endpoint.port}
    )


def _backend(backend: Backend) -> str:
    version = "" if backend.version is None else f" {backend.version or 'default'}"
    return f"{backend.service}{version}" + (f" port {backend.port}" if backend.port else "")


def _gone(out: Out | None) -> bool:
    """Whether every worker has ejected it."""
    return out is not None and out.workers >= out.of


def _endpoint(endpoint: Endpoint, out: Out | None = None, now: float = 0.0) -> str:
    where = str(endpoint.address) if endpoint.address else "no address"
    verdict = "in" if endpoint.state is HealthState.HEALTHY and not _gone(out) else "out"
    reason = f": {endpoint.reason}" if endpoint.reason else ""
    return f"{verdict}: {endpoint.name}:{endpoint.port} at {where}, {endpoint.state.value}{reason}{_ejected(out, now)}"


def _ejected(out: Out | None, now: float) -> str:
    if out is None:
        return ""
    left = out.until - now
    rest = f"for {left:.0f} s more" if left >= 0.5 else "until a request shows that it answers again"
    return f"; ejected after failed requests by {out.workers} of {out.of} workers, {rest}"


def explain_container(
    table: RoutingTable,
    inventories: Mapping[str, Inventory],
    problems: Iterable[Problem],
    name: str,
    *,
    out: Mapping[str, Out] = _NOBODY_OUT,
    now: float = 0.0,
) -> Explanation | None:
    """What a container's labels were understood as, and what became of it; None if no provider sees such a container.

    `name` is its name, id, or a prefix of the id of at least four characters. Costs a pass over all instances.
    """
    instance = _instance(inventories, name)
    if instance is None:
        return None
    steps = [f"container {instance.name} ({instance.id[:12]}): seen by {instance.provider}, {instance.state.value}"]
    steps.append(
        f"service {instance.key}, version {instance.version or 'default'}, weight {instance.weight}"
        + (f", ports {', '.join(map(str, instance.ports))}" if instance.ports else ", no ports")
    )
    if instance.release is not None:
        steps.append(
            f"wants a release{_wanted(instance.release)}: beside an earlier version it waits for weights that name it"
        )
    service = table.services.get(instance.key)
    mine = [each for each in (service.endpoints if service else ()) if each.instance == instance.id]
    steps += [f"endpoint {_endpoint(each, out.get(each.id), now)}" for each in mine] or [
        "no endpoint: it does not run, or has no port"
    ]
    steps += _claims(table, instance) or ["no route is claimed"]
    found = [
        problem
        for problem in (*instance.problems, *problems)
        if instance.name in problem.place or instance.name in problem.text or problem in instance.problems
    ]
    return Explanation(
        subject=instance.name,
        found=any(each.state is HealthState.HEALTHY and not _gone(out.get(each.id)) for each in mine),
        steps=tuple(steps),
        endpoints=tuple(each.id for each in mine),
        problems=tuple(dict.fromkeys(found)),
    )


def explain_service(
    table: RoutingTable, name: str, scaled: Callable[[str], Sequence[str]], out: Mapping[str, Out] = _NOBODY_OUT
) -> Explanation | None:
    """What a service has, and how many replicas it is to have and why; None if `name` is no service's, nor the short name of
    just one. `scaled` tells in sentences how one is scaled, nothing where it is not."""
    keys = [name] if name in table.services else [key for key in table.services if key.rpartition("/")[2] == name]
    if len(keys) != 1:
        return None
    (key,) = keys
    endpoints = table.services[key].endpoints
    ready = [each for each in endpoints if each.state is HealthState.HEALTHY and not _gone(out.get(each.id))]
    versions = ", ".join(dict.fromkeys(each.version or "default" for each in endpoints)) or "none"
    routes = [id_ for id_, route in table.routes.items() if any(each.service == key for each in route.backends)]
    steps = (
        f"service {key}: {len(ready)} of {len(endpoints)} endpoints ready, versions {versions}",
        f"routes: {', '.join(sorted(routes)) or 'none'}",
        *(scaled(key) or ("it is not scaled by itself: no label auto_scaling",)),
    )
    return Explanation(subject=key, found=bool(ready), steps=steps, endpoints=tuple(each.id for each in endpoints))


def container_names(inventories: Mapping[str, Inventory]) -> list[str]:
    """Names of all instances, for suggestions."""
    return sorted({instance.name for instance in _instances(inventories)})


def _instances(inventories: Mapping[str, Inventory]) -> Iterable[Instance]:
    for inventory in inventories.values():
        for members in inventory.services.values():
            yield from members


def _instance(inventories: Mapping[str, Inventory], name: str) -> Instance | None:
    by_prefix = None
    for instance in _instances(inventories):
        if name in {instance.name, instance.id}:
            return instance
        if len(name) >= 4 and instance.id.startswith(name):
            by_prefix = instance
    return by_prefix


def _wanted(release: ReleasePolicy) -> str:
    shares = f" {', '.join(f'{share} %' for share in release.shares)}" if release.shares else ""
    return f" ({release.strategy}{shares})" if release.strategy else ""


def _claims(table: RoutingTable, instance: Instance) -> list[str]:
    steps = []
    for claim in instance.claims:
        id_ = route_id(claim.host, claim.path, claim.match)
        route = table.routes.get(id_)
        origin = f" ({claim.origin})" if claim.origin else ""
        if route is None:
            verdict = "not served"
        elif any(each.service == instance.key for each in route.backends):
            verdict = "served"
        else:
            holder = ", ".join(dict.fromkeys(each.service for each in route.backends))
            verdict = f"not served by it: {holder} holds it" + (f" through {route.origin}" if route.origin else "")
        steps.append(f"claims {id_} on port {claim.port}{origin}: {verdict}")
    return steps


def _nearest(name: str, names: Iterable[str]) -> str:
    return next(iter(near(name, names)), "")


def near(name: str, names: Iterable[str]) -> Sequence[str]:
    """Up to three known names that look like `name`, best first."""
    return get_close_matches(name, list(names), n=3, cutoff=0.6)

"""The live side of the table in one worker: matcher, routes with their balancers, upstreams with their connections.

`RouteBook.apply` takes a published table and its delta and changes only what the delta touches; upstreams are keyed by
endpoint id and address and survive table swaps. Runs between requests, never during one: there is no await in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tidegate.matcher import HostEntry, Matcher
from tidegate.model import Address, Endpoint, HealthState, Service
from tidegate.policy import Ejection
from tidegate.router.arrangement import Arranger
from tidegate.router.counters import Counters
from tidegate.router.ejection import Ejector
from tidegate.router.filters.match import Choice
from tidegate.router.live import LiveRoute
from tidegate.router.upstream import Upstream
from tidegate.routing import Delta, RoutingTable


class RouteBook:
    """Everything the worker looks up per request. `arranger` makes the balancers."""

    def __init__(
        self,
        arranger: Arranger,
        on_drained: Callable[[str], None],
        clock: Callable[[], float],
        ledger: list[Counters] | None = None,
        share: int = 1,
        secret: bytes = b"tidegate",
    ) -> None:
        self._arranger = arranger
        self._clock = clock
        self._ledger = ledger
        self.on_room: Callable[[Upstream], None] = _unset  # a claim was released where requests may wait for one
        self.ejector = Ejector()
        self._warming: set[str] = set()  # routes with an endpoint in its slow start
        self.matcher = Matcher()
        self.routes: dict[str, LiveRoute] = {}
        self.upstreams: dict[tuple[str, str], Upstream] = {}
        self.version = 0
        self._share = share
        self._secret = secret
        self._on_drained = on_drained
        self._services: Mapping[str, Service] = {}  # of the table that is followed
        self._routes_of: dict[str, set[str]] = {}  # service key -> ids of routes with a backend of it
        self._paths_of: dict[str, dict[str, dict[str, LiveRoute]]] = {}  # host -> path -> its routes by id
        self._upstreams_of: dict[str, dict[str, Upstream]] = {}  # service key -> endpoint id -> upstream

    def apply(self, table: RoutingTable, delta: Delta) -> list[LiveRoute]:
        """Follow the published table; cost follows the delta, not the table. Gives the routes that changed, also those
        that are gone: requests held there must choose again."""
        self._services = table.services
        gone = [live for route_id in delta.routes if (live := self.routes.get(route_id)) is not None]
        for key in delta.services:
            self._follow_service(key, table)
        touched = set(delta.routes)
        for key in delta.services:
            touched |= self._routes_of.get(key, set())
        for route_id in delta.routes:
            self._follow_route(route_id, table)
        for route_id in touched:
            self._rebalance(route_id)
        self._follow_hosts(gone, delta.routes)
        self.version = table.version
        current = (self.routes.get(route_id) for route_id in touched)
        return [*{id(live): live for live in (*gone, *current) if live is not None}.values()]

    def _follow_service(self, key: str, table: RoutingTable) -> None:
        service = table.services.get(key)
        old = self._upstreams_of.get(key, {})
        new: dict[str, Upstream] = {}
        for endpoint in service.endpoints if service is not None else ():
            if endpoint.address is None or endpoint.state in (HealthState.STARTING, HealthState.UNHEALTHY):
                continue
            upstream = old.get(endpoint.id)
            if upstream is None or upstream.address != endpoint.address:
                upstream = self._make(endpoint, endpoint.address)
            upstream.endpoint = endpoint
            new[endpoint.id] = upstream
        if new:
            self._upstreams_of[key] = new
        else:
            self._upstreams_of.pop(key, None)
        for upstream in new.values():
            upstream.set_draining(upstream.endpoint.state is HealthState.DRAINING)
        for endpoint_id, upstream in old.items():
            if new.get(endpoint_id) is not upstream:
                upstream.set_draining(True)

    def _make(self, endpoint: Endpoint, address: Address) -> Upstream:
        identity = (endpoint.id, str(address))
        upstream = self.upstreams.get(identity)
        if upstream is None:
            upstream = Upstream(endpoint, address, self._forget, self._ledger)
            self.upstreams[identity] = upstream
        upstream.on_room = self.on_room
        upstream.ejected = False  # control has found it well: no past
        upstream.trial = 0
        upstream.failures = 0
        if self.version:  # what is ready with the first table was ready before we came
            upstream.since = self._clock()
        return upstream

    def _forget(self, upstream: Upstream) -> None:
        """A draining upstream has nothing left in flight."""
        self._on_drained(upstream.endpoint.id)
        current = self._upstreams_of.get(upstream.endpoint.service, {}).get(upstream.endpoint.id)
        if current is not upstream:
            self.upstreams.pop((upstream.endpoint.id, str(upstream.address)), None)

    def _follow_route(self, route_id: str, table: RoutingTable) -> None:
        live = self.routes.get(route_id)
        for backend in live.route.backends if live is not None else ():
            ids = self._routes_of.get(backend.service, set())
            ids.discard(route_id)
            if not ids:
                self._routes_of.pop(backend.service, None)
        route = table.routes.get(route_id)
        if route is None:
            self.routes.pop(route_id, None)
            return
        if live is None:
            self.routes[route_id] = LiveRoute(route, self._ledger, self._share, self._secret)
        else:
            live.update(route)
        for backend in route.backends:
            self._routes_of.setdefault(backend.service, set()).add(route_id)

    def _rebalance(self, route_id: str) -> None:
        live = self.routes.get(route_id)
        if live is None:
            return
        self._arranger.arrange(live, self._members, self._clock())
        if live.warm_at:
            self._warming.add(route_id)

    def of_host(self, host: str) -> Iterator[LiveRoute]:
        """All routes of a host, which has its own or those of `*.suffix`, in an order that stays."""
        paths = self._paths_of.get(host) or self._paths_of.get("*." + host.partition(".")[2], {})
        for path in sorted(paths):
            yield from (paths[path][route_id] for route_id in sorted(paths[path]))

    def of_endpoint(self, service: str, endpoint: str) -> Endpoint | None:
        """An endpoint by its id, ready or not. Costs a pass over its service."""
        known = self._services.get(service)
        return next((each for each in known.endpoints if each.id == endpoint), None) if known is not None else None

    def _members(self, service: str) -> Iterable[Upstream]:
        return self._upstreams_of.get(service, {}).values()

    def failed(self, upstream: Upstream, policy: Ejection) -> bool:
        """A request failed at it, on a route with this policy. True if it is ejected by that."""
        siblings = [one for one in self._members(upstream.endpoint.service) if not one.draining]
        out = self.ejector.failed(upstream, policy, siblings, self._clock())
        if out:
            self._rearrange(upstream)
        return out

    def answered(self, upstream: Upstream) -> list[LiveRoute]:
        """It answered well after failures. If it was ejected, gives the routes that have it back."""
        return self._rearrange(upstream) if self.ejector.answered(upstream, self._clock()) else []

    def try_ejected(self) -> list[LiveRoute]:
        """Offer a request to those whose time is up; gives the routes that may."""
        return [live for upstream in self.ejector.due(self._clock()) for live in self._rearrange(upstream)]

    def _rearrange(self, upstream: Upstream) -> list[LiveRoute]:
        ids = self._routes_of.get(upstream.endpoint.service, set())
        for route_id in ids:
            self._rebalance(route_id)
        return [self.routes[route_id] for route_id in ids]

    def warm(self) -> None:
        """Let endpoints in their slow start grow; call it every now and then."""
        now = self._clock()
        for route_id in list(self._warming):
            live = self.routes.get(route_id)
            if live is None or live.warm_at <= now:
                self._warming.discard(route_id)
                self._rebalance(route_id)

    def _follow_hosts(self, gone: Iterable[LiveRoute], route_ids: Iterable[str]) -> None:
        """Bring the matcher up to date with routes that went, and with those of these ids as they are now."""
        changed: set[str] = set()
        for live in gone:
            host, path = live.route.host, live.route.path
            at = self._paths_of.get(host, {}).get(path, {})
            at.pop(live.id, None)
            if not at:
                self._paths_of.get(host, {}).pop(path, None)
            changed.add(host)
        for route_id in route_ids:
            current = self.routes.get(route_id)
            if current is not None:
                self._paths_of.setdefault(current.route.host, {}).setdefault(current.route.path, {})[route_id] = current
                changed.add(current.route.host)
        changes: dict[bytes, HostEntry | None] = {}
        for host in changed:
            paths = self._paths_of.get(host)
            changes[host.encode()] = host_entry(paths) if paths else None
            if not paths:
                self._paths_of.pop(host, None)
        if changes:
            self.matcher = self.matcher.with_hosts(changes)


def _unset(upstream: Upstream) -> None:
    raise AssertionError("the worker says who is told before requests wait")


def host_entry(paths: Mapping[str, Mapping[str, LiveRoute]]) -> HostEntry:
    """The index of one host. Where conditions decide on a path, its first route stands in for all of them and has the
    choice; what none of them takes goes to the next shorter path."""
    targets: dict[str, LiveRoute] = {}
    for path in sorted(paths, key=len):  # shorter ones first: they are what longer ones fall back to
        routes = paths[path]
        plain = next((live for live in routes.values() if live.route.match is None), None)
        for live in routes.values():
            live.choice = None
        if plain is not None and len(routes) == 1:
            targets[path] = plain
            continue
        options = [(live.route.match, live) for live in routes.values() if live.route.match is not None]
        first = LiveRoute(options[0][1].route)  # a stand-in that serves nothing: it only chooses
        first.choice = Choice(options, plain if plain is not None else _shorter(path, targets))
        targets[path] = first
    return HostEntry([(path.encode(), live) for path, live in targets.items()])


def _shorter(path: str, targets: Mapping[str, LiveRoute]) -> LiveRoute | None:
    """The target of the longest path that takes what is below `path`, and is not `path`."""
    above = [each for each in targets if each == "/" or path.startswith(each + "/")]
    return targets[max(above, key=len)] if above else None

"""The next build from the previous one, at a cost that follows the change. See the package's docstring for the words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from msgspec import field

from tidegate.building.asking import answered, asks
from tidegate.building.claims import Group, place_of, route_id
from tidegate.building.draft import Draft, Index
from tidegate.building.layering import default_layers
from tidegate.building.options import BuildOptions
from tidegate.building.parts import Part, build_part, own_names
from tidegate.building.routes import FILE_OWNER, Owner, Shape, build_route, owner_of
from tidegate.errors import Problem
from tidegate.model import (
    CheckTarget,
    DnsMode,
    DnsName,
    DnsTarget,
    HealthReport,
    Instance,
    Inventory,
    Overrides,
    Route,
    RouteSpec,
    Service,
)
from tidegate.routing import Delta, RoutingTable, sharded
from tidegate.settings.policies import settings_of
from tidegate.value import Value


class Memo(Value, frozen=True):
    """What the next build takes over. All mappings are frozen; indexes hold sorted tuples.

    `claimants`: route id -> services with a group on it. `sources`: relative DNS name -> services that offer it.
    `hosts`: host -> route ids. `variants`: host and path -> ids of routes there with conditions.
    `askers`: service -> ids of routes that ask it before they forward. `specs`: route id -> file entries. `users`: service -> route ids whose spec names it.
    `lingering`: service -> when its memory runs out. `resumed`: the table is from an earlier life, nothing in it is sure.
    """

    resumed: bool = False
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    overrides: Overrides = Overrides()
    parts: Mapping[str, Part] = field(default_factory=dict)
    claimants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    askers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    specs: Mapping[str, tuple[RouteSpec, ...]] = field(default_factory=dict)
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lingering: Mapping[str, float] = field(default_factory=dict)
    service_problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    route_problems: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)


class Build(Value, frozen=True):
    """A table and what goes with it.

    `delta` turns the previous table into `table`; if it is empty, the version stayed and there is nothing to publish.
    `checks` is everything to watch by endpoint id, `checks_changed` and `checks_removed` the difference. `wake_at` is
    when to build again although nothing changes (a claim ceases to linger), in the seconds of `now`.
    """

    table: RoutingTable = RoutingTable()
    delta: Delta = Delta(base=0, version=0)
    problems: tuple[Problem, ...] = ()
    checks: Mapping[str, CheckTarget] = field(default_factory=dict)
    checks_changed: tuple[CheckTarget, ...] = ()
    checks_removed: tuple[str, ...] = ()
    wake_at: float | None = None
    memo: Memo = Memo()


def resumed(table: RoutingTable, now: float) -> Build:
    """A build that remembers a table from an earlier life: its routes linger from `now` on and keep their owners.

    The build upon it looks at everything once, and takes away what is not seen any more.
    """
    groups: dict[str, dict[str, Group]] = {}
    claimants, hosts, variants = Index({}), Index({}), Index({})
    for route in table.routes.values():
        hosts.add(route.host, route.id)
        if route.match is not None:
            variants.add(place_of(route.id), route.id)
        if route.owner == FILE_OWNER:
            continue  # a file is read before the first table: what it does not say any more is meant to go
        for service in dict.fromkeys(backend.service for backend in route.backends):
            groups.setdefault(service, {})[route.id] = _remembered(route, service, now)
            claimants.add(route.id, service)
    parts = {
        key: Part(seen=(), live=(), service=service, groups=groups[key], wake_at=now)
        for key, service in table.services.items()
        if key in groups
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


def build(
    previous: Build | None,
    inventories: Mapping[str, Inventory],
    health: Mapping[str, HealthReport],
    overrides: Overrides,
    options: BuildOptions = BuildOptions(),  # noqa: B008  a frozen value
    *,
    changed_health: Iterable[str] = (),
    now: float = 0.0,
) -> Build:
    """The build of what is given; `previous` None builds from scratch.

    `changed_health` must name every endpoint whose report differs from the one in the previous build. `now` in seconds
    on a clock that never goes back. Does not raise on invalid data: what is at fault keeps its last good entry and
    shows in `problems`.
    """
    work = _Work(previous or Build(), inventories, health, overrides, options, now)
    if work.memo.resumed:
        work.doubt_everything()
    for key in work.changed_services(changed_health):
        work.rebuild_service(key)
    work.take_specs()
    work.take_defaults()
    for id_ in sorted(work.with_variants(work.dirty_routes | work.overridden_routes())):
        work.rebuild_route(id_)
    for name in sorted(work.dirty_names):
        work.rebuild_name(name)
    return work.result()


class _Work:
    """One build in the making: drafts over the previous one, and what became dirty."""

    def __init__(
        self,
        previous: Build,
        inventories: Mapping[str, Inventory],
        health: Mapping[str, HealthReport],
        overrides: Overrides,
        options: BuildOptions,
        now: float,
    ) -> None:
        memo = previous.memo
        self.previous = previous
        self.memo = memo
        self.inventories = inventories
        self.health = health
        self.overrides = overrides
        self.options = options
        self.now = now
        self.defaults = default_layers(inventories)
        self.parts: Draft[str, Part] = Draft(sharded(memo.parts))
        self.services: Draft[str, Service] = Draft(previous.table.services)
        self.routes: Draft[str, Route] = Draft(previous.table.routes)
        self.names: Draft[str, DnsName] = Draft(sharded(previous.table.names))
        self.checks: Draft[str, CheckTarget] = Draft(sharded(previous.checks))
        self.claimants = Index(sharded(memo.claimants))
        self.sources = Index(sharded(memo.sources))
        self.hosts = Index(sharded(memo.hosts))
        self.variants = Index(memo.variants)
        self.askers = Index(memo.askers)
        self.owners: dict[str, Owner | None] = {}  # of the places looked at in this build
        self.users = Index(memo.users)
        self.specs: Draft[str, tuple[RouteSpec, ...]] = Draft(memo.specs)
        self.lingering: Draft[str, float] = Draft(memo.lingering)
        self.service_problems: Draft[str, tuple[Problem, ...]] = Draft(memo.service_problems)
        self.route_problems: Draft[str, tuple[Problem, ...]] = Draft(memo.route_problems)
        self.dirty_services: set[str] = set()
        self.dirty_routes: set[str] = set()
        self.dirty_names: set[str] = set()

    # ------------------------------------------------------------------------------------------------ what changed

    def doubt_everything(self) -> None:
        """Mark all that the previous table holds."""
        table = self.previous.table
        self.dirty_services.update(table.services)
        self.dirty_routes.update(table.routes)
        self.dirty_names.update(table.names)

    def changed_services(self, changed_health: Iterable[str]) -> list[str]:
        """Keys of the services to build again, sorted so that the outcome does not depend on the order of events."""
        dirty = self.dirty_services | set(self._reinventoried())
        for id_ in changed_health:
            check = self.previous.checks.get(id_)
            if check is not None:
                dirty.add(check.service)
        drained = self.overrides.drained ^ self.memo.overrides.drained
        if drained:
            dirty.update(key for key, part in self.memo.parts.items() if not part.handles.isdisjoint(drained))
        dirty.update(key for key, at in self.memo.lingering.items() if at <= self.now)
        return sorted(dirty)

    def _reinventoried(self) -> Iterator[str]:
        for provider in self.inventories.keys() | self.memo.inventories.keys():
            new = self.inventories.get(provider, _NOTHING).services
            old = self.memo.inventories.get(provider, _NOTHING).services
            if new is old:
                continue
            yield from (key for key, instances in new.items() if old.get(key) is not instances)
            if not new.keys() >= old.keys():
                yield from (key for key in old if key not in new)

    def overridden_routes(self) -> AbstractSet[str]:
        """Ids of the routes that a change of weights, modes or settings reaches."""
        old, new = self.memo.overrides, self.overrides
        targets = {
            target
            for before, after in (
                (old.weights, new.weights),
                (old.modes, new.modes),
                (old.messages, new.messages),
                (old.settings, new.settings),
            )
            if before is not after
            for target in before.keys() | after.keys()
            if before.get(target) != after.get(target)
        }
        found: set[str] = set()
        for target in targets:
            part = self.parts.get(target)
            found.update(part.groups if part is not None else ())
            found.update(self.users.get(target))
            found.update(self.hosts.get(target))
            if self.routes.get(target) is not None:
                found.add(target)
        return found

    # -------------------------------------------------------------------------------------------------- one service

    def rebuild_service(self, key: str) -> None:
        """Build the part of `key` and mark what it touches; a service that nothing is left of goes."""
        old = self.memo.parts.get(key)
        new: Part | None = build_part(
            key, self._seen(key, old), old, self.health, self.overrides.drained, self.options, self.now
        )
        assert new is not None
        self.service_problems.put(key, new.problems or None)
        if not new.live and not new.groups:
            new = None
        self.parts.changes[key] = new
        self.services.put(key, new.service if new else None)
        self.lingering.put(key, new.wake_at if new else None)
        self._take_checks(old, new)
        self._take_groups(key, old, new)
        self._take_names(key, old, new)
        if (old.shape if old else None) != (new.shape if new else None):
            self.dirty_routes.update(self.users.get(key))
        if key in self.services.changes:
            self.dirty_routes.update(self.askers.get(key))

    def _seen(self, key: str, old: Part | None) -> tuple[Instance, ...]:
        """The instances of all providers. Where nothing changed, the very tuple of the previous build."""
        tuples = [inventory.services[key] for inventory in self.inventories.values() if key in inventory.services]
        if len(tuples) == 1:
            return tuples[0]
        merged = tuple(sorted((i for each in tuples for i in each), key=lambda i: (i.created_at, i.id)))
        if old is not None and len(old.seen) == len(merged) and all(map(_same, old.seen, merged)):
            return old.seen
        return merged

    def _take_checks(self, old: Part | None, new: Part | None) -> None:
        before, after = (part.checks if part else {} for part in (old, new))
        if before is after:
            return
        for id_ in before.keys() - after.keys():
            # An instance that moved to another service is already watched there, if that one was built first.
            moved = self.checks.changes.get(id_)
            if moved is None:
                self.checks.put(id_, None)
        for id_, check in after.items():
            self.checks.put(id_, check)

    def _take_groups(self, key: str, old: Part | None, new: Part | None) -> None:
        before, after = (part.groups if part else {} for part in (old, new))
        if before is after:
            return
        for id_ in before.keys() | after.keys():
            if before.get(id_) == after.get(id_):
                continue
            self.dirty_routes.add(id_)
            if id_ in after:
                self.claimants.add(id_, key)
            else:
                self.claimants.remove(id_, key)

    def _take_names(self, key: str, old: Part | None, new: Part | None) -> None:
        before, after = (part.names if part else {} for part in (old, new))
        other_mode = old is not None and new is not None and old.dns is not new.dns
        for name, targets in after.items():
            if other_mode or before.get(name) != targets:
                self.dirty_names.add(name)
                if name not in before:
                    self.sources.add(name, key)
        for name in before.keys() - after.keys():
            self.dirty_names.add(name)
            self.sources.remove(name, key)

    # --------------------------------------------------------------------------------------------- routes and names

    def take_specs(self) -> None:
        """Follow the routes written in files. Costs a pass over all of them when one inventory's routes changed."""
        if not self._respecified():
            return
        specs: dict[str, tuple[RouteSpec, ...]] = {}
        for _provider, inventory in sorted(self.inventories.items()):
            for spec in inventory.routes:
                id_ = route_id(spec.host, spec.path, spec.match)
                specs[id_] = (*specs.get(id_, ()), spec)
        for id_ in specs.keys() | self.memo.specs.keys():
            before, after = self.memo.specs.get(id_, ()), specs.get(id_, ())
            if before != after:
                self.specs.put(id_, after or None)
                self.dirty_routes.add(id_)
                for service in _named(before) - _named(after):
                    self.users.remove(service, id_)
                for service in _named(after):
                    self.users.add(service, id_)

    def take_defaults(self) -> None:
        """Mark all routes where what files say of all of them changed."""
        if self.defaults != default_layers(self.memo.inventories):
            self.dirty_routes.update(self.previous.table.routes)

    def _respecified(self) -> bool:
        return self.memo.resumed or any(
            self.inventories.get(provider, _NOTHING).routes is not self.memo.inventories.get(provider, _NOTHING).routes
            for provider in self.inventories.keys() | self.memo.inventories.keys()
        )

    def rebuild_route(self, id_: str) -> None:
        """Build the route from its claims; mark its host's name where it comes or goes."""
        groups, specs = self._claims(id_)
        held = self.previous.table.routes.get(id_)
        owner = self._owner(place_of(id_))
        route: Route | None = None
        problems: tuple[Problem, ...] = ()
        if owner is not None:
            route, problems = build_route(groups, specs, owner, self.overrides, self._shapes(specs), self.defaults)
        if route is not None and (asked := asks(route)):
            route = answered(route, self.services.get(asked))
            self.askers.add(asked, id_)
        elif asks(held):
            self.askers.remove(asks(held), id_)
        if "#" in id_:
            change = self.variants.add if groups or specs else self.variants.remove
            change(place_of(id_), id_)
        self.routes.put(id_, route)
        self.route_problems.put(id_, problems or None)
        if route is not None:
            self.hosts.add(route.host, id_)
            self.dirty_names.add(route.host + ".")
        elif held is not None:
            self.hosts.remove(held.host, id_)
            self.dirty_names.add(held.host + ".")

    def with_variants(self, ids: AbstractSet[str]) -> set[str]:
        """`ids` and the routes for the same hosts and paths under other conditions, as one owner holds them all. Notes who
        is among `ids` for the first time."""
        found = set(ids)
        for id_ in ids:
            place = place_of(id_)
            if "#" in id_:
                self.variants.add(place, id_)
                found.add(place)
        for place in {place_of(id_) for id_ in found}:
            found.update(self.variants.get(place))
        return found

    def _claims(self, id_: str) -> tuple[list[Group], tuple[RouteSpec, ...]]:
        parts = [self.parts.get(key) for key in self.claimants.get(id_)]
        return [part.groups[id_] for part in parts if part is not None], self.specs.get(id_) or ()

    def _owner(self, place: str) -> Owner | None:
        """Who holds a host and path; decided once a build."""
        if place not in self.owners:
            ids = (place, *self.variants.get(place))
            claims = [self._claims(id_) for id_ in ids]
            held = (self.previous.table.routes.get(id_) for id_ in ids)
            self.owners[place] = owner_of(
                [group for groups, _ in claims for group in groups],
                [spec for _, specs in claims for spec in specs],
                next((route.owner for route in held if route is not None), None),
            )
        return self.owners[place]

    def _shapes(self, specs: tuple[RouteSpec, ...]) -> dict[str, Shape]:
        parts = {service: self.parts.get(service) for service in _named(specs)}
        return {service: part.shape for service, part in parts.items() if part is not None}

    def rebuild_name(self, key: str) -> None:
        """Build one DNS name; a key with a final dot is a route's host, answered with the router's address."""
        if key.endswith("."):
            self.names.put(key, self._host_name(key[:-1]) if self.hosts.get(key[:-1]) else None)
            return
        targets: dict[DnsTarget, None] = {}
        mode = DnsMode.DIRECT
        for source in self.sources.get(key):
            part = self.parts.get(source)
            if part is not None:
                targets.update(dict.fromkeys(part.names[key]))
                mode = part.dns if key in own_names(part.service) else mode
        name = DnsName(name=key, targets=tuple(targets), mode=mode, ttl_seconds=self.options.ttl_seconds)
        self.names.put(key, name if targets else None)

    def _host_name(self, host: str) -> DnsName:
        return DnsName(name=host, absolute=True, mode=DnsMode.PROXY, ttl_seconds=self.options.ttl_seconds)

    # ------------------------------------------------------------------------------------------------------ outcome

    def result(self) -> Build:
        """The finished build."""
        old = self.previous.table
        changed = self.routes.changes or self.services.changes or self.names.changes
        version = old.version + 1 if changed else old.version
        table = RoutingTable(
            version=version, routes=self.routes.done(), services=self.services.done(), names=self.names.done()
        )
        lingering = self.lingering.done()
        service_problems, route_problems = self.service_problems.done(), self.route_problems.done()
        return Build(
            table=table if changed else old,
            delta=Delta(
                base=old.version,
                version=version,
                routes=self.routes.changes,
                services=self.services.changes,
                names=self.names.changes,
            ),
            problems=self._problems(service_problems, route_problems),
            checks=self.checks.done(),
            checks_changed=tuple(check for check in self.checks.changes.values() if check is not None),
            checks_removed=tuple(id_ for id_, check in self.checks.changes.items() if check is None),
            wake_at=min(lingering.values(), default=None),
            memo=Memo(
                inventories=dict(self.inventories),
                overrides=self.overrides,
                parts=self.parts.done(),
                claimants=self.claimants.draft.done(),
                sources=self.sources.draft.done(),
                hosts=self.hosts.draft.done(),
                variants=self.variants.draft.done(),
                askers=self.askers.draft.done(),
                specs=self.specs.done(),
                users=self.users.draft.done(),
                lingering=lingering,
                service_problems=service_problems,
                route_problems=route_problems,
            ),
        )

    def _problems(self, *groups: Mapping[str, tuple[Problem, ...]]) -> tuple[Problem, ...]:
        found = [problem for _name, inventory in sorted(self.inventories.items()) for problem in inventory.problems]
        for group in groups:
            for key in sorted(group):
                found += group[key]
        return tuple(dict.fromkeys(found))


_NOTHING = Inventory(provider="", version=0)


def _same(one: object, other: object) -> bool:
    return one is other


def _named(specs: Iterable[RouteSpec]) -> set[str]:
    return {backend.service for spec in specs for backend in spec.backends}

"""One build in the making. `changed` says what is to be built again, `services`, `places` and `names` build it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidegate.building.draft import Draft, Index
from tidegate.building.layering import default_conflicts, default_layers
from tidegate.building.options import BuildOptions
from tidegate.building.outcome import Build, Memo
from tidegate.building.parts import Part
from tidegate.building.routes import Owner
from tidegate.errors import Problem
from tidegate.model import CheckTarget, DnsName, HealthReport, Inventory, Overrides, Route, RouteSpec, Service
from tidegate.routing import Delta, RoutingTable, sharded

NOTHING = Inventory(provider="", version=0)


class Work:
    """Drafts over the previous build, and what became dirty."""

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
        self.previews = Index(memo.previews)
        self.owners: dict[str, Owner | None] = {}  # of the places looked at in this build
        self.users = Index(memo.users)
        self.specs: Draft[str, tuple[RouteSpec, ...]] = Draft(memo.specs)
        self.lingering: Draft[str, float] = Draft(memo.lingering)
        self.service_problems: Draft[str, tuple[Problem, ...]] = Draft(memo.service_problems)
        self.route_problems: Draft[str, tuple[Problem, ...]] = Draft(memo.route_problems)
        self.dirty_services: set[str] = set()
        self.dirty_routes: set[str] = set()
        self.dirty_names: set[str] = set()

    def result(self) -> Build:
        """The finished build."""
        old = self.previous.table
        subnets = _subnets(self.inventories.values())
        resited = subnets != old.subnets
        changed = self.routes.changes or self.services.changes or self.names.changes or resited
        version = old.version + 1 if changed else old.version
        table = RoutingTable(
            version=version,
            routes=self.routes.done(),
            services=self.services.done(),
            names=self.names.done(),
            subnets=subnets,
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
                subnets=subnets if resited else None,
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
                previews=self.previews.draft.done(),
                specs=self.specs.done(),
                users=self.users.draft.done(),
                lingering=lingering,
                service_problems=service_problems,
                route_problems=route_problems,
            ),
        )

    def _problems(self, *groups: Mapping[str, tuple[Problem, ...]]) -> tuple[Problem, ...]:
        found = [problem for _name, inventory in sorted(self.inventories.items()) for problem in inventory.problems]
        found += default_conflicts(self.inventories)
        for group in groups:
            for key in sorted(group):
                found += group[key]
        return tuple(dict.fromkeys(found))


def _subnets(inventories: Iterable[Inventory]) -> tuple[str, ...]:
    """Where the containers of all providers are; nothing as long as one cannot say where its own are."""
    told = [inventory.subnets for inventory in inventories]
    if len(told) == 1:
        return told[0] or ()
    return () if None in told else tuple(sorted({text for each in told for text in each or ()}))

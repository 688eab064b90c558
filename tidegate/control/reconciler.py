"""The single owner of the table: takes what is seen, known and set; builds; publishes.

Everything offered within one turn of the event loop makes one build, at the end of that turn (`call_soon`), so that an
urgent removal waits for nothing and a burst costs one build per turn. Nothing built is published before every required
provider has spoken; until then the table remembered from disk serves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from msgspec import structs

from tidegate.building import Build, BuildOptions, build, resumed
from tidegate.control.changes import told
from tidegate.control.journal import Journal
from tidegate.control.ports import CheckFollower, Publisher
from tidegate.control.snapshot import Memory
from tidegate.errors import Problem
from tidegate.model import HealthReport, Inventory, Overrides
from tidegate.routing import Delta, RoutingTable
from tidegate.telemetry import Metrics, NullMetrics, logger


class Reconciler:
    """`required` are the names of providers to wait for; `complaints` tells what providers and checks complain of, `built` is called after
    each build. `clock` must not go back; it times lingering claims.

    Offer from the event loop's thread only. `run` must be running for lingering claims to end and for failures to be
    seen.
    """

    def __init__(
        self,
        publisher: Publisher,
        checks: CheckFollower,
        journal: Journal,
        *,
        required: Iterable[str] = (),
        options: BuildOptions = BuildOptions(),  # noqa: B008  a frozen value
        memory: Memory | None = None,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.monotonic,
        complaints: Callable[[], Iterable[Problem]] = tuple,
        built: Callable[[], None] = lambda: None,
    ) -> None:
        self._publisher = publisher
        self._complaints = complaints
        self._built = built
        self._checks = checks
        self._journal = journal
        self._waiting_for = set(required)
        self._excused: frozenset[str] = frozenset()  # set by `go_without`, until they speak
        self._options = options
        self._memory = memory
        self._metrics = metrics or NullMetrics()
        self._clock = clock
        self._build = Build()
        self._inventories: dict[str, Inventory] = {}
        self._health: dict[str, HealthReport] = {}
        self._changed_health: set[str] = set()
        self._overrides = Overrides()
        self._overrides_known = False
        self._own_problems: tuple[Problem, ...] = ()
        self._scheduled: asyncio.Handle | None = None  # set from the first offer of a turn to its build
        self._offered_at = 0.0  # when that first offer came
        self._since = 0.0  # when the oldest of what is not published yet was noticed
        self._wakeup: asyncio.TimerHandle | None = None  # set while a claim lingers
        self._failed: asyncio.Future[None] | None = None  # set while running; gets the exception of a failed build

    # ---------------------------------------------------------------------------------------------------- what it knows

    @property
    def current(self) -> Build:
        """The last build; its table is the published one."""
        return self._build

    @property
    def table(self) -> RoutingTable:
        """The published table."""
        return self._build.table

    @property
    def inventories(self) -> Mapping[str, Inventory]:
        """The newest inventory of each provider. A live view."""
        return self._inventories

    @property
    def health(self) -> Mapping[str, HealthReport]:
        """The newest report of each endpoint. A live view."""
        return self._health

    @property
    def overrides(self) -> Overrides:
        """The overrides in force."""
        return self._overrides

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that an operator should know of: of its own, of providers and checks (`complaints`), of the build. Looks
        at every endpoint, so it is for people who ask, not for each change."""
        return tuple(dict.fromkeys((*self._own_problems, *self._complaints(), *self._build.problems)))

    @property
    def waiting_for(self) -> frozenset[str]:
        """Required providers that have not spoken yet; `overrides` where those are not known."""
        return frozenset(self._waiting_for) | (frozenset() if self._overrides_known else {"overrides"})

    # ------------------------------------------------------------------------------------------------------ what it takes

    def resume(self) -> None:
        """Serve the table remembered on disk, if there is one, and believe its healthy endpoints. Before any offer."""
        if self._memory is None:
            return
        found, problem = self._memory.load()
        if problem is not None:
            self._own_problems = (problem,)
            self._journal.tell("problem", f"{problem.code} {problem.text}")
            logger("control").error("%s", problem)
        if found is None or not found.table.version:
            return
        self._build = resumed(found.table, self._clock())
        self._health = {report.endpoint: report for report in found.health}
        self._checks.assume(found.health)
        self._publish(
            Delta(
                base=0,
                version=found.table.version,
                routes=dict(found.table.routes),
                services=dict(found.table.services),
                names=dict(found.table.names),
                subnets=found.table.subnets,
            )
        )
        self._journal.tell("table", "serving the last known table", version=found.table.version)

    def offer_inventory(self, inventory: Inventory) -> None:
        """What a provider sees now."""
        self._inventories[inventory.provider] = inventory
        self._waiting_for.discard(inventory.provider)
        self._mark(inventory.since)

    def forget_inventory(self, provider: str) -> None:
        """There is no such provider any more."""
        if self._inventories.pop(provider, None) is not None:
            self._mark()

    def offer_health(self, report: HealthReport) -> None:
        """What is known of one endpoint now."""
        self._health[report.endpoint] = report
        self._changed_health.add(report.endpoint)
        self._mark()

    def offer_overrides(self, overrides: Overrides) -> None:
        """What the operator has set, all of it."""
        self._overrides = overrides
        self._overrides_known = True
        self._mark()

    def go_without(self, names: Iterable[str]) -> None:
        """Do not wait for these providers, which said that they cannot see anything; they stay in `waiting_for`. Does
        nothing where a table is remembered: to build without them would empty it."""
        excused = self._waiting_for.intersection(names)
        if not self._build.table.version and excused - self._excused:
            self._excused |= excused
            self._mark()

    def preview(self, overrides: Overrides) -> Build:
        """What the build would be with other overrides; nothing changes."""
        return build(self._build, dict(self._inventories), self._health, overrides, self._options, now=self._clock())

    def settle(self) -> int:
        """Build at once what this turn offered; the version of the published table."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._reconcile()
        return self.table.version

    async def run(self) -> None:
        """Stay until cancelled; raises what a build raised, which is a bug."""
        self._failed = asyncio.get_running_loop().create_future()
        self._mark()
        try:
            await self._failed
        finally:
            self._failed = None
            for handle in (self._scheduled, self._wakeup):
                if handle is not None:
                    handle.cancel()
            self._scheduled = self._wakeup = None

    # ------------------------------------------------------------------------------------------------------- what it does

    def _mark(self, since: float = 0.0) -> None:
        now = self._clock()
        since = since or now
        self._since = min(since, self._since or since)
        if self._scheduled is None:
            self._offered_at = now
            self._scheduled = asyncio.get_running_loop().call_soon(self._guarded)

    def _guarded(self) -> None:
        try:
            self._reconcile()
        except Exception as error:
            self._scheduled = None
            if self._failed is None or self._failed.done():
                raise
            self._failed.set_exception(error)

    def _reconcile(self) -> None:
        self._scheduled = None
        if self.waiting_for - self._excused:
            return
        old = self._build
        changed_health, self._changed_health = self._changed_health, set()
        made = build(
            old,
            dict(self._inventories),
            self._health,
            self._overrides,
            self._options,
            changed_health=changed_health,
            now=self._clock(),
        )
        self._build = made
        self._own_problems = self._own_problems if made.delta.empty else ()
        for id_ in made.checks_removed:
            self._health.pop(id_, None)
        # Before publishing: what the checker says at once to this (a restarted endpoint is starting) makes the next build.
        if made.checks_changed or made.checks_removed:
            self._checks.update(made.checks_changed, made.checks_removed)
        if not made.delta.empty:
            self._publish(structs.replace(made.delta, since=self._since))
        self._since = 0.0
        self._tell(old, made)
        self._arm(made.wake_at)
        self._built()
        self._metrics.observe("tidegate_control_publish_seconds", self._clock() - self._offered_at)

    def _publish(self, delta: Delta) -> None:
        table = self._build.table
        self._publisher.publish(table, delta)
        self._journal.step(delta)
        if self._memory is not None:
            self._memory.note(table)
        self._metrics.count("tidegate_control_publishes_total")
        self._metrics.gauge("tidegate_control_table_version", table.version)
        self._metrics.gauge("tidegate_control_routes", len(table.routes))
        self._metrics.gauge("tidegate_control_services", len(table.services))
        self._metrics.gauge("tidegate_control_names", len(table.names))

    def _tell(self, old: Build, made: Build) -> None:
        self._metrics.gauge("tidegate_control_endpoints", len(made.checks))
        self._metrics.gauge("tidegate_control_problems", len(self._own_problems) + len(made.problems))
        for kind, text in told(old, made):
            self._journal.tell(kind, text, version=made.table.version)

    def _arm(self, wake_at: float | None) -> None:
        if self._wakeup is not None:
            self._wakeup.cancel()
            self._wakeup = None
        if wake_at is not None:
            delay = max(0.0, wake_at - self._clock())
            self._wakeup = asyncio.get_running_loop().call_later(delay, self._mark)

"""Scaling of services by themselves: looks at each one whose containers ask for it, decides (`scaling.decide`), stores, then has
it done.

A look is due a few times in each period of the service's own. What is stored changes in one transaction with what follows
from it, and only when it has to last: at the end of a period, or when something is decided.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

from tidegate.control.copying import Copying
from tidegate.control.gathering import Gathered
from tidegate.control.journal import Journal
from tidegate.control.pace import Pace
from tidegate.control.reconciler import Reconciler
from tidegate.control.scalebook import Copies, ScaleBook
from tidegate.control.scaling import (
    Serving,
    asked_for,
    idle_copies,
    needs_traffic,
    orphans,
    replicas_of,
    serving,
    unknown,
)
from tidegate.elasticity import Metric, ScalingPolicy
from tidegate.errors import Conflict, StoreError
from tidegate.model import Instance
from tidegate.release.record import TIDEGATE, Release
from tidegate.scaling.decide import decide, look_seconds
from tidegate.scaling.record import Decision, Record
from tidegate.scaling.seen import Sight
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, logger
from tidegate.value import Value

TICK_SECONDS = 0.5
ORPHAN_SECONDS = 60.0  # an original that is made anew is back by then
WARM_SECONDS = 10.0  # after a start of ours, for checks to say again what they knew

_log = logger("control.scaling")


class FiguresPort(Protocol):
    """Measures, on all nodes; `gathering.Gathering` is one."""

    async def of(self, service: str, version: str, replicas: Iterable[Instance], *, everywhere: bool) -> Gathered:
        """What these replicas used, and what routers counted: those of all nodes where `everywhere`."""
        ...


class QueryPort(Protocol):
    """Asks a Prometheus; `promql.Prometheus` is one."""

    async def value(self, query: str) -> float | str:
        """The number, or in words why there is none."""
        ...


class CountPort(Protocol):
    """How many replicas there shall be of the services that Tidegate itself runs; the book of stacks is behind it."""

    def wanted(self, service: str) -> int | None:
        """The number; None for services that somebody else started."""
        ...

    def moving(self, service: str) -> str:
        """Why none of its replicas is to leave now; empty where nothing is against it."""
        ...

    async def want(self, service: str, before: int, number: int, why: str, when: float) -> None:
        """Store another number than `before`. Raises Conflict where that is not wanted any more, StoreError."""
        ...


class NoStacks:
    """Nothing is run by Tidegate."""

    def wanted(self, service: str) -> int | None:  # noqa: ARG002  the port's signature
        """Of nothing."""
        return None

    def moving(self, service: str) -> str:  # noqa: ARG002  as above
        """Nothing is."""
        return ""

    async def want(self, service: str, before: int, number: int, why: str, when: float) -> None:
        """Nobody asks."""
        raise AssertionError(f"{service} is nobody's: {number} after {before} at {when}, {why}")


class Standing(Value):
    """A scaled service as it stands: what it asks for, how many of its replicas there are, and the last look. `own` replicas
    were not made by Tidegate."""

    service: str
    version: str
    policy: ScalingPolicy
    wanted: int
    running: int
    own: int
    placed: bool = False  # Tidegate runs it
    decision: Decision | None = None
    changes: tuple[Decision, ...] = ()
    trouble: str = ""


class Autoscaling:
    """`records` gives the releases; `own` are the names of engines whose containers are ours to copy; `clock` is monotonic, `wall` gives
    seconds since the epoch. `on_duty` says of a service whether it is this node that acts. The others follow what it decides; but a
    service at zero is woken by the node whose routers hold requests for it, since nobody else sees them in time."""

    def __init__(
        self,
        book: ScaleBook,
        reconciler: Reconciler,
        records: Callable[[], tuple[Release, ...]],
        figures: FiguresPort,
        pace: Pace,
        queries: QueryPort,
        copying: Copying,
        journal: Journal,
        metrics: Metrics,
        tasks: Tasks,
        clock: Callable[[], float],
        wall: Callable[[], float],
        own: Collection[str],
        counts: CountPort | None = None,
        on_duty: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._on_duty = on_duty
        self.book = book
        self._engines = frozenset(own)
        self._counts: CountPort = counts or NoStacks()
        self._reconciler = reconciler
        self._records = records
        self._figures = figures
        self._pace = pace
        self._queries = queries
        self._copying = copying
        self._journal = journal
        self._metrics = metrics
        self._tasks = tasks
        self._clock = clock
        self._wall = wall
        self._due: dict[str, float] = {}  # on the clock, by service
        self._looking: set[str] = set()
        self._alone: dict[str, float] = {}  # services without an original, and since when on the clock
        self._standing: dict[str, Standing] = {}
        self._asked: tuple[tuple[tuple[str, int], ...], frozenset[str]] = ((), frozenset())
        self._warm_at = clock() + WARM_SECONDS

    @property
    def standing(self) -> Mapping[str, Standing]:
        """Every scaled service as it was at its last look."""
        return self._standing

    async def run(self) -> None:
        """Until cancelled."""
        async with self._tasks:
            self._tasks.spawn("book", self.book.run())
            while True:
                self.tick()
                await asyncio.sleep(TICK_SECONDS)

    def tick(self) -> None:
        """Begin the looks that are due."""
        if self._reconciler.waiting_for or not self.book.known or self._clock() < self._warm_at:
            return
        asked = self._asking()
        for service in self._standing.keys() - asked:
            self._drop(service)
        self._mourn(asked)
        now = self._clock()
        for service in sorted(asked - self._looking):
            due, ours = now >= self._due.get(service, 0.0), self._on_duty(service)
            if (due and ours) or self._called(service):
                self._looking.add(service)
                self._tasks.spawn(service, self._look_once(service))
            elif due and not ours:
                self._follow(service)

    async def look(self, service: str) -> Decision | None:
        """Look at a service, decide, store, have it done; None where it is not to be scaled now."""
        wanted = self._counts.wanted(service)
        found = self._serving(service)
        if found is None or (wanted is None and (found.placed or not found.near)):
            self._drop(service)
            return None
        self._due[service] = self._clock() + look_seconds(found.policy)
        sight = await self._sight(found, wanted)
        if self._counts.wanted(service) != wanted:
            self._due.pop(service, None)  # somebody said a number while figures were read: look again, from that one
            return None
        record, decision = decide(found.policy, sight, self.book.record(service), self._wall())
        await self._keep(found, record, decision, placed=wanted is not None)
        if wanted is None:
            inventories, table = self._reconciler.inventories, self._reconciler.table
            await self._copying.follow(found, max(decision.wanted - len(found.own), 0))
            self._copying.retire(idle_copies(found, inventories, table, self._records()))
        self._metrics.gauge("tidegate_scaling_wanted_replicas", decision.wanted, service=service)
        self._stands(found, record, decision, decision.wanted, placed=wanted is not None)
        return decision

    # --------------------------------------------------------------------------------------------------------- private

    def _serving(self, service: str) -> Serving | None:
        reconciler = self._reconciler
        return serving(service, reconciler.inventories, reconciler.table, self._records(), self._engines)

    def _follow(self, service: str) -> None:
        """Take what the node on duty stored of its decisions for how the service stands."""
        found = self._serving(service)
        if found is None:
            self._drop(service)
            return
        self._due[service] = self._clock() + look_seconds(found.policy)
        record, wanted = self.book.record(service), self._counts.wanted(service)
        number = wanted if wanted is not None else len(found.replicas)
        self._stands(found, record, record.decision, number, placed=wanted is not None)

    def _asking(self) -> frozenset[str]:
        """Services that want to be scaled; a pass over all only when something changed."""
        inventories = self._reconciler.inventories
        versions = tuple((name, each.version) for name, each in inventories.items())
        if versions != self._asked[0]:
            self._asked = (versions, asked_for(inventories))
        return self._asked[1]

    async def _look_once(self, service: str) -> None:
        try:
            await self.look(service)
        except (Conflict, StoreError) as error:  # what is stored holds; the next look decides again
            _log.warning("scaling of %s is not stored", service, extra={"cause": error.problems[0].text})
        finally:
            self._looking.discard(service)

    def _called(self, service: str) -> bool:
        """Whether our own routers hold requests for a service of which there is none."""
        return self._counts.wanted(service) == 0 and self._pace.waiting(service, self._reconciler.table) > 0

    async def _sight(self, found: Serving, wanted: int | None) -> Sight:
        everywhere = wanted != 0 and needs_traffic(found.policy)
        seen = await self._figures.of(found.service, found.version, found.replicas, everywhere=everywhere)
        paced = self._pace.of(found.service, found.version, seen.counted)
        whole = paced.figures
        faults: dict[Metric, str] = {}
        for target in found.policy.targets:
            if target.metric is Metric.QUERY:
                value = await self._queries.value(target.query)
                if isinstance(value, str):
                    faults[Metric.QUERY] = value
                else:
                    whole = {**whole, Metric.QUERY: value}
        trouble = self._copying.trouble(found.service)
        return Sight(
            current=wanted if wanted is not None else len(found.own) + self._number(found),
            replicas=replicas_of(found, self._reconciler.table, self._reconciler.health, seen.loads),
            whole=whole,
            faults=faults,
            partial=unknown(seen.missing, paced.new if everywhere and whole else ()),
            waiting=self._pace.waiting(found.service, self._reconciler.table) if wanted == 0 else 0,
            floor=max(len(found.own), 1) if wanted is None else 0,  # the last one is what copies are made of
            frozen=found.frozen or self._counts.moving(found.service),
            blind=found.blind or (f"no copy can be made: {trouble}" if trouble else ""),
        )

    def _number(self, found: Serving) -> int:
        """How many of ours are wanted: those that are there, where nobody ever said for this version, and while a release is under
        way, which replaces them one by one."""
        stored = self.book.copies(found.service)
        if stored is None or found.frozen or (stored.version, stored.held) != (found.version, found.held):
            return len(found.made)
        return stored.number

    async def _keep(self, found: Serving, record: Record, decision: Decision, *, placed: bool) -> None:
        before = self.book.record(found.service)
        if not decision.changes:
            if record.lasting() == before.lasting():
                self.book.remember(found.service, record)
            else:
                await self.book.commit(found.service, record)
            return
        if placed:
            # What is remembered first: a step that was not taken is decided again, one that was not noted twice taken.
            await self.book.commit(found.service, record)
            try:
                await self._counts.want(found.service, decision.current, decision.wanted, decision.why, decision.when)
            except Conflict:  # somebody else said a number: it was no step
                self.book.remember(found.service, before)
                raise
        else:
            number = max(decision.wanted - len(found.own), 0)
            copies = Copies(
                version=found.version,
                number=number,
                held=found.held,
                who=TIDEGATE,
                when=decision.when,
                why=decision.why,
            )
            await self.book.commit(found.service, record, copies)
        direction = "out" if decision.wanted > decision.current else "in"
        self._metrics.count("tidegate_scaling_changes_total", service=found.service, direction=direction)

    def _stands(self, found: Serving, record: Record, decision: Decision | None, wanted: int, *, placed: bool) -> None:
        self._tell(found.service, record, decision)
        self._standing[found.service] = Standing(
            service=found.service,
            version=found.version,
            policy=found.policy,
            wanted=wanted,
            running=len(found.replicas),
            own=len(found.own),
            placed=placed,
            decision=decision,
            changes=record.changes,
            trouble=self._copying.trouble(found.service),
        )

    def _tell(self, service: str, record: Record, decision: Decision | None) -> None:
        """Journal the changes since the service was last seen standing, whoever decided them."""
        before = self._standing.get(service)
        if before is not None:
            news = [each for each in record.changes if each not in before.changes]
        else:
            news = [decision] if decision is not None and decision.changes and self._on_duty(service) else []
        for each in news:
            text = f"{service}: {each.current} -> {each.wanted} replicas"
            self._journal.tell("scaling", text, who=TIDEGATE, why=each.why)

    def _mourn(self, asked: frozenset[str]) -> None:
        """Copies do not outlive the last container that they are copies of; then what is stored is forgotten too."""
        inventories = self._reconciler.inventories
        alone = {}
        for service in asked | self.book.services:
            left = orphans(service, inventories)
            there = self._counts.wanted(service) is not None or any(
                service in each.services for each in inventories.values()
            )
            if left or not there:
                alone[service] = self._alone.get(service, self._clock())
                if self._clock() >= alone[service] + ORPHAN_SECONDS:
                    self._bury(service, left)
        self._alone = alone

    def _bury(self, service: str, left: tuple[Instance, ...]) -> None:
        if left:
            self._copying.retire(each for each in left if each.provider in self._engines)
        elif service in self.book.services and service not in self._looking and self._on_duty(service):
            self._looking.add(service)
            self._tasks.spawn(f"forget {service}", self._forget_once(service))

    async def _forget_once(self, service: str) -> None:
        try:
            await self.book.forget(service)
        except (Conflict, StoreError) as error:
            _log.warning("scaling of %s is not forgotten", service, extra={"cause": error.problems[0].text})
        finally:
            self._looking.discard(service)

    def _drop(self, service: str) -> None:
        """It is not scaled any more; what is stored stays for when it comes back."""
        self._standing.pop(service, None)
        self._due.pop(service, None)
        self._pace.forget(service)

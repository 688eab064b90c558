"""Follows the endpoints there are, checks them on time, and reports each change at once.

One heap of due times and one timer drive every check; a check is a task only while it runs. What is in flight is
bounded: when all slots are taken, the checks that are due wait in order of their due time. Cost follows the change:
`update` touches only what it names, a check that changes nothing allocates next to nothing.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Callable, Iterable, Mapping

from tidegate.errors import Problem
from tidegate.healthcheck import probes
from tidegate.healthcheck.faults import problem
from tidegate.healthcheck.probes import Exec
from tidegate.healthcheck.state import (
    HURRY_SECONDS,
    UNPROBED,
    Outcome,
    Standing,
    Verdict,
    after,
    assumed,
    next_check,
    suspected,
    with_engine,
)
from tidegate.model import Address, CheckTarget, HealthReport, HealthSource, HealthState, ProbeKind, ProbeSpec
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics, NullMetrics, logger

__all__ = ["Checker", "Exec"]

IN_FLIGHT = 512  # checks at once: half of the usual limit of 1 024 file descriptors
COMMANDS_IN_FLIGHT = 16  # of them commands: each costs the engine a process
JITTER = 0.1  # share of the interval that a check may come earlier or later
CANDIDATE_SECONDS = 0.3  # for each address but the last: a network that drops our packets must not cost the start
TICK_SECONDS = 0.01  # checks due within one tick start together


class _Watched:
    """The live side of one endpoint."""

    __slots__ = ("address", "checked", "due", "running", "standing", "target")

    def __init__(self, target: CheckTarget, standing: Standing) -> None:
        self.target: CheckTarget | None = target  # None once it is no longer followed
        self.standing = standing
        self.address: Address | None = (
            None  # the verified one; None until one accepted, and again after `fall` failures
        )
        self.due: float | None = None  # the heap entry that counts; None while running, or waiting for a passive fact
        self.running = False
        self.checked = -HURRY_SECONDS  # when the last check ended


class Checker:
    """`execute` runs commands in containers; `on_report` gets each change, synchronously, in the order it was seen."""

    def __init__(
        self,
        execute: Exec,
        on_report: Callable[[HealthReport], None],
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
        metrics: Metrics | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._execute = execute
        self._on_report = on_report
        self._clock = clock
        self._wall = wall
        self._rng = rng or random.Random()  # noqa: S311  spreads load, keeps no secret
        self._metrics = metrics or NullMetrics()
        self._watched: dict[str, _Watched] = {}
        self._reports: dict[str, HealthReport] = {}
        self._assumed: dict[str, HealthReport] = {}  # of before the restart, each used once
        self._heap: list[tuple[float, int, _Watched]] = []
        self._numbers = 0  # breaks ties in the heap
        self._in_flight = 0
        self._commands = 0
        self._tasks: Tasks | None = None  # set while running
        self._wakeup: asyncio.TimerHandle | None = None  # the one timer; set while a check is due in future
        self._wakeup_due = 0.0  # what it was set for, on our clock

    @property
    def reports(self) -> Mapping[str, HealthReport]:
        """What is known now, by endpoint. A live view: read it, do not keep it."""
        return self._reports

    def problems(self) -> tuple[Problem, ...]:
        """What keeps endpoints from traffic now. Looks at every endpoint: for people who ask, not for each change."""
        pairs = ((watched.target, self._reports.get(endpoint)) for endpoint, watched in self._watched.items())
        found = (problem(target, report) for target, report in pairs if target is not None and report is not None)
        return tuple(each for each in found if each is not None)

    def assume(self, reports: Iterable[HealthReport]) -> None:
        """What was known before a restart. Call before the first `follow`; only HEALTHY ones are believed."""
        self._assumed = {report.endpoint: report for report in reports if report.state is HealthState.HEALTHY}

    def follow(self, targets: Mapping[str, CheckTarget]) -> None:
        """Watch exactly these, by endpoint id. What is equal to before is left alone."""
        self.update(targets.values(), [endpoint for endpoint in self._watched if endpoint not in targets])

    def update(self, changed: Iterable[CheckTarget], removed: Iterable[str] = ()) -> None:
        """Watch `changed` as they are now, and no longer those `removed`. Costs what changed."""
        for endpoint in removed:
            self._forget(endpoint)
        for target in changed:
            watched = self._watched.get(target.endpoint)
            if watched is None or watched.target is None or watched.target.started_at != target.started_at:
                self._begin(target)
            elif watched.target is not target and watched.target != target:
                self._change(watched, target)
        self._metrics.gauge("tidegate_health_endpoints", len(self._watched))
        self._arm()

    def passive(self, endpoint: str, reason: str) -> None:
        """A router's request failed there (`reason`): check it at once. Unknown endpoints are ignored."""
        watched = self._watched.get(endpoint)
        if watched is None or watched.running or watched.standing.probe is not HealthState.HEALTHY:
            return  # nothing to suspect, or a check is on its way
        logger("health").debug("suspected", extra={"endpoint": endpoint, "reason": reason})
        self._metrics.count("tidegate_health_suspicions_total")
        watched.standing = suspected(watched.standing)
        # One check after another, but not back to back: each failed request may report one.
        delay = max(0.0, watched.checked + HURRY_SECONDS - self._clock())
        if watched.due is None or watched.due > self._clock() + delay:
            self._plan(watched, delay)
            self._arm()

    async def run(self) -> None:
        """Check until cancelled. A bug in a check ends it with that error."""
        async with Tasks("health") as tasks:
            self._tasks = tasks
            try:
                self._turn()
                await asyncio.get_running_loop().create_future()  # until cancelled: the timer does the work
            finally:
                self._tasks = None
                if self._wakeup is not None:
                    self._wakeup.cancel()
                    self._wakeup = None

    # ------------------------------------------------------------------------------------------- what is followed

    def _begin(self, target: CheckTarget) -> None:
        self._forget(target.endpoint)
        delay = self._initial_delay(target)
        standing = Standing(waiting_since=self._clock() + delay, engine=target.engine_health)
        watched = self._watched[target.endpoint] = _Watched(target, standing)
        before = self._assumed.pop(target.endpoint, None)
        believed = before is not None and before.address in target.candidates and before.since >= target.started_at
        if before is not None and believed:
            watched.address = before.address
            watched.standing = assumed(standing)
            # Everything is assumed at once after a restart, and must not be checked at once.
            self._plan(watched, _spec(target).interval_seconds * self._rng.random())
        else:
            self._plan(watched, delay)
        self._report(watched, target)

    def _change(self, watched: _Watched, target: CheckTarget) -> None:
        watched.target = target
        watched.standing = with_engine(watched.standing, target.engine_health)
        if watched.address is not None and watched.address not in target.candidates:
            watched.address = None
            watched.standing = suspected(watched.standing)
        if not watched.running and (watched.address is None or watched.standing.probe is not HealthState.HEALTHY):
            self._plan(watched, self._initial_delay(target))
        self._report(watched, target)

    def _forget(self, endpoint: str) -> None:
        watched = self._watched.pop(endpoint, None)
        if watched is not None:
            watched.target = watched.due = None
            self._reports.pop(endpoint, None)

    def _initial_delay(self, target: CheckTarget) -> float:
        """Counted from the start of the container; never longer than asked, should the engine's clock be ahead."""
        delay = _spec(target).initial_delay_seconds
        return min(delay, max(0.0, target.started_at + delay - self._wall()))

    # ------------------------------------------------------------------------------------------------------- when

    def _plan(self, watched: _Watched, delay: float) -> None:
        watched.due = self._clock() + delay
        self._numbers += 1
        heapq.heappush(self._heap, (watched.due, self._numbers, watched))

    def _arm(self) -> None:
        """See that the timer rings when the next check is due."""
        if self._tasks is None:
            return
        self._drop_stale()
        if not self._heap:
            return
        due = self._heap[0][0]
        if self._wakeup is not None:
            if self._wakeup_due <= due:
                return
            self._wakeup.cancel()
        self._wakeup_due = due
        self._wakeup = asyncio.get_running_loop().call_later(max(0.0, due - self._clock()), self._ring)

    def _ring(self) -> None:
        self._wakeup = None
        self._turn()

    def _turn(self) -> None:
        """Start what is due, as far as slots are free."""
        limit = self._clock() + TICK_SECONDS
        held: list[_Watched] = []  # commands that found no slot
        self._drop_stale()
        while self._heap and self._heap[0][0] <= limit and self._in_flight < IN_FLIGHT:
            watched = heapq.heappop(self._heap)[2]
            if _is_command(watched) and self._commands >= COMMANDS_IN_FLIGHT:
                held.append(watched)
            else:
                self._start(watched)
            self._drop_stale()
        for watched in held:
            self._plan(watched, TICK_SECONDS * 5)
        if self._in_flight < IN_FLIGHT:
            self._arm()

    def _drop_stale(self) -> None:
        while self._heap and self._heap[0][2].due != self._heap[0][0]:
            heapq.heappop(self._heap)

    # ------------------------------------------------------------------------------------------------------ checks

    def _start(self, watched: _Watched) -> None:
        assert self._tasks is not None, "only a running checker turns"
        assert watched.target is not None, "what is no longer followed has no due time"
        watched.due = None
        watched.running = True
        self._in_flight += 1
        self._commands += _is_command(watched)
        self._tasks.spawn(watched.target.endpoint, self._check(watched, watched.target))

    async def _check(self, watched: _Watched, target: CheckTarget) -> None:
        try:
            address, outcome = await self._ask(target, watched.address)
        finally:
            watched.running = False
            self._in_flight -= 1
            self._commands -= target.probe is not None and target.probe.kind is ProbeKind.COMMAND
        if watched.target is not None:
            self._conclude(watched, watched.target, address, outcome)
        self._turn()

    async def _ask(self, target: CheckTarget, address: Address | None) -> tuple[Address | None, Outcome]:
        """The address that accepts (the verified one, if there is one) and what the probe says there."""
        spec = _spec(target)
        if address is None:
            address, outcome = await _choose(target.candidates, spec.timeout_seconds)
            if address is None or target.probe is None:
                return address, outcome
        if spec.kind is ProbeKind.HTTP:
            return address, await probes.http(_at(address, target, spec), spec.path, spec.timeout_seconds)
        if spec.kind is ProbeKind.COMMAND:
            return address, await probes.command(self._execute, target.instance, spec.command, spec.timeout_seconds)
        return address, await probes.tcp(_at(address, target, spec), spec.timeout_seconds)

    def _conclude(self, watched: _Watched, target: CheckTarget, address: Address | None, outcome: Outcome) -> None:
        spec, now = _spec(target), self._clock()
        watched.checked = now
        if address is not None and address not in target.candidates:
            self._plan(watched, 0.0)  # it moved while it was checked: this outcome is about where it was
            return
        watched.address = address
        watched.standing = after(watched.standing, outcome, spec, now)
        if watched.standing.probe is HealthState.UNHEALTHY:
            watched.address = None  # choose again: it may have moved to another network
        self._metrics.count("tidegate_health_checks_total", kind=spec.kind.value, verdict=outcome.verdict.value)
        delay = next_check(watched.standing, outcome, spec, target.probe is not None, now)
        if delay is None and watched.address is None:
            delay = spec.interval_seconds
        if delay is not None:
            self._plan(watched, delay * (1 - JITTER + 2 * JITTER * self._rng.random()))
        self._report(watched, target)

    # ----------------------------------------------------------------------------------------------------- reports

    def _report(self, watched: _Watched, target: CheckTarget) -> None:
        """Tell what changed: state, source of it, or address."""
        old, new = self._reports.get(target.endpoint), watched.standing
        judge = HealthSource.NODE if target.judge else HealthSource.ENGINE
        source = judge if new.engine_decides else new.source
        address = watched.address or (old.address if old is not None else None)
        if address not in target.candidates:
            address = None
        if old is not None and (old.state, old.source, old.address) == (new.state, source, address):
            return
        report = HealthReport(
            endpoint=target.endpoint,
            state=new.state,
            source=source,
            since=old.since if old is not None and old.state is new.state else self._wall(),
            reason=f"{target.judge or 'engine'} says {new.engine.value}" if new.engine_decides else new.reason,
            address=address,
            failures=new.failures,
        )
        self._reports[target.endpoint] = report
        self._metrics.count("tidegate_health_changes_total", state=report.state.value, source=source.value)
        self._on_report(report)


async def _choose(candidates: tuple[Address, ...], timeout_seconds: float) -> tuple[Address | None, Outcome]:
    """The first candidate that accepts a connection; else None and the most telling failure (a refusal, if any)."""
    worst = Outcome(verdict=Verdict.FAILED, reason="no address to connect to")
    for candidate in candidates:
        last = candidate is candidates[-1]
        outcome = await probes.tcp(candidate, timeout_seconds if last else min(timeout_seconds, CANDIDATE_SECONDS))
        if outcome.ok:
            return candidate, outcome
        if worst.verdict is not Verdict.REFUSED:
            worst = outcome
    return None, worst


def _spec(target: CheckTarget) -> ProbeSpec:
    return target.probe or UNPROBED


def _is_command(watched: _Watched) -> bool:
    target = watched.target
    return target is not None and target.probe is not None and target.probe.kind is ProbeKind.COMMAND


def _at(address: Address, target: CheckTarget, spec: ProbeSpec) -> Address:
    """Where the probe asks. A port of its own is one inside the container: it holds on the container's own address, and
    on another one (a published port) only where it is the endpoint's port, which that address stands for."""
    own = target.endpoint.rpartition(":")[2]
    if not spec.port or str(spec.port) == own or str(address.port) != own:
        return address
    return Address(host=address.host, port=spec.port)

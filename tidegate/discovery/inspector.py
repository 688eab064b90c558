"""Inspects containers when their turn has come: a few at a time, each one at a time, and again later where that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from tidegate.discovery.agenda import LONGEST_SECONDS, Agenda
from tidegate.engine.port import ContainerDetail, Engine
from tidegate.errors import EngineError, NoSuchThing, Problem, Severity
from tidegate.model import Instance
from tidegate.tasks import Tasks
from tidegate.telemetry import Metrics

CONCURRENT_INSPECTS = 8
INSPECT_SECONDS = 5.0
RETRY_SECONDS = (1.0, 30.0)  # first and longest wait after a failed inspect


class Sink(Protocol):
    """Who learns what was found."""

    def found(self, detail: ContainerDetail) -> None:
        """What the engine says of a container now."""
        ...

    def gone(self, container: str) -> None:
        """The engine knows it no more."""
        ...

    def settled(self, container: str) -> None:
        """It was looked at."""
        ...

    def shown(self, container: str) -> Instance | None:
        """What is shown of it."""
        ...


class Inspector:
    """Of the provider called `name`. `clock` is the loop's."""

    def __init__(self, engine: Engine, name: str, sink: Sink, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._name = name
        self._sink = sink
        self._metrics = metrics
        self._clock = clock
        self._agenda = Agenda()
        self._work = asyncio.Event()  # the agenda got something
        self._failures: dict[str, tuple[int, Problem]] = {}  # inspects failed in a row

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Containers that cannot be inspected."""
        return tuple(problem for _, problem in self._failures.values())

    def mark(self, container: str, *, urgent: bool = False) -> None:
        """Look at it after a quiet while, or at once."""
        self._agenda.mark(container, self._clock(), urgent=urgent)
        self._work.set()

    def postpone(self, container: str, due: float) -> None:
        """Look at it at `due`, unless something asks for it earlier."""
        self._agenda.postpone(container, due)
        self._work.set()

    def forget(self, container: str) -> None:
        """It is gone."""
        self._agenda.forget(container)
        self._failures.pop(container, None)

    def is_running(self, container: str) -> bool:
        """Whether an answer about it is under way."""
        return self._agenda.is_running(container)

    def is_due(self, container: str) -> bool:
        """Whether it is looked at now or as soon as it is quiet."""
        return self._agenda.is_due(container, self._clock() + LONGEST_SECONDS)

    async def run(self) -> None:
        """Until cancelled."""
        places = asyncio.Semaphore(CONCURRENT_INSPECTS)
        async with Tasks(f"discovery.{self._name}.inspect") as tasks:
            while True:
                await places.acquire()
                container = await self._next()
                tasks.spawn(container[:12], self._inspect(container, places))

    # --------------------------------------------------------------------------------------------------------- private

    async def _next(self) -> str:
        """The next container whose turn it is."""
        while True:
            self._work.clear()
            container = self._agenda.take(self._clock())
            if container is not None:
                return container
            due = self._agenda.next_due()
            try:
                async with asyncio.timeout(None if due is None else max(0.0, due - self._clock())):
                    await self._work.wait()
            except TimeoutError:
                continue

    async def _inspect(self, container: str, places: asyncio.Semaphore) -> None:
        looked = False
        try:
            await self._look(container)
            looked = True
        finally:
            if not looked:  # the session is ending; the next one must look again
                self._agenda.mark(container, self._clock())
            self._agenda.done(container)
            places.release()
            self._work.set()
        self._sink.settled(container)

    async def _look(self, container: str) -> None:
        self._metrics.count("tidegate_discovery_inspects_total", provider=self._name)
        try:
            async with asyncio.timeout(INSPECT_SECONDS):
                detail = await self._engine.inspect(container)
        except NoSuchThing:
            self._sink.gone(container)
        except (EngineError, TimeoutError) as error:
            self._failed(container, error)
        else:
            self._failures.pop(container, None)
            self._sink.found(detail)

    def _failed(self, container: str, error: Exception) -> None:
        """Keep what is known and look again later; a container that hangs must not hold up others."""
        times = self._failures[container][0] + 1 if container in self._failures else 1
        self._metrics.count("tidegate_discovery_inspect_failures_total", provider=self._name)
        self._failures[container] = (times, self._problem(container, error))
        first, longest = RETRY_SECONDS
        self._agenda.postpone(container, self._clock() + min(first * 2 ** min(times - 1, 10), longest))

    def _problem(self, container: str, error: Exception) -> Problem:
        instance = self._sink.shown(container)
        return Problem(
            code="T1241",
            text=f"container {instance.name if instance else container[:12]} cannot be inspected",
            place=self._engine.name,
            cause=f"no answer within {INSPECT_SECONDS:g} s" if isinstance(error, TimeoutError) else str(error),
            mend="see whether it hangs while starting or stopping: docker inspect answers only when it is done",
            kept="what was known of it stays in force" if instance else "it is not routed",
            severity=Severity.WARNING,
        )

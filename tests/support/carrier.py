"""A release carried on by the pure rules, its acts carried out by the real executor on one engine. No traffic, no store.

A container that runs counts as ready, and every table as live.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from msgspec.structs import replace

from tidegate.control.engines import Engines
from tidegate.control.executor import Executor
from tidegate.control.lookout import Lookout
from tidegate.model import InstanceState
from tidegate.release.acts import acts
from tidegate.release.advance import advance
from tidegate.release.gates import RestartGate
from tidegate.release.record import State, begun
from tidegate.release.seen import Seen
from tidegate.release.spec import Change, Side, Slot
from tidegate.release.strategies import Options, asked
from tidegate.tasks import Tasks

DEADLINE = 60.0
SERVICE = "shop/web"


class Carrier:
    """`old` are the containers of the old version: id -> name."""

    def __init__(self, engine):
        self.engines = Engines({"engine": engine})
        self.release = None
        self.old = {}

    def begin(self, strategy, prefix, change=None, **options):
        """Ask for a release of as many new containers as there are old ones, watched for no time unless said otherwise."""
        usual = {"hold_seconds": 0.0, "confirm": False, "retain_seconds": 0.0, "min_healthy_seconds": 0.0}
        spec = asked(
            Options(strategy=strategy, gates=(RestartGate(),), stop_seconds=2.0, **usual | options),
            Side(service=SERVICE, version="v1"),
            Side(service=SERVICE, version="v2"),
            stables=len(self.old),
            replicas=len(self.old),
            slots=tuple(Slot(container=container, node="engine") for container in self.old),
            prefix=prefix,
            change=change or Change(environment={"COLOUR": "green"}),
        )
        self.release = begun(spec, 1, time.time(), "tester")

    async def run(self, patience=DEADLINE, until=None):
        """Until the record is closed, or in a state. `patience` is how long one controller lives before another takes its
        place, with nothing in its memory."""
        async with asyncio.timeout(DEADLINE):
            while not self._over(until):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        await self._live(until)

    def _over(self, until):
        return self.release.closed or self.release.state in (State.FAILED, until)

    async def _live(self, until):
        """The life of one controller; what it had begun is cut off at its end."""
        woken = asyncio.Event()
        async with Tasks("test") as tasks:
            executor = Executor(self.engines, tasks, lambda _: woken.set())
            while True:
                woken.clear()
                seen = await self.seen(executor)
                after = advance(self.release, seen, time.time())
                while after is not self.release:
                    self.release = after
                    after = advance(self.release, seen, time.time())
                if self._over(until):
                    return
                executor.carry_out(self.release, acts(self.release, seen))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), 0.1)

    async def seen(self, executor=None):
        """What there is, as the record is told."""
        found = await Lookout(self.engines).look(self.release, [("engine", container) for container in self.old])
        if found is None:
            return Seen(whole=False)
        shown = [
            replace(
                each, idle=True, ready_since=1.0 if each.state is InstanceState.RUNNING and not each.restarts else 0.0
            )
            for each in found.values()
        ]
        return Seen(
            stable=tuple(each for each in shown if each.id in self.old),
            candidate=tuple(each for each in shown if each.id not in self.old),
            live=True,
            busy=executor is not None and executor.busy(self.release),
            faults=executor.faults(self.release) if executor is not None else (),
            images=executor.images(self.release) if executor is not None else {},
        )

"""The hosts of `hosts` and what they share: who leads, where replicas are, and a phase under load.

Where replicas are is read from the admin API each half second, what runs from the engines.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import TypeVar

import click

from bench.macro import shop
from bench.macro.hosts_phase import Phase
from bench.macro.placed import Placed, doubled, placed
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent
from tests.support.cli import ROOT
from tests.support.hosts import Host
from tests.support.load import Load
from tidegate.engine.docker import DockerEngine
from tidegate.errors import EngineError
from tidegate.model import InstanceState
from tidegate.stacks.naming import PLACE_LABEL
from tidegate.tasks import Tasks

BENCH, CASE = "hosts", "Three engines, three etcd members"
LOADED = {"web": 40.0, "api": 10.0}  # requests a second, at each router
CONNECTIONS = 4
LOOK_SECONDS = 0.5
BEFORE_SECONDS, AFTER_SECONDS = 2.0, 5.0
REACH_SECONDS = 120.0
TELL_SECONDS = 10.0  # for every node to hear of what has just changed

T = TypeVar("T")


class Stage:
    """The hosts, what they share, and how phases are played on them."""

    def __init__(self, made: list[Host], store: str, plan: Plan, record: Record) -> None:
        self.hosts = made
        self.store = store
        self.file = plan.folder / "compose.yaml"
        self.record = record

    def host(self, name: str) -> Host:
        return next(each for each in self.hosts if each.name == name)

    def others(self, host: Host) -> list[Host]:
        return [each for each in self.hosts if each is not host]

    async def placed(self, host: Host) -> Placed:
        """The places as a host knows them."""
        return placed(await host.api(f"/v1/stacks/{shop.NAME}"))

    async def leader(self) -> Host:
        """The host whose node leads."""
        return self.host(await eventually(self._leading, REACH_SECONDS, "no node leads"))

    async def fullest(self, *without: Host) -> Host:
        """The host with the most replicas, of the others."""
        now = await self.placed(self.hosts[0])
        return max((each for each in self.hosts if each not in without), key=lambda each: now.on(each.name))

    async def running(self) -> list[str]:
        """The place of each container that runs, on whichever engine."""
        found: list[str] = []
        for host in self.hosts:
            engine = DockerEngine(host.engine.url)
            with contextlib.suppress(EngineError):
                rows = await engine.list()
                found += [row.labels[PLACE_LABEL] for row in rows if _runs(row.state) and PLACE_LABEL in row.labels]
            await engine.close()
        return found

    async def reached(self) -> list[str]:
        """What is wrong with routes and names, asked on each host, and told; what goes away within some seconds is not."""
        deadline = time.monotonic() + TELL_SECONDS
        while found := [f"{host.name}: {line}" for host in self.hosts for line in await _reach(host)]:
            if time.monotonic() > deadline:
                break
        for line in found:
            click.echo(f"  not reached: {line}", err=True)
        return found

    @contextlib.asynccontextmanager
    async def phase(self, name: str, through: Collection[Host], without: str = "") -> AsyncIterator[Phase]:
        """Load through the routers of some hosts for as long as the block takes, and some seconds more."""
        told = next(iter(through))
        phase = Phase(name, await self.placed(told), without)
        async with contextlib.AsyncExitStack() as stack, Tasks("hosts") as tasks:
            for host in through:
                for service, rate in LOADED.items():
                    load = Load(host.http, shop.site(service), rate=rate, connections=CONNECTIONS)
                    phase.loads.append(await stack.enter_async_context(load))
            watching = tasks.spawn("watch", self._watch(phase, told))
            await asyncio.sleep(BEFORE_SECONDS)
            phase.strike()
            yield phase
            await asyncio.sleep(AFTER_SECONDS)
            watching.cancel()
        double = doubled(await self.running())
        phase.more |= {"doubles": float(max(len(double), phase.now.twice()))}
        for slot in double:
            click.echo(f"  two containers: {slot}", err=True)
        self._tell(phase)

    async def settle(self, those: Collection[Host], seconds: float = REACH_SECONDS) -> None:
        """Until all that is wanted runs where it is to, once."""
        told = next(iter(those))

        async def settled() -> bool:
            with contextlib.suppress(OSError, EOFError, TimeoutError, AssertionError):
                now = await self.placed(told)
                return now.settled and not now.twice() and not doubled(await self.running())
            return False

        await eventually(settled, seconds, "the stack is not settled")

    async def _leading(self) -> str:
        for host in self.hosts:
            with contextlib.suppress(OSError, EOFError, TimeoutError, AssertionError):
                for node in (await host.api("/v1/nodes"))["nodes"]:
                    if node["leader"] and node["state"] == "ready":
                        return str(node["name"])
        return ""

    async def _watch(self, phase: Phase, told: Host) -> None:
        while True:
            with contextlib.suppress(OSError, EOFError, TimeoutError, AssertionError):
                phase.see(await self.placed(told))
            await asyncio.sleep(LOOK_SECONDS)

    async def whole(self) -> None:
        """Until everything is as it was, and reached from everywhere: before the next phase."""
        await self.settle(self.hosts)
        await self.reached()

    def _tell(self, phase: Phase) -> None:
        self.record.add(BENCH, CASE, phase.name, 1, **phase.figures())
        for load in phase.loads:
            if load.failures:
                click.echo(f"  {load.where[0]}: {load.told()}", err=True)
                late = [each.began - phase.struck for each in load.failures]
                click.echo(f"  failures began {min(late):.1f} to {max(late):.1f} s after", err=True)


async def until(true: Callable[[], bool], seconds: float = REACH_SECONDS) -> None:
    """Wait for it; where it does not come, the figures say so."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:  # noqa: ASYNC110  who knows is another process
        await asyncio.sleep(LOOK_SECONDS)


async def eventually(question: Callable[[], Awaitable[T]], seconds: float, otherwise: str) -> T:
    """The first answer that is true. Raises Absent."""
    deadline = time.monotonic() + seconds
    while not (answer := await question()):
        if time.monotonic() > deadline:
            raise Absent(f"{otherwise} within {seconds:g} s")
        await asyncio.sleep(LOOK_SECONDS)
    return answer


def _runs(state: InstanceState) -> bool:
    return state in (InstanceState.RUNNING, InstanceState.PAUSED, InstanceState.DRAINING)


async def _reach(host: Host) -> list[str]:
    """What `reach` says on a host."""
    process = await asyncio.create_subprocess_exec(
        *(*host.inside, sys.executable, "-m", "bench.macro.reach", host.address),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    async with asyncio.timeout(REACH_SECONDS):
        out, _ = await process.communicate()
    return out.decode().split("\n")[:-1] if process.returncode else []

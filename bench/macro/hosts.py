"""Three hosts with an engine and an etcd member each, a stack over all of them, and what goes wrong with hosts and stores, under load.

Hosts are network namespaces. The load comes from none of them, to the router of each that is to live: requests on a fixed schedule over
kept connections, nothing is asked twice. What `up` placed is `macro/shop`; where replicas are is read from the admin API each half second,
what runs from the engines.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from pathlib import Path
from typing import TypeVar

import click
import pytest

from bench.macro import shop
from bench.macro.placed import Placed, doubled, placed
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent
from tests.support.cli import ROOT
from tests.support.containers import ensure_images
from tests.support.hosts import Host, hosts
from tests.support.load import Load
from tests.support.serve import STARTED
from tidegate.engine.docker import DockerEngine
from tidegate.errors import EngineError
from tidegate.model import InstanceState
from tidegate.stacks.naming import PLACE_LABEL
from tidegate.tasks import Tasks

BENCH, CASE = "hosts", "Three engines, three etcd members"
OURS = "tidegate"
LOADED = {"web": 40.0, "api": 10.0}  # requests a second, at each router
CONNECTIONS = 4
LOOK_SECONDS = 0.5
BEFORE_SECONDS, AFTER_SECONDS = 2.0, 5.0
FIRST_SECONDS = 2.0  # after a disturbance: what fails in them is counted apart
REACH_SECONDS = 120.0
AWAY_SECONDS = 60.0  # etcd
PART_SECONDS = 20.0
TELL_SECONDS = 10.0  # for every node to hear of what has just changed

Step = Callable[["Stage"], Awaitable[None]]
T = TypeVar("T")


class Phase:
    """One disturbance under load, and what was seen of it."""

    def __init__(self, name: str, before: Placed, without: str) -> None:
        self.name = name
        self.without = without  # the node that is to lose what it has; empty: none
        self.before = self.now = before
        self.looks: list[tuple[float, Placed]] = []
        self.loads: list[Load] = []
        self.struck = time.monotonic()
        self.more: dict[str, float] = {}

    def strike(self) -> None:
        """It happens now."""
        self.struck = time.monotonic()

    def see(self, now: Placed) -> None:
        self.now = now
        self.looks.append((time.monotonic(), now))

    def figures(self) -> dict[str, float]:
        """What the clients met, and what became of the places."""
        answers = [each for load in self.loads for each in load.answers]
        failures = [each for load in self.loads for each in load.failures]
        first = self.struck + FIRST_SECONDS
        keys = {each.key for each in self.before.puts}
        found = {
            "requests": float(len(answers)),
            "failed": float(len(failures)),
            "failed_later": float(sum(each.began >= first for each in failures)),
            "worst_ms": max((each.ended - each.began for each in answers), default=0.0) * 1e3,
            "moved": float(len({each.key for _, look in self.looks for each in look.puts} - keys)),
            "places_before": float(sum(each.stays for each in self.before.puts)),
            "places_after": float(sum(each.stays for each in self.now.puts)),
        }
        if self.without:
            found |= {
                "there_before": float(self.before.on(self.without)),
                "there_after": float(self.now.on(self.without)),
            }
            found |= self._times()
        return found | self.more

    def _times(self) -> dict[str, float]:
        """Seconds until everything that may be elsewhere had a place there, and until it served."""
        since = [(at - self.struck, look) for at, look in self.looks if at >= self.struck]
        assigned = next((at for at, look in since if look.has(shop.ROAMING, self.without)), None)
        ready = next((at for at, look in since if look.has(shop.ROAMING, self.without, ready=True)), None)
        named = {"assigned_s": assigned, "ready_s": ready}
        return {name: at for name, at in named.items() if at is not None}


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
        return self.host(await _eventually(self._leading, REACH_SECONDS, "no node leads"))

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
        phase.more |= {"doubles": float(max(doubled(await self.running()), phase.now.twice()))}
        self._tell(phase)

    async def settle(self, those: Collection[Host], seconds: float = REACH_SECONDS) -> None:
        """Until all that is wanted runs where it is to, once."""
        told = next(iter(those))

        async def settled() -> bool:
            with contextlib.suppress(OSError, EOFError, TimeoutError, AssertionError):
                now = await self.placed(told)
                return now.settled and not now.twice() and not doubled(await self.running())
            return False

        await _eventually(settled, seconds, "the stack is not settled")

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

    def _tell(self, phase: Phase) -> None:
        self.record.add(BENCH, CASE, phase.name, 1, **phase.figures())
        for load in phase.loads:
            if load.failures:
                click.echo(f"  {load.where[0]}: {load.told()}", err=True)
                late = [each.began - phase.struck for each in load.failures]
                click.echo(f"  failures began {min(late):.1f} to {max(late):.1f} s after", err=True)


# -------------------------------------------------------------------------------------------------------------- phases


async def _put_up(stage: Stage) -> None:
    """The stack, spread over the zones; every route and every name on every node."""
    began = time.monotonic()
    stage.file.write_text(shop.compose())
    first = stage.hosts[0]
    said = await first.cli("up", "-f", str(stage.file), "--no-wait")
    if isinstance(said, str):
        raise Absent(f"tidegate up: {said}")
    await stage.settle(stage.hosts)
    took = time.monotonic() - began
    now = await stage.placed(first)
    for service in (*shop.ROAMING, "static", "db"):
        click.echo(f"  {service}: {now.spread(service)}", err=True)
    faults = await stage.reached()
    asked = 2 * len(shop.ROUTED) * len(stage.hosts)
    stage.record.add(
        BENCH, CASE, "`up` of six services", 1, ready_s=took, places_after=float(sum(each.stays for each in now.puts)),
        requests=float(asked), failed=float(len(faults)), failed_later=float(len(faults)), doubles=float(doubled(await stage.running())),
    )  # fmt: skip


async def _node_killed(stage: Stage) -> None:
    """A node that does not lead, its engine and its containers; its etcd member stays."""
    await _killed(stage, await stage.fullest(await stage.leader()), member=False)


async def _leader_killed(stage: Stage) -> None:
    """The node that leads, and its etcd member."""
    await _killed(stage, await stage.leader(), member=True)


async def _killed(stage: Stage, victim: Host, *, member: bool) -> None:
    living = stage.others(victim)
    what = "the leading node and its etcd member" if member else "a node"
    async with stage.phase(f"kill -9 of {what}", living, victim.name) as phase:
        if member:
            victim.member.kill()
        await asyncio.to_thread(victim.die)
        await _until(lambda: phase.now.has(shop.ROAMING, victim.name, ready=True))
    async with stage.phase("they come back" if member else "it comes back", living) as phase:
        if member:
            victim.member.start()
        await asyncio.to_thread(victim.engine.start)
        victim.start(stage.store)
        await stage.settle(living)
    await _whole(stage)


async def _drained(stage: Stage) -> None:
    victim = await stage.fullest()
    async with stage.phase("drain of a node", stage.hosts, victim.name) as phase:
        await stage.hosts[0].cli("drain", victim.name, "--no-wait")
        await _until(lambda: phase.now.has(shop.ROAMING, victim.name, ready=True) and phase.now.left(victim.name) <= 1)
    await stage.hosts[0].cli("undrain", victim.name, "--no-wait")
    await stage.settle(stage.hosts)
    await _whole(stage)


async def _renewed(stage: Stage) -> None:
    stage.file.write_text(shop.compose("2"))
    async with stage.phase("rolling update of 10 replicas", stage.hosts) as phase:
        await stage.hosts[0].cli("up", "-f", str(stage.file), "--no-wait")
        await asyncio.sleep(BEFORE_SECONDS)
        await stage.settle(stage.hosts, 2 * REACH_SECONDS)
        phase.more["ready_s"] = time.monotonic() - phase.struck
    await _whole(stage)


async def _member_killed(stage: Stage) -> None:
    victim = next(each for each in stage.hosts if each.member.leads)
    async with stage.phase("kill -9 of the etcd leader", stage.hosts):
        victim.member.kill()
        await asyncio.sleep(PART_SECONDS)
        victim.member.start()
        await asyncio.to_thread(victim.member.wait)
    await _whole(stage)


async def _minority(stage: Stage) -> None:
    victim = stage.hosts[2]
    async with stage.phase("an etcd member cut off for 30 s", stage.hosts):
        with victim.cut_off(stage.others(victim), clients=False):
            await asyncio.sleep(AWAY_SECONDS / 2)
    await _whole(stage)


async def _cut(stage: Stage) -> None:
    leader = await stage.leader()
    victim = await stage.fullest(leader)
    async with stage.phase(
        "a node and its etcd member cut off from the others' etcd for 45 s", stage.hosts, victim.name
    ):
        with victim.cut_off(stage.others(victim), clients=True):
            await asyncio.sleep(45.0)
        await stage.settle([leader])
    await _whole(stage)


async def _away(stage: Stage) -> None:
    async with stage.phase("all of etcd killed for 60 s", stage.hosts):
        _each(stage, lambda member: member.kill())
        await asyncio.sleep(AWAY_SECONDS)
        await _back(stage)
        await asyncio.sleep(PART_SECONDS)
    await _whole(stage)


async def _frozen(stage: Stage) -> None:
    """When it goes on every lease has ended."""
    async with stage.phase("all of etcd frozen for 60 s", stage.hosts):
        _each(stage, lambda member: member.freeze())
        try:
            await asyncio.sleep(AWAY_SECONDS)
        finally:
            _each(stage, lambda member: member.thaw())
        await asyncio.sleep(PART_SECONDS)
    await _whole(stage)


async def _both(stage: Stage) -> None:
    """Nobody can say that the node is gone, until the store is back."""
    victim = await stage.fullest()
    living = stage.others(victim)
    async with stage.phase("kill -9 of a node while all of etcd is down", living, victim.name) as phase:
        _each(stage, lambda member: member.kill())
        await asyncio.sleep(BEFORE_SECONDS)
        phase.strike()
        await asyncio.to_thread(victim.die)
        await asyncio.sleep(PART_SECONDS)
        await _back(stage)
        await _until(lambda: phase.now.has(shop.ROAMING, victim.name, ready=True))
    async with stage.phase("both come back", living):
        await asyncio.to_thread(victim.engine.start)
        victim.start(stage.store)
        await stage.settle(living)
    await _whole(stage)


async def _forgotten(stage: Stage) -> None:
    """Control begins anew with nobody to ask, and then one of its containers dies."""
    victim = await stage.fullest()
    other = stage.others(victim)[0]
    async with stage.phase(
        "kill -9 of a control process, then of a container there, while all of etcd is down", (other, victim)
    ) as phase:
        _each(stage, lambda member: member.kill())
        await asyncio.sleep(BEFORE_SECONDS)
        os.kill([int(pid) for name, pid in STARTED.findall(victim.log()) if name == "control"][-1], signal.SIGKILL)
        await asyncio.sleep(PART_SECONDS / 2)
        phase.strike()
        await _container_killed(victim, "web")
        await asyncio.sleep(PART_SECONDS)
        await _back(stage)
        await stage.settle([other])
    await _whole(stage)


PHASES: dict[str, Step] = {
    "node": _node_killed,
    "leader": _leader_killed,
    "drain": _drained,
    "update": _renewed,
    "etcd-leader": _member_killed,
    "etcd-minority": _minority,
    "cut": _cut,
    "etcd-away": _away,
    "etcd-frozen": _frozen,
    "both": _both,
    "control": _forgotten,
}


# ------------------------------------------------------------------------------------------------------------- playing


def measure(plan: Plan, record: Record) -> None:
    """Some fifteen minutes; `plan.rounds` and `plan.seconds` have no part in it. `plan.case` names phases, with commas between."""
    try:
        with hosts("a", "b", "c", prefix="tghosts", members=True) as (made, store):
            record.note_version(OURS, (sys.executable, "-m", "tidegate", "--version"))
            record.note_version("docker", ("dockerd", "--version"))
            record.note_version("etcd", ("etcd", "--version"))
            asyncio.run(_play(Stage(made, store, plan, record), plan, record))
    except (pytest.skip.Exception, pytest.fail.Exception) as why:
        record.miss(BENCH, CASE, OURS, str(why))


async def _play(stage: Stage, plan: Plan, record: Record) -> None:
    chosen = [each for each in plan.case.split(",") if each] or list(PHASES)
    try:
        for host in stage.hosts:
            await ensure_images(host.engine.url)
        for host in stage.hosts:
            host.start(stage.store)
        await _eventually(lambda: _all_there(stage), REACH_SECONDS, "not all nodes have joined")
        await _put_up(stage)
        for name in chosen:
            await PHASES[name](stage)
    except (Absent, OSError, EOFError) as why:  # TimeoutError is an OSError
        record.miss(BENCH, CASE, OURS, str(why) or "it took too long")
    finally:
        if kept := os.environ.get("BENCH_LOGS"):  # a folder, for who wants to know why
            for host in stage.hosts:
                shutil.copy(host.folder / "serve.log", Path(kept) / f"hosts-{host.name}.log")


async def _all_there(stage: Stage) -> bool:
    with contextlib.suppress(OSError, EOFError, TimeoutError, AssertionError):
        nodes = (await stage.hosts[0].api("/v1/nodes"))["nodes"]
        return sum(each["state"] == "ready" for each in nodes) == len(stage.hosts)
    return False


async def _whole(stage: Stage) -> None:
    """Everything is as it was, and reached from everywhere, before the next phase."""
    await stage.settle(stage.hosts)
    await stage.reached()


async def _until(true: Callable[[], bool], seconds: float = REACH_SECONDS) -> None:
    """Wait for it; where it does not come, the figures say so."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:  # noqa: ASYNC110  who knows is another process
        await asyncio.sleep(LOOK_SECONDS)


async def _eventually(question: Callable[[], Awaitable[T]], seconds: float, otherwise: str) -> T:
    """The first answer that is true. Raises Absent."""
    deadline = time.monotonic() + seconds
    while not (answer := await question()):
        if time.monotonic() > deadline:
            raise Absent(f"{otherwise} within {seconds:g} s")
        await asyncio.sleep(LOOK_SECONDS)
    return answer


async def _back(stage: Stage) -> None:
    """All members start again, on what they have."""
    _each(stage, lambda member: member.start())
    for host in stage.hosts:
        await asyncio.to_thread(host.member.wait)


def _each(stage: Stage, act: Callable[[object], None]) -> None:
    for host in stage.hosts:
        act(host.member)


async def _container_killed(host: Host, service: str) -> None:
    """One of a service, as if it ended by itself."""
    label = f"label=com.docker.compose.service={service}"
    found = await _docker(host, "ps", "-q", "--filter", label)
    await _docker(host, "kill", found.split()[0])


async def _docker(host: Host, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "docker", "-H", host.engine.url, *arguments, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(REACH_SECONDS):
        return (await process.communicate())[0].decode()


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

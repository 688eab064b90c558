"""What goes wrong with the store: members die, are cut off or stand still, alone and together, and what else happens meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from bench.macro import shop
from bench.macro.hosts_stage import BEFORE_SECONDS, REACH_SECONDS, Stage, until
from tests.support.hosts import Host
from tests.support.serve import STARTED

AWAY_SECONDS = 60.0  # etcd
PART_SECONDS = 20.0


async def member_killed(stage: Stage) -> None:
    victim = next(each for each in stage.hosts if each.member.leads)
    async with stage.phase("kill -9 of the etcd leader", stage.hosts):
        victim.member.kill()
        await asyncio.sleep(PART_SECONDS)
        victim.member.start()
        await asyncio.to_thread(victim.member.wait)
    await stage.whole()


async def minority(stage: Stage) -> None:
    victim = stage.hosts[2]
    async with stage.phase("an etcd member cut off for 30 s", stage.hosts):
        with victim.cut_off(stage.others(victim), clients=False):
            await asyncio.sleep(AWAY_SECONDS / 2)
    await stage.whole()


async def cut(stage: Stage) -> None:
    leader = await stage.leader()
    victim = await stage.fullest(leader)
    async with stage.phase(
        "a node and its etcd member cut off from the others' etcd for 45 s", stage.hosts, victim.name
    ):
        with victim.cut_off(stage.others(victim), clients=True):
            await asyncio.sleep(45.0)
        await stage.settle([leader])
    await stage.whole()


async def away(stage: Stage) -> None:
    async with stage.phase("all of etcd killed for 60 s", stage.hosts):
        _each(stage, lambda member: member.kill())
        await asyncio.sleep(AWAY_SECONDS)
        await _back(stage)
        await asyncio.sleep(PART_SECONDS)
    await stage.whole()


async def frozen(stage: Stage) -> None:
    """When it goes on every lease has ended."""
    async with stage.phase("all of etcd frozen for 60 s", stage.hosts):
        _each(stage, lambda member: member.freeze())
        try:
            await asyncio.sleep(AWAY_SECONDS)
        finally:
            _each(stage, lambda member: member.thaw())
        await asyncio.sleep(PART_SECONDS)
    await stage.whole()


async def both(stage: Stage) -> None:
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
        await until(lambda: phase.now.has(shop.ROAMING, victim.name, ready=True))
    async with stage.phase("both come back", living):
        await asyncio.to_thread(victim.engine.start)
        victim.start(stage.store)
        await stage.settle(living)
    await stage.whole()


async def forgotten(stage: Stage) -> None:
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
    await stage.whole()


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

"""What goes wrong with nodes, or is done to them: they die, are drained, get another version."""

from __future__ import annotations

import asyncio
import time

from bench.macro import shop
from bench.macro.hosts_stage import BEFORE_SECONDS, REACH_SECONDS, Stage, until
from tests.support.hosts import Host


async def node_killed(stage: Stage) -> None:
    """A node that does not lead, its engine and its containers; its etcd member stays."""
    await _killed(stage, await stage.fullest(await stage.leader()), member=False)


async def leader_killed(stage: Stage) -> None:
    """The node that leads, and its etcd member."""
    await _killed(stage, await stage.leader(), member=True)


async def _killed(stage: Stage, victim: Host, *, member: bool) -> None:
    living = stage.others(victim)
    what = "the leading node and its etcd member" if member else "a node"
    async with stage.phase(f"kill -9 of {what}", living, victim.name) as phase:
        if member:
            victim.member.kill()
        await asyncio.to_thread(victim.die)
        await until(lambda: phase.now.has(shop.ROAMING, victim.name, ready=True))
    async with stage.phase("they come back" if member else "it comes back", living) as phase:
        if member:
            victim.member.start()
        await asyncio.to_thread(victim.engine.start)
        victim.start(stage.store)
        await stage.settle(living)
    await stage.whole()


async def power_cut(stage: Stage) -> None:
    """A node that does not lead, and its etcd member: no packet comes from there any more, so nothing is reset."""
    victim = await stage.fullest(await stage.leader())
    living = stage.others(victim)
    async with stage.phase("power cut of a node", living, victim.name) as phase:
        victim.unplug()  # what ends there afterwards ends unheard
        victim.member.kill()
        await asyncio.to_thread(victim.die)
        await until(lambda: phase.now.has(shop.ROAMING, victim.name, ready=True))
    victim.plug()
    victim.member.start()
    await asyncio.to_thread(victim.engine.start)
    victim.start(stage.store)
    await stage.whole()


async def drained(stage: Stage) -> None:
    victim = await stage.fullest()
    async with stage.phase("drain of a node", stage.hosts, victim.name) as phase:
        await stage.hosts[0].cli("drain", victim.name, "--no-wait")
        await until(
            lambda: (
                phase.now.has(shop.ROAMING, victim.name, ready=True) and not phase.now.left(victim.name, shop.ROAMING)
            )
        )
    await stage.hosts[0].cli("undrain", victim.name, "--no-wait")
    await stage.settle(stage.hosts)
    await stage.whole()


async def renewed(stage: Stage) -> None:
    stage.file.write_text(shop.compose("2"))
    async with stage.phase("rolling update of 10 replicas", stage.hosts) as phase:
        await stage.hosts[0].cli("up", "-f", str(stage.file), "--no-wait")
        await asyncio.sleep(BEFORE_SECONDS)
        await stage.settle(stage.hosts, 2 * REACH_SECONDS)
        phase.more["ready_s"] = time.monotonic() - phase.struck
    await stage.whole()

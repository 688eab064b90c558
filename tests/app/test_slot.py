from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager

from tests.support.channel import until
from tests.support.children import BROKEN, LINGERING, OBEDIENT, SLOW, STUCK, Scripts, alive
from tidegate.app import slot as module
from tidegate.app.launch import Launch
from tidegate.app.slot import Slot
from tidegate.config import Config
from tidegate.tasks import Tasks


@asynccontextmanager
async def filled(monkeypatch, *scripts, **more):
    """A slot whose children run these scripts, with the first one in it; all are gone at the end."""
    spawn = Scripts(*scripts)
    monkeypatch.setattr(module, "spawn", spawn)
    slot = Slot("worker-0", "worker", Launch(config=Config()), **{"stop_seconds": 5.0, "linger_seconds": 50.0, **more})
    async with asyncio.timeout(30), Tasks("test") as tasks:
        tasks.spawn("keep", slot.keep_running())
        await until(lambda: slot.process)
        slot.spawned = spawn
        try:
            yield slot
        finally:
            await slot.stop()


async def test_a_slot_told_to_stop_before_it_ran_starts_nothing(monkeypatch):
    spawn = Scripts(OBEDIENT)
    monkeypatch.setattr(module, "spawn", spawn)
    slot = Slot("worker-0", "worker", Launch(config=Config()), stop_seconds=1.0, linger_seconds=1.0)
    await slot.stop()
    async with asyncio.timeout(10), Tasks("test") as tasks:
        await tasks.spawn("keep", slot.keep_running())
    assert spawn.started == 0


async def test_who_dies_is_started_again_and_who_keeps_dying_less_and_less_often(monkeypatch):
    async with filled(monkeypatch, BROKEN) as slot:
        began = asyncio.get_running_loop().time()
        await until(lambda: slot.spawned.started >= 4)
        assert asyncio.get_running_loop().time() - began >= 0.1 + 0.2 + 0.4


async def test_a_successor_takes_over_once_it_serves_and_the_old_one_drains(monkeypatch):
    async with filled(monkeypatch, LINGERING, OBEDIENT) as slot:
        old = slot.process
        assert await old.is_ready(10.0)
        assert await slot.replace()
        assert slot.process is not old
        assert slot.process.serves
        assert slot.retired == [old]
        assert slot.here == [old, slot.process]
        assert alive(old.pid)
    assert not alive(old.pid)
    assert slot.spawned.started == 2


async def test_a_successor_that_does_not_serve_costs_nothing(monkeypatch):
    monkeypatch.setattr(module, "READY_SECONDS", 0.2)
    for bad in (BROKEN, SLOW):
        async with filled(monkeypatch, OBEDIENT, bad) as slot:
            old = slot.process
            assert await old.is_ready(10.0)
            assert not await slot.replace()
            assert slot.here == [old]
            assert slot.spawned.started == 2


async def test_stopping_does_not_wait_for_a_successor_to_serve(monkeypatch):
    async with filled(monkeypatch, OBEDIENT, SLOW) as slot:
        assert await slot.process.is_ready(10.0)
        async with Tasks("replace") as tasks:
            replacing = tasks.spawn("replace", slot.replace())
            await until(lambda: slot.spawned.started == 2)
            await slot.stop()
        assert not replacing.result()
        assert slot.here == []


async def test_control_gives_way_to_its_successor_at_once(monkeypatch):
    async with filled(monkeypatch, LINGERING, OBEDIENT) as slot:
        old = slot.process
        assert await old.is_ready(10.0)
        assert await slot.restart(10.0)
        await until(lambda: slot.here == [slot.process])
        assert not alive(old.pid)


async def test_generations_that_wait_for_tunnels_do_not_heap_up(monkeypatch):
    async with filled(monkeypatch, LINGERING) as slot:
        for _ in range(6):
            assert await slot.replace()
        await until(lambda: len(slot.here) == 4)  # three that linger, and the one that serves
        assert slot.spawned.started == 7


async def test_a_stuck_child_is_killed_and_replaced_but_not_when_nobody_looked(monkeypatch):
    async with filled(monkeypatch, STUCK, OBEDIENT) as slot:
        stuck = slot.process
        assert await stuck.is_ready(10.0)
        await asyncio.sleep(0)
        slot.look(stuck.heard + 11.0, 10.0, paused=11.0)
        assert not stuck.condemned
        heard = stuck.heard
        slot.look(heard + 11.0, 0.0, paused=0.0)
        assert not stuck.condemned
        slot.look(heard + 11.0, 10.0, paused=0.0)
        assert stuck.condemned
        slot.look(heard + 12.5, 10.0, paused=0.0)
        assert await stuck.wait() == -signal.SIGKILL
        await until(lambda: slot.process is not None and slot.process is not stuck and slot.process.serves)


async def test_a_retired_child_that_outstays_its_time_is_killed(monkeypatch):
    async with filled(monkeypatch, LINGERING, OBEDIENT, linger_seconds=3.0) as slot:
        old = slot.process
        assert await old.is_ready(10.0)
        assert await slot.replace()
        slot.look(old.due - 1.0, 0.0, 0.0)
        assert alive(old.pid)
        slot.look(old.due + 1.0, 0.0, 0.0)
        assert await old.wait() == -signal.SIGKILL


async def test_a_child_that_does_not_stop_in_time_is_killed(monkeypatch):
    async with filled(monkeypatch, STUCK, stop_seconds=0.2) as slot:
        process = slot.process
        assert await process.is_ready(10.0)
        await slot.stop()
        assert process.code == -signal.SIGKILL


async def test_a_dismissed_slot_stays_empty(monkeypatch):
    async with filled(monkeypatch, OBEDIENT) as slot:
        assert await slot.process.is_ready(10.0)
        slot.dismiss()
        await until(lambda: not slot.here)
        assert slot.spawned.started == 1

from __future__ import annotations

import asyncio
import os
import signal
import subprocess

from tests.support.children import LINGERING, OBEDIENT, SLOW, Scripts
from tidegate.app.process import Process


def started(script):
    return Process.adopt("child", *Scripts(script)("worker", None))


async def test_a_child_is_heard_and_its_end_is_told_with_its_code():
    async with asyncio.timeout(10):
        process = started(OBEDIENT)
        assert await process.is_ready(10.0)
        assert process.serves
        process.send(signal.SIGTERM)
        assert await process.wait() == 0
    assert not process.serves
    process.send(signal.SIGTERM)  # to nobody


async def test_a_child_that_a_signal_ends_is_told_by_its_number():
    process = started(SLOW)
    process.send(signal.SIGKILL)
    async with asyncio.timeout(10):
        assert await process.wait() == -signal.SIGKILL


async def test_a_child_that_ended_before_it_was_watched_is_reaped_all_the_same():
    process = Process.adopt("child", ended(), -1)
    async with asyncio.timeout(10):
        assert await process.wait() == 7


def ended():
    """The pid of a child that has ended with 7 and is not reaped."""
    child = subprocess.Popen(["sh", "-c", "exit 7"])
    child.returncode = 0
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    return child.pid


async def test_a_child_that_does_not_serve_in_time_or_ends_is_not_ready():
    slow, broken = started(SLOW), started("exit 1")
    assert not await slow.is_ready(0.05)
    assert not await broken.is_ready(10.0)
    slow.send(signal.SIGKILL)
    await slow.wait()


async def test_silence_counts_from_the_last_beat_and_a_start_may_take_longer():
    process = started(LINGERING)
    fresh = Process("fresh", os.getpid(), -1)
    fresh.heard = 100.0
    assert not fresh.silent(130.0, 10.0)
    assert fresh.silent(161.0, 10.0)
    async with asyncio.timeout(10):
        assert await process.is_ready(10.0)
        now = asyncio.get_running_loop().time()
        assert not process.silent(now, 10.0)
        assert process.silent(now + 11.0, 10.0)
        process.send(signal.SIGTERM)
        await process.wait()
    assert not process.silent(now + 11.0, 10.0)

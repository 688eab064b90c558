from __future__ import annotations

import asyncio
import os
import signal
import subprocess

from tests.support.channel import until
from tests.support.children import LINGERING, OBEDIENT, SLOW, Scripts
from tidegate.app.process import Process, waited

#: Beats, and does not serve yet.
BEATING = "printf . >/dev/fd/$PULSE; while :; do sleep 0.05; done"
#: Wants a CPU all the time, and never beats.
BUSY = "while :; do :; done"


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
    starting = started(BEATING)
    heard = starting.heard
    async with asyncio.timeout(10):
        await until(lambda: starting.heard > heard)
    assert not starting.silent(starting.heard + 30.0, 10.0)
    assert starting.silent(starting.heard + 71.0, 10.0)
    starting.send(signal.SIGKILL)
    await starting.wait()
    async with asyncio.timeout(10):
        assert await process.is_ready(10.0)
        now = asyncio.get_running_loop().time()
        assert not process.silent(now, 10.0)
        assert process.silent(now + 11.0, 10.0)
        process.send(signal.SIGTERM)
        await process.wait()
    assert not process.silent(now + 11.0, 10.0)


async def test_silence_in_which_a_child_waited_for_a_cpu_does_not_count():
    cpu = min(os.sched_getaffinity(0))
    rivals = [started(BUSY) for _ in range(2)]
    for rival in rivals:
        os.sched_setaffinity(rival.pid, {cpu})
    process, before = rivals[0], waited(rivals[0].pid)
    process.hear_from(0.0)
    async with asyncio.timeout(30):
        await until(lambda: waited(process.pid) > before + 1.0)
    assert not process.silent(61.0, 60.0)
    assert process.silent(120.0 + waited(process.pid), 60.0)
    for rival in rivals:
        rival.send(signal.SIGKILL)
        await rival.wait()
    assert waited(process.pid) == 0.0  # it is nobody any more

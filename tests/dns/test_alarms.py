from __future__ import annotations

import asyncio

from tidegate.dns.alarms import TICK, Alarms

DEADLINE = 10


class Sleeper:
    """Notes when it was woken; with `again`, it sets an alarm then."""

    def __init__(self, alarms=None, again=0.0):
        self.woken = []
        self.alarms = alarms
        self.again = again
        self.event = asyncio.Event()

    def wake(self):
        now = asyncio.get_running_loop().time()
        self.woken.append(now)
        if self.again:
            self.alarms.set(self, now + self.again)
            self.again = 0.0
        else:
            self.event.set()


async def woken(*sleepers):
    async with asyncio.timeout(DEADLINE):
        for each in sleepers:
            await each.event.wait()


async def test_each_is_woken_once_not_before_its_time_and_the_earlier_first():
    alarms = Alarms()
    now = asyncio.get_running_loop().time()
    waits = [0.05, 0.01, 0.03, 0.01, 0.0]
    sleepers = [Sleeper() for _ in waits]
    for sleeper, wait in zip(sleepers, waits, strict=True):
        alarms.set(sleeper, now + wait)
    await woken(*sleepers)
    assert all(len(each.woken) == 1 for each in sleepers)
    # The loop's clock may be read in whole milliseconds.
    assert all(each.woken[0] >= now + wait - 0.002 for each, wait in zip(sleepers, waits, strict=True))
    order = sorted(range(len(waits)), key=lambda index: sleepers[index].woken[0])
    assert [waits[index] for index in order] == sorted(waits)


async def test_who_is_woken_may_set_another_alarm():
    alarms = Alarms()
    sleeper, other = Sleeper(alarms, again=2 * TICK), Sleeper()
    now = asyncio.get_running_loop().time()
    alarms.set(other, now + 10 * TICK)
    alarms.set(sleeper, now + TICK)
    await woken(sleeper, other)
    assert (len(sleeper.woken), len(other.woken)) == (2, 1)


async def test_after_the_last_one_there_is_no_timer_until_there_is_another():
    alarms = Alarms()
    for _ in range(2):
        sleeper = Sleeper()
        alarms.set(sleeper, asyncio.get_running_loop().time() + TICK)
        await woken(sleeper)
    assert len(sleeper.woken) == 1

from __future__ import annotations

import asyncio
import os
import signal

from tidegate.app.pulse import BEAT, READY, Pulse
from tidegate.tasks import Tasks


async def test_a_pulse_beats_at_once_and_says_once_that_it_serves():
    read, write = os.pipe()
    pulse = Pulse(write)
    async with Tasks("test") as tasks:
        beating = tasks.spawn("pulse", pulse.run())
        await asyncio.sleep(0)
        pulse.ready()
        beating.cancel()
    assert os.read(read, 16) == BEAT + READY
    os.close(read)
    os.close(write)


def test_a_supervisor_that_does_not_read_delays_nobody():
    read, write = os.pipe()
    pulse = Pulse(write)
    for _ in range(70_000):  # more than a pipe holds
        pulse.ready()
    assert len(os.read(read, 1 << 20)) == 65536
    os.close(read)
    os.close(write)


def test_without_a_supervisor_the_child_is_told_to_drain():
    read, write = os.pipe()
    os.close(read)
    told = []
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    try:
        pulse = Pulse(write)
        pulse.ready()
        pulse.ready()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == [signal.SIGTERM]


def test_what_the_child_starts_cannot_beat_for_it():
    read, write = os.pipe()
    os.set_inheritable(write, True)
    Pulse(write)
    assert not os.get_inheritable(write)
    os.close(read)
    os.close(write)


async def test_nobodys_pulse_does_nothing():
    pulse = Pulse(-1)
    pulse.ready()
    await pulse.run()

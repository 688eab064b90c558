"""Full collections happen when they hurt least, and happen."""

from __future__ import annotations

import asyncio
import gc
import weakref

from tidegate.app import garbage
from tidegate.app.garbage import (
    ANYWAY_AFTER_SECONDS,
    GROWN_AFTER_SECONDS,
    GROWN_BYTES,
    QUIET_AFTER_SECONDS,
    Collector,
    tend_garbage,
)
from tidegate.tasks import Tasks

MIB = 1 << 20


class Process:
    """What a collector is told of its process."""

    def __init__(self):
        self.memory = 80 * MIB
        self.cpu = 0.0
        self.collections = 0

    def collector(self):
        def collect():
            self.collections += 1

        return Collector(0.0, collect=collect, resident=lambda: self.memory, spent=lambda: self.cpu)


def test_a_quiet_process_is_collected_once_a_minute():
    process = Process()
    collector = process.collector()
    due = [now for now in range(1, 200) if collector.look(float(now))]
    assert due == [QUIET_AFTER_SECONDS * n for n in (1, 2, 3)]
    assert process.collections == 3


def test_a_busy_one_is_left_alone_for_an_hour():
    process = Process()
    collector = process.collector()
    due = []
    for now in range(1, 4000):
        process.cpu += 0.5
        if collector.look(float(now)):
            due.append(now)
    assert due == [ANYWAY_AFTER_SECONDS]


def test_a_busy_one_whose_memory_doubled_waits_five_minutes_at_most_and_then_counts_anew():
    process = Process()
    collector = process.collector()
    process.memory = 160 * MIB + 1
    due = []
    for now in range(1, 1000):
        process.cpu += 0.5
        if collector.look(float(now)):
            due.append(now)
    assert due == [GROWN_AFTER_SECONDS]


def test_memory_that_grew_by_little_is_no_reason():
    process = Process()
    collector = process.collector()
    process.memory += GROWN_BYTES
    for now in range(1, 1000):
        process.cpu += 0.5
        assert not collector.look(float(now))


class Knot:
    def __init__(self):
        self.self = self


async def test_cycles_that_grew_old_are_freed_at_the_next_look(monkeypatch):
    monkeypatch.setattr(garbage, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(garbage, "QUIET_AFTER_SECONDS", 0.0)
    gone = asyncio.Event()
    async with Tasks("test") as tasks:
        tending = tasks.spawn("garbage", tend_garbage())
        await asyncio.sleep(0)
        assert gc.get_threshold()[2] > 1_000_000
        knot = Knot()
        gc.collect(1)  # into the oldest generation
        watched = weakref.ref(knot, lambda _: gone.set())
        del knot
        gc.collect(1)
        assert watched() is not None
        async with asyncio.timeout(10):
            await gone.wait()
        tending.cancel()
    gc.unfreeze()
    assert gc.get_threshold()[2] == 10

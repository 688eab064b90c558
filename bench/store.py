"""`python -m bench store` (a minute): the cluster store on three real etcd members, beside the embedded one.

Members run on loopback, on a disk of this host, with the timings they have by default and every write synced. What is measured is what
the scheduler does: one change at a time, a thousand placements in transactions of a hundred, how soon another node sees a
change, and how long nothing can be written when the leader dies.
"""

from __future__ import annotations

import asyncio
import json
import platform
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import click

from bench.macro.summary import percentile
from tests.support.etcd import DEFAULTS, Cluster, cluster
from tidegate.errors import StoreError
from tidegate.store.etcd import EtcdStore
from tidegate.store.port import Compare, Put, Store
from tidegate.store.sqlite import SqliteStore
from tidegate.tasks import Tasks

VALUE = b"x" * 1000
PLACE = b"y" * 300  # about what a placement takes
PLACES, PART = 1000, 100
SEQUENTIAL, PARALLEL, LANES = 200, 1000, 32
LISTED = 10_000
SEEN = 200

Figures = dict[str, float]


def run(rounds: int, target: Path) -> int:
    """Measure, print a table, write the result."""
    found: dict[str, list[Figures]] = {"etcd": [], "SQLite": []}
    with tempfile.TemporaryDirectory(prefix="bench-store-") as folder:
        for number in range(rounds):
            with cluster(3, DEFAULTS, where=folder) as made:
                found["etcd"].append(asyncio.run(_cluster(made)))
            found["SQLite"].append(asyncio.run(_embedded(Path(folder) / f"{number}.sqlite")))
    medians = {
        name: {case: median(each[case] for each in figures) for case in figures[0]} for name, figures in found.items()
    }
    click.echo(table(medians))
    version = subprocess.run(["etcd", "--version"], check=True, capture_output=True, text=True, timeout=10).stdout
    stored = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "machine": platform.platform(),
        "etcd": version.splitlines()[0],
        "rounds": rounds,
        "medians": medians,
        "samples": found,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(stored, indent=1) + "\n")
    return 0


def table(medians: dict[str, Figures]) -> str:
    """One line a case, one column a store; empty where a case has no meaning for it."""
    lines = ["| | " + " | ".join(medians) + " |", "|---" * (1 + len(medians)) + "|"]
    for case in dict.fromkeys(case for figures in medians.values() for case in figures):
        cells = [f"{figures[case]:,.4g}" if case in figures else "" for figures in medians.values()]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines)


async def _cluster(made: Cluster) -> Figures:
    address = made.address()
    follower = next(each for each in made.members if not each.leads)
    there = made.address(follower, prefix=address.prefix)
    async with _opened(EtcdStore.open(address)) as store, _opened(EtcdStore.open(there)) as other:
        figures = await _common(store) | await _seen(store, other)
        figures["leader killed: nothing committed for, ms"] = await _over_death(store, made)
    return figures


async def _embedded(path: Path) -> Figures:
    async with _opened(SqliteStore.open(path)) as store:
        return await _common(store) | await _seen(store, store)


async def _common(store: Store) -> Figures:
    await store.txn((), (Put(key="warm", value=VALUE),))
    figures: Figures = {}
    figures |= await _each("put of 1 kB", SEQUENTIAL, lambda number: _put(store, f"a/{number}"))
    figures |= await _each("change that compares, 1 kB", SEQUENTIAL, lambda number: _compared(store, f"b/{number}"))
    figures["puts of 1 kB, 32 at once, a second"] = await _rate(store)
    leader = await store.txn((), (Put(key="leader", value=b"me"),))
    fence = Compare(key="leader", revision=leader or 0)
    started = time.perf_counter()
    for part in range(PLACES // PART):
        assert await store.txn((fence,), _placed(f"p/{part}")), "nobody else leads"
    seconds = time.perf_counter() - started
    figures["1 000 placements committed, ms"] = seconds * 1000
    figures["keys a second in transactions of 100"] = PLACES / seconds
    for part in range((LISTED - PLACES) // PART):
        await store.txn((), _placed(f"p/more/{part}"))
    started = time.perf_counter()
    assert len((await store.list("p/")).entries) == LISTED, "all are there"
    figures["10 000 entries listed, ms"] = (time.perf_counter() - started) * 1000
    return figures


async def _put(store: Store, key: str) -> None:
    assert await store.txn((), (Put(key=key, value=VALUE),)), "a put holds"


async def _compared(store: Store, key: str) -> None:
    assert await store.txn((Compare(key=key, revision=0),), (Put(key=key, value=VALUE),)), "the key is new"


async def _each(name: str, count: int, act: Callable[[int], Awaitable[None]]) -> Figures:
    """Median and 99th percentile of one after the other."""
    times = []
    for number in range(count):
        started = time.perf_counter()
        await act(number)
        times.append((time.perf_counter() - started) * 1000)
    return {f"{name}, p50 ms": percentile(times, 0.5), f"{name}, p99 ms": percentile(times, 0.99)}


async def _rate(store: Store) -> float:
    numbers = iter(range(PARALLEL))

    async def lane() -> None:
        for number in numbers:
            await _put(store, f"c/{number}")

    started = time.perf_counter()
    async with Tasks("bench") as tasks:
        for number in range(LANES):
            tasks.spawn(f"lane {number}", lane())
    return PARALLEL / (time.perf_counter() - started)


async def _seen(store: Store, other: Store) -> Figures:
    """How long from asking for a change to its coming out of a watch of another member."""
    revision = await store.txn((), (Put(key="w", value=b"0"),))
    watch = other.watch("w", revision or 0)
    times: list[float] = []

    async def watching() -> None:
        async for batch in watch:
            times.append((time.perf_counter() - float(batch[0].value or b"0")) * 1000)
            if len(times) == SEEN:
                return

    async with Tasks("bench") as tasks:
        tasks.spawn("watch", watching())
        for _ in range(SEEN):
            await store.txn((), (Put(key="w", value=b"%.9f" % time.perf_counter()),))
    return {
        "change seen elsewhere, p50 ms": percentile(times, 0.5),
        "change seen elsewhere, p99 ms": percentile(times, 0.99),
    }


async def _over_death(store: EtcdStore, made: Cluster) -> float:
    """The longest time between two commits around the death of the leader, in ms."""
    leader = await asyncio.to_thread(lambda: made.leader)
    last, gap, number = time.perf_counter(), 0.0, 0
    end = last + 6.0
    while last < end:
        if number == 20:
            leader.process.kill()
        number += 1
        try:
            await _compared(store, f"d/{number}")
        except StoreError:
            continue
        now = time.perf_counter()
        last, gap = now, max(gap, now - last)
    return gap * 1000


def _placed(prefix: str) -> tuple[Put, ...]:
    return tuple(Put(key=f"{prefix}/{number:03}", value=PLACE) for number in range(PART))


@asynccontextmanager
async def _opened(opening: Awaitable[EtcdStore] | Awaitable[SqliteStore]) -> AsyncIterator[EtcdStore | SqliteStore]:
    store = await opening
    try:
        yield store
    finally:
        await store.close()

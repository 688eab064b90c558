"""`python -m bench store-faults --seconds 60`: three real etcd members, one after the other killed or frozen, under clients that count.

Six clients add one to shared numbers, reading and comparing; four watches follow them. At the end each number must be what was
acknowledged, and each watch must have told every step once and in order. The members have the timings they have by default.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import click

from tests.support.etcd import DEFAULTS, Cluster, Member, cluster
from tidegate.errors import StoreError
from tidegate.store.etcd import EtcdStore
from tidegate.store.port import Compare, Put
from tidegate.tasks import Tasks

CLIENTS, WATCHES, STORES = 6, 4, 3
NUMBERS = tuple(f"n/{number}" for number in range(3))
CALM_SECONDS = 6.0  # at the end, for everybody to come back
LATE_SECONDS = 15.0  # for the watches to have told everything


@dataclass
class Seen:
    """What happened: `told` is what each watch said, `pause` the longest time in which a client committed nothing."""

    counts: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    doubtful: Counter[str] = field(default_factory=Counter)
    told: list[list[tuple[str, int]]] = field(default_factory=lambda: [[] for _ in range(WATCHES)])
    pause: float = 0.0


def run(seconds: float, seed: int) -> int:
    """Run, print what was found; 0 if nothing was lost, done twice or told out of order."""
    with cluster(3, DEFAULTS) as made:
        seen, final = asyncio.run(_run(made, seconds, random.Random(seed)))
    wrong = faults(seen, final)
    click.echo(f"{seconds:g} s, {seen.counts['killed']} members killed, {seen.counts['frozen']} frozen")
    click.echo(
        f"{sum(final.values())} changes committed, {seen.counts['lost']} races lost, {sum(seen.doubtful.values())} outcomes unknown"
    )
    click.echo(f"longest time in which a client committed nothing: {seen.pause:.2f} s")
    click.echo("\n".join(wrong) if wrong else f"exact, and told whole and in order by {WATCHES} watches")
    return 1 if wrong else 0


def faults(seen: Seen, final: dict[str, int]) -> list[str]:
    """What is not as it must be, in words."""
    wrong = []
    for name, value in final.items():
        sure = seen.acknowledged[name]
        if not sure <= value <= sure + seen.doubtful[name]:
            wrong.append(f"{name} is {value}, and {sure} were acknowledged")
    for number, told in enumerate(seen.told):
        for name, value in final.items():
            steps = [step for of, step in told if of == name]
            if steps != list(range(1, value + 1)):
                wrong.append(f"watch {number} told {len(steps)} of {value} steps of {name}, or not in order")
    return wrong


async def _run(made: Cluster, seconds: float, rng: random.Random) -> tuple[Seen, dict[str, int]]:
    address, seen, end = made.address(), Seen(), time.monotonic() + seconds
    stores = [await EtcdStore.open(address) for _ in range(STORES)]
    start = await stores[0].txn((), tuple(Put(key=name, value=b"0") for name in NUMBERS))
    async with Tasks("faults") as tasks:
        watching = [
            tasks.spawn(f"watch {number}", _watch(stores[number % STORES], start or 0, told))
            for number, told in enumerate(seen.told)
        ]
        busy = [tasks.spawn("havoc", _havoc(made, seen, rng, end - CALM_SECONDS))]
        busy += [
            tasks.spawn(f"client {number}", _count(stores[number % STORES], seen, rng, end))
            for number in range(CLIENTS)
        ]
        await asyncio.wait(busy)
        final = {entry.key: int(entry.value) for entry in (await stores[0].list("n/")).entries}
        late = time.monotonic() + LATE_SECONDS
        while min(map(len, seen.told)) < sum(final.values()) and time.monotonic() < late:  # noqa: ASYNC110  no event
            await asyncio.sleep(0.1)
        for each in watching:
            each.cancel()
    for store in stores:
        await store.close()
    return seen, final


async def _watch(store: EtcdStore, after: int, told: list[tuple[str, int]]) -> None:
    async for batch in store.watch("n/", after):
        told += [(change.key, int(change.value or b"0")) for change in batch]


async def _count(store: EtcdStore, seen: Seen, rng: random.Random, end: float) -> None:
    last = time.monotonic()
    while time.monotonic() < end:
        name = rng.choice(NUMBERS)
        try:
            found = await store.get(name)
            assert found is not None, "nobody deletes it"
            put = Put(key=name, value=b"%d" % (int(found.value) + 1))
            revision = await store.txn((Compare(key=name, revision=found.revision),), (put,))
        except StoreError as error:
            seen.doubtful[name] += error.problems[0].code == "T1521"
            continue
        seen.acknowledged[name] += revision is not None
        seen.counts["lost"] += revision is None
        now = time.monotonic()
        last, seen.pause = now, max(seen.pause, now - last)
        await asyncio.sleep(0.01)  # the pace of a client


async def _havoc(made: Cluster, seen: Seen, rng: random.Random, end: float) -> None:
    """Never more than one member at a time; every other time it is the leader."""
    while time.monotonic() < end:
        member: Member = rng.choice(made.members)
        if rng.random() < 0.5:
            member = await asyncio.to_thread(lambda: made.leader)
        if rng.random() < 0.5:
            seen.counts["killed"] += 1
            await asyncio.to_thread(member.kill)
            await asyncio.sleep(rng.uniform(0.5, 3.0))
            member.start()
        else:
            seen.counts["frozen"] += 1
            member.freeze()
            await asyncio.sleep(rng.uniform(1.0, 5.0))
            member.thaw()
        await asyncio.to_thread(member.wait)
        await asyncio.sleep(rng.uniform(0.5, 2.0))

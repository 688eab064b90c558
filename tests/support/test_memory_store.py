"""The store in memory beside the real one: the same calls, the same answers."""

import asyncio
import random

import pytest

from tests.support.memory_store import MemoryStore
from tidegate.errors import StoreError
from tidegate.store.port import Compare, Delete, Put, WatchLost
from tidegate.store.sqlite import SqliteStore

KEYS = tuple(f"{folder}/{name}" for folder in ("a", "b") for name in "xyz")
SECONDS = 10.0


@pytest.fixture
async def both(tmp_path):
    real = await SqliteStore.open(tmp_path / "store.db")
    fake = MemoryStore()
    yield fake, real
    await fake.close()
    await real.close()


async def state(store):
    found = await store.list("")
    return found.revision, {entry.key: (entry.value, entry.revision) for entry in found.entries}


def transaction(rng, revision):
    compares = tuple(Compare(key=rng.choice(KEYS), revision=rng.choice((0, revision))) for _ in range(rng.randrange(2)))
    keys = rng.sample(KEYS, rng.randrange(1, 4))
    operations = tuple(Put(key=key, value=rng.randbytes(3)) if rng.random() < 0.7 else Delete(key=key) for key in keys)
    return compares, operations


async def replayed(store, revision, count):
    watch = store.watch("a/", revision)
    async with asyncio.timeout(SECONDS):
        return [await anext(watch) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
async def test_the_same_transactions_leave_the_same_and_are_watched_alike(both, seed):
    fake, real = both
    rng = random.Random(seed)
    begins = (await state(fake))[0], (await state(real))[0]
    for _ in range(60):
        compares, operations = transaction(rng, (await state(real))[0])
        answers = [await each.txn(compares, operations) for each in both]
        assert answers[0] == answers[1]
        assert await state(fake) == await state(real)
    seen = sum(any(change.key.startswith("a/") for change in changes) for _, changes in fake.log)
    assert seen > 10
    first, second = await replayed(fake, begins[0], seen), await replayed(real, begins[1], seen)
    assert first == second
    for store in both:
        with pytest.raises(WatchLost):
            await replayed(store, (await state(store))[0] + 1, 1)


async def test_what_is_put_with_a_lease_ends_with_it_and_no_lease_that_ended_takes_more(both):
    for store in both:
        lease = await store.grant(SECONDS)
        await store.txn((), (Put(key="a/x", value=b"1", lease=lease), Put(key="a/y", value=b"2")))
        assert await store.keep(lease)
        await store.revoke(lease)
        assert set((await state(store))[1]) == {"a/y"}
        assert not await store.keep(lease)
        with pytest.raises(StoreError):
            await store.txn((), (Put(key="a/z", value=b"3", lease=lease),))

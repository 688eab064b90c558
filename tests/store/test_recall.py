"""What the store said before our start is known while it is away, and only then."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.serve import until
from tests.support.virtual_time import run_virtual
from tidegate.errors import StoreError
from tidegate.store import recall
from tidegate.store.port import Delete, Put, WatchLost
from tidegate.store.recall import LOOK_SECONDS, PATIENCE_SECONDS, Recall


async def put(store, **values):
    await store.txn((), tuple(Put(key=key.replace("_", "/"), value=value.encode()) for key, value in values.items()))


def said(listing):
    return {entry.key: entry.value.decode() for entry in listing.entries}


@asynccontextmanager
async def recalling(store, folder, name="etcd://one"):
    """One life."""
    made = Recall(store, name, folder / "store.recall")
    async with beside(made.run()):
        yield made


async def followed(made, prefix, count):
    """List, and take so many batches of the watch."""
    listing = await made.list(prefix)
    watch = made.watch(prefix, listing.revision)
    for _ in range(count):
        await anext(watch)


async def lived(store, folder, name="etcd://one"):
    """A life in which the store answered: what is below `nodes/` was listed, and one change seen."""
    await put(store, nodes_a="1", nodes_b="1", other_x="1")
    async with recalling(store, folder, name) as made, asyncio.TaskGroup() as tasks:
        tasks.create_task(followed(made, "nodes/", 2))
        await made.list("other/")
        await asyncio.sleep(0.1)
        await put(store, nodes_a="2", nodes_c="1")
        await store.txn((), (Delete(key="nodes/b"),))


def test_a_store_that_answers_is_all_that_counts(tmp_path):
    async def main() -> None:
        store = MemoryStore()
        await lived(store, tmp_path)
        await put(store, nodes_a="3")
        async with recalling(store, tmp_path) as made:
            listing = await made.list("nodes/")
            assert not listing.stale and said(listing) == {"nodes/a": "3", "nodes/c": "1"}
            await put(store, nodes_a="4")
            assert [change.value for change in await anext(made.watch("nodes/", listing.revision))] == [b"4"]

    run_virtual(main())


@pytest.mark.parametrize("fault", ["broken", "cut"])
def test_while_it_is_away_what_was_known_is_told_as_stale_until_it_is_back(tmp_path, fault):
    async def main() -> None:
        store = MemoryStore()
        await lived(store, tmp_path)
        way = Way(store)
        setattr(way, fault, True)
        now = asyncio.get_running_loop().time
        async with recalling(way, tmp_path) as made:
            began = now()
            listing = await made.list("nodes/")
            assert listing.stale and said(listing) == {"nodes/a": "2", "nodes/c": "1"}
            assert now() - began < PATIENCE_SECONDS + 0.1
            with pytest.raises((StoreError, TimeoutError)):
                await asyncio.wait_for(made.list("other/"), 20)
            watch = made.watch("nodes/", listing.revision)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(watch), 60)
            setattr(way, fault, False)
            await put(store, nodes_d="1")
            with pytest.raises(WatchLost):
                await asyncio.wait_for(anext(watch), PATIENCE_SECONDS + 2 * LOOK_SECONDS)
            listing = await made.list("nodes/")
            assert not listing.stale and "nodes/d" in said(listing)

    run_virtual(main())


def test_once_it_has_answered_nothing_is_recalled(tmp_path):
    async def main() -> None:
        store = MemoryStore()
        await lived(store, tmp_path)
        way = Way(store)
        async with recalling(way, tmp_path) as made:
            await made.list("nodes/")
            way.broken = True
            with pytest.raises(StoreError):
                await made.list("nodes/")

    run_virtual(main())


@pytest.mark.parametrize("spoil", ["other store", "damage", "no file"])
def test_what_cannot_be_believed_is_as_if_nothing_was_known(tmp_path, spoil):
    async def main() -> None:
        store = MemoryStore()
        await lived(store, tmp_path)
        path = tmp_path / "store.recall"
        if spoil == "damage":
            path.write_bytes(path.read_bytes()[:-3])
        elif spoil == "no file":
            path.unlink()
        way = Way(store)
        way.broken = True
        async with recalling(way, tmp_path, "etcd://two" if spoil == "other store" else "etcd://one") as made:
            with pytest.raises(StoreError):
                await made.list("nodes/")

    run_virtual(main())


async def test_the_file_follows_within_seconds_and_a_life_without_the_store_keeps_it(tmp_path, monkeypatch):
    monkeypatch.setattr(recall, "PAUSE_SECONDS", 0.01)
    store = MemoryStore()
    await put(store, nodes_a="1")
    way = Way(store)
    async with recalling(store, tmp_path) as made:
        await made.list("nodes/")
        await until((tmp_path / "store.recall").exists)
    way.broken = True
    async with recalling(way, tmp_path) as made:
        assert (await made.list("nodes/")).stale
    async with recalling(store, tmp_path) as made:
        await made.list("overrides/")
    async with recalling(way, tmp_path) as made:
        assert said(await made.list("nodes/")) == {"nodes/a": "1"}, "what a life did not ask for is kept"
        assert said(await made.list("overrides/")) == {}

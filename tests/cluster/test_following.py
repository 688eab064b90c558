"""A mirror of the store: in step while it can be read, as it was while it cannot."""

import asyncio
from contextlib import asynccontextmanager

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.virtual_time import run_virtual
from tidegate.cluster.following import RESYNC_SECONDS, Following
from tidegate.store.port import Delete, Put


@asynccontextmanager
async def following(store, grace=0.0, doubt=lambda: False, leased=lambda _: True):
    told = []
    mirror = Following(store, "p/", told.append, asyncio.get_running_loop().time, grace, doubt, leased)
    async with beside(mirror.run()):
        yield mirror, told


async def put(store, **values):
    await store.txn((), tuple(Put(key=f"p/{key}", value=value.encode()) for key, value in values.items()))
    await asyncio.sleep(0.01)


def said(mirror):
    return {key.removeprefix("p/"): entry.value.decode() for key, entry in mirror.entries.items()}


def test_it_begins_with_what_there_is_and_follows_what_changes():
    async def main() -> None:
        store = MemoryStore()
        await put(store, a="1")
        async with following(store) as (mirror, told):
            assert said(mirror) == {"a": "1"} and told == [{"p/a"}]
            await put(store, b="2", a="3")
            await store.txn((), (Delete(key="p/a"),))
            await asyncio.sleep(0.01)
            assert said(mirror) == {"b": "2"}
            assert told == [{"p/a"}, {"p/a", "p/b"}, {"p/a"}]

    run_virtual(main())


def test_an_empty_store_is_known_too():
    async def main() -> None:
        async with following(MemoryStore()) as (mirror, told):
            assert mirror.known and told == [set()]

    run_virtual(main())


def test_while_the_store_is_away_everything_stays_and_it_says_so():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        await put(store, a="1")
        async with following(way) as (mirror, told):
            way.broken = True
            await asyncio.sleep(100)
            assert said(mirror) == {"a": "1"} and mirror.lost is not None and mirror.lost_at < 5
            way.broken = False
            await put(store, b="2")
            await asyncio.sleep(2)
            assert said(mirror) == {"a": "1", "b": "2"} and mirror.lost is None
            assert told == [{"p/a"}, {"p/b"}], "only what changed is told"

    run_virtual(main())


def test_what_hangs_on_no_lease_is_gone_as_soon_as_it_is_missing():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        await put(store, a="1", b="1", c="1")
        async with following(way, 15.0, lambda: True, lambda key: key == "p/a") as (mirror, _):
            way.broken = True
            await asyncio.sleep(2)
            await store.txn((), (Delete(key="p/a"), Delete(key="p/b")))
            way.broken = False
            await asyncio.sleep(2)
            assert said(mirror) == {"a": "1", "c": "1"}
            await store.txn((), (Delete(key="p/c"),))
            await asyncio.sleep(0.01)
            assert said(mirror) == {"a": "1"}

    run_virtual(main())


def test_what_went_while_the_store_was_away_is_kept_for_its_grace():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        await put(store, a="1", b="1", c="1")
        async with following(way, grace=15.0) as (mirror, told):
            way.broken = True
            await asyncio.sleep(5)
            await store.txn((), tuple(Delete(key=f"p/{key}") for key in "abc"))
            way.broken = False
            await asyncio.sleep(3)
            assert said(mirror) == {"a": "1", "b": "1", "c": "1"}, "they may be about to come back"
            await put(store, a="2")
            await store.txn((), (Put(key="p/b", value=b"2"),))
            await store.txn((), (Delete(key="p/b"),))
            await asyncio.sleep(1)
            assert said(mirror) == {"a": "2", "c": "1"}, "what is seen to come and go counts at once"
            await asyncio.sleep(15)
            assert said(mirror) == {"a": "2"} and told[-1] == {"p/c"}

    run_virtual(main())


def test_what_goes_while_it_looks_goes_at_once():
    async def main() -> None:
        store = MemoryStore()
        await put(store, a="1")
        async with following(store, grace=15.0) as (mirror, _):
            await store.txn((), (Delete(key="p/a"),))
            await asyncio.sleep(0.01)
            assert said(mirror) == {}

    run_virtual(main())


def test_everything_is_listed_again_now_and_then():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        async with following(way) as (mirror, _):
            way.cut = True  # a watch that has died without a word
            await put(store, a="1")
            assert said(mirror) == {}
            way.cut = False
            await asyncio.sleep(RESYNC_SECONDS + 2)
            assert said(mirror) == {"a": "1"}

    run_virtual(main())


def test_what_goes_while_only_the_store_may_have_been_away_is_kept_for_its_grace():
    async def main() -> None:
        store = MemoryStore()
        await put(store, a="1", b="1", c="1")
        doubts = [True]
        async with following(store, 15.0, lambda: doubts[0]) as (mirror, told):
            await store.txn((), (Delete(key="p/a"), Delete(key="p/b"), Put(key="p/c", value=b"2")))
            await asyncio.sleep(5)
            await put(store, a="2")
            doubts[0] = False
            await store.txn((), (Delete(key="p/c"),))
            await asyncio.sleep(5)
            assert said(mirror) == {"a": "2", "b": "1"}
            await asyncio.sleep(6)
            assert said(mirror) == {"a": "2"}
            assert told[1:] == [{"p/c"}, {"p/a"}, {"p/c"}, {"p/b"}]

    run_virtual(main())


def test_it_tells_for_how_long_it_has_missed_nothing():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        async with following(way) as (mirror, _):
            before = mirror.sighted
            await asyncio.sleep(RESYNC_SECONDS + 10)
            assert mirror.sighted > before + RESYNC_SECONDS, "to list again is no gap"
            way.broken = True
            await asyncio.sleep(10)
            assert mirror.sighted == 0.0
            way.broken = False
            await asyncio.sleep(10)
            assert 8 < mirror.sighted < 11

    run_virtual(main())

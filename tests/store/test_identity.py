import asyncio

from tidegate.store.identity import identity
from tidegate.store.sqlite import SqliteStore


async def test_a_store_is_named_once_whoever_asks(tmp_path):
    names = iter("abc")
    store = await SqliteStore.open(tmp_path / "store.sqlite")
    try:
        found = await asyncio.gather(*(identity(store, lambda: next(names)) for _ in range(3)))
    finally:
        await store.close()
    again = await SqliteStore.open(tmp_path / "store.sqlite")
    try:
        assert {*found, await identity(again, lambda: "other")} == {found[0]}
    finally:
        await again.close()

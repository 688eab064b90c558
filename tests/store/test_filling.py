from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import StoreError
from tidegate.store import filling
from tidegate.store.etcd import EtcdStore
from tidegate.store.filling import fill, parts
from tidegate.store.port import MAX_BYTES, MAX_OPERATIONS, Compare, Entry, Put, WatchLost


@pytest.fixture
async def store(etcd_member):
    made = await EtcdStore.open(etcd_member.address())
    yield made
    await made.close()


def entries(count):
    return [Entry(key=f"k/{number:04}", value=b"%d" % number, revision=number + 1) for number in range(count)]


async def test_entries_of_many_transactions_come_into_force_at_once(store, etcd_member):
    reader = await EtcdStore.open(store.session.address)
    await reader.list("")
    seen = []
    write = filling._write

    async def looking(target, conditions, writes):
        other = await EtcdStore.open(store.session.address)
        seen.append(len((await other.list("")).entries))
        await other.close()
        return await write(target, conditions, writes)

    filling._write = looking
    try:
        epoch = await fill(store, entries(250), "here", 1.0)
    finally:
        filling._write = write
    assert seen == [0, 0, 0, 0]
    fresh = await EtcdStore.open(store.session.address)
    listing = await fresh.list("")
    assert [(each.key, each.value) for each in listing.entries] == [(each.key, each.value) for each in entries(250)]
    assert (await fresh.ground()).epoch == epoch
    assert epoch.number == 1
    for each in (reader, fresh):
        await each.close()


async def test_who_was_there_before_can_neither_write_to_the_old_root_nor_go_on_watching_it(store):
    before = await EtcdStore.open(store.session.address)
    watch = before.watch("", (await before.list("")).revision)
    await fill(store, entries(3), "here", 1.0)
    assert await before.txn((Compare(key="k/0000", revision=0),), (Put(key="k/0000", value=b"x"),)) is None
    with pytest.raises(WatchLost):
        await anext(watch)
    assert len((await before.list("")).entries) == 3
    assert await before.txn((), (Put(key="new", value=b"x"),)) is not None
    assert len((await before.list("")).entries) == 4
    await before.close()


async def test_a_store_with_entries_is_left_as_it_is(store):
    await store.txn((), (Put(key="a", value=b"1"),))
    with pytest.raises(StoreError) as error:
        await fill(store, entries(3), "here", 1.0)
    assert error.value.problems[0].code == "T1530"
    assert [each.key for each in (await store.list("")).entries] == ["a"]


async def test_what_came_meanwhile_stops_it_and_leaves_nothing_behind(store, monkeypatch):
    back = filling._read_back

    async def intruding(*arguments):
        await back(*arguments)
        await store.txn((), (Put(key="a", value=b"1"),))

    monkeypatch.setattr(filling, "_read_back", intruding)
    with pytest.raises(StoreError) as error:
        await fill(store, entries(3), "here", 1.0)
    assert error.value.problems[0].code == "T1532"
    assert [each.key for each in (await store.list("")).entries] == ["a"]
    assert len((await store.scan(store.prefix))[0]) == 1


async def test_a_heartbeat_that_comes_between_is_no_obstacle(store, monkeypatch):
    scan, beats = store.scan, []

    async def beating(start):
        found = await scan(start)
        if len(beats) < 2:
            beats.append(await store._touch("overrides/"))
        return found

    monkeypatch.setattr(store, "scan", beating)
    await fill(store, entries(3), "here", 1.0)
    assert len((await store.list("")).entries) == 3


async def test_what_cannot_be_read_back_is_never_in_force(store, monkeypatch):
    write = filling._write
    monkeypatch.setattr(filling, "_write", lambda target, conditions, writes: write(target, conditions, writes[:-1]))
    with pytest.raises(StoreError) as error:
        await fill(store, entries(3), "here", 1.0)
    assert error.value.problems[0].code == "T1531"
    assert (await store.scan(store.prefix))[0] == []


@given(sizes=st.lists(st.integers(0, MAX_BYTES), max_size=12), many=st.integers(0, 250))
def test_parts_fit_and_are_everything_in_order(sizes, many):
    given_ = [
        Entry(key=f"k{number}", value=bytes(size), revision=1) for number, size in enumerate([*sizes, *[0] * many])
    ]
    made = list(parts(given_))
    assert [each for part in made for each in part] == given_
    for part in made:
        assert 0 < len(part) <= MAX_OPERATIONS
        assert sum(len(each.value) for each in part) <= MAX_BYTES

"""What every store must do, shown on SQLite and on a real etcd. Another implementation is one more `Backend`."""

# ruff: noqa: TID251  these tests start and cancel callers, as other components do
from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
from blockbuster import blockbuster_ctx

from tests.support.etcd import Cluster
from tidegate.control.metrics import Registry
from tidegate.errors import StoreError
from tidegate.store.etcd import EtcdStore
from tidegate.store.port import MAX_BYTES, MAX_OPERATIONS, Change, Compare, Delete, Put, Store, WatchLost
from tidegate.store.sqlite import SqliteStore

DEADLINE = 10.0


class Backend(Protocol):
    """One store's data. `open` may be called again after the store was closed and finds the same data. `ttl` is a short
    time for a lease, in seconds."""

    ttl: float

    async def open(self) -> Store: ...

    async def pass_time(self, share: float) -> None:
        """Return when this share of `ttl` has passed."""
        ...

    async def outlive(self, lease: int) -> None:
        """Return when the time of a lease of `ttl` is over."""
        ...

    async def forget_history(self, store: Store) -> None:
        """Make the store forget the changes up to now."""
        ...


class SqliteBackend:
    ttl = 5.0

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store.db"
        self._now = 1000.0
        self._store: SqliteStore | None = None

    async def open(self) -> Store:
        self._store = await SqliteStore.open(self._path, clock=lambda: self._now, history=50)
        return self._store

    async def pass_time(self, share: float) -> None:
        self._now += self.ttl * share
        await self._store.expire()

    async def outlive(self, lease: int) -> None:
        await self.pass_time(1.2)

    async def forget_history(self, store: Store) -> None:
        for number in range(200):
            await store.txn((), (Put(key="filler", value=b"%d" % number),))


class EtcdBackend:
    """A folder of a real etcd. Its shortest lease is a second, and it looks twice a second which have ended."""

    ttl = 1.0

    def __init__(self, cluster: Cluster) -> None:
        self._member = cluster.members[0]
        self._address = cluster.address()

    async def open(self) -> Store:
        return await EtcdStore.open(self._address)

    async def pass_time(self, share: float) -> None:
        await asyncio.sleep(self.ttl * share)  # time itself is what is waited for

    async def outlive(self, lease: int) -> None:
        async with asyncio.timeout(DEADLINE):
            while int((await self._asked("/v3/kv/lease/timetolive", ID=str(lease))).get("TTL", "0")) >= 0:  # noqa: ASYNC110  no event
                await asyncio.sleep(0.02)

    async def forget_history(self, store: Store) -> None:
        for value in (b"1", b"2"):
            await store.txn((), (Put(key="filler", value=value),))
        await self._asked("/v3/kv/compaction", revision=str((await store.list("")).revision))

    async def _asked(self, path: str, **body: str) -> dict[str, str]:
        return await asyncio.to_thread(self._member.ask, path, **body)


BACKENDS = ("sqlite", "etcd")


@pytest.fixture(autouse=True)
def never_blocking():
    """Any call that blocks the event loop fails the test."""
    with blockbuster_ctx():
        yield


@pytest.fixture(params=BACKENDS)
def backend(request, tmp_path) -> Backend:
    if request.param == "sqlite":
        return SqliteBackend(tmp_path)
    return EtcdBackend(request.getfixturevalue("etcd_member"))


@pytest.fixture
async def store(backend) -> AsyncIterator[Store]:
    store = await backend.open()
    yield store
    await store.close()


@asynccontextmanager
async def deadline():
    async with asyncio.timeout(DEADLINE):
        yield


@asynccontextmanager
async def opened(backend: Backend) -> AsyncIterator[Store]:
    store = await backend.open()
    try:
        yield store
    finally:
        await store.close()


async def put(store: Store, **values: str) -> int:
    operations = tuple(Put(key=key.replace("__", "/"), value=value.encode()) for key, value in values.items())
    revision = await store.txn((), operations)
    assert revision is not None
    return revision


async def take(watch, count: int) -> list[tuple[Change, ...]]:
    async with deadline():
        return [await anext(watch) for _ in range(count)]


# --------------------------------------------------------------------------------------------------- reading, writing


async def test_a_missing_key_is_none(store):
    assert await store.get("a") is None


async def test_a_put_is_read_back_with_the_revision_of_its_transaction(store):
    revision = await put(store, a="1")
    entry = await store.get("a")
    assert (entry.key, entry.value, entry.revision, entry.lease) == ("a", b"1", revision, 0)


@pytest.mark.parametrize("value", [b"", b"\0", bytes(range(256)), b"x" * 65536])
async def test_values_are_any_bytes(store, value):
    await store.txn((), (Put(key="a", value=value),))
    assert (await store.get("a")).value == value


async def test_revisions_start_at_one_or_more_and_only_grow(store):
    revisions = [await put(store, a=str(number)) for number in range(5)]
    assert revisions[0] >= 1
    assert revisions == sorted(set(revisions))


async def test_all_operations_of_a_transaction_share_one_revision(store):
    revision = await put(store, a="1", b="2", c="3")
    listing = await store.list("")
    assert {entry.revision for entry in listing.entries} == {revision} == {listing.revision}


async def test_a_listing_holds_exactly_the_prefix_in_order_of_key(store):
    await put(store, b__2="x", b__1="x", bb="x", a="x", c="x")
    await put(store, b__10="x")
    assert [entry.key for entry in (await store.list("b/")).entries] == ["b/1", "b/10", "b/2"]
    assert [entry.key for entry in (await store.list("b")).entries] == ["b/1", "b/10", "b/2", "bb"]
    assert len((await store.list("")).entries) == 6


@pytest.mark.parametrize("wild", ["a%", "a_", "a*", "a?", "a'", 'a"', "a~"])
async def test_no_character_of_a_prefix_is_special(store, wild):
    await store.txn((), (Put(key=wild + "/x", value=b"1"), Put(key="ab/x", value=b"2"), Put(key="a/x", value=b"3")))
    assert [entry.key for entry in (await store.list(wild)).entries] == [wild + "/x"]


async def test_an_empty_store_lists_nothing_and_can_be_watched_from_there(store):
    listing = await store.list("")
    assert listing.entries == ()
    watch = store.watch("", listing.revision)
    revision = await put(store, a="1")
    assert await take(watch, 1) == [(Change(key="a", value=b"1", revision=revision),)]


async def test_a_deleted_key_is_gone(store):
    await put(store, a="1")
    await store.txn((), (Delete(key="a"),))
    assert await store.get("a") is None


async def test_deleting_what_is_not_there_changes_nothing(store):
    before = await put(store, a="1")
    assert await store.txn((), (Delete(key="b"),)) == before
    assert (await store.list("")).revision == before


@pytest.mark.parametrize("key", ["", "ключ", "a\nb", "a\0b"])
async def test_a_key_that_is_not_printable_ascii_is_refused(store, key):
    with pytest.raises(StoreError):
        await store.txn((), (Put(key=key, value=b""),))


async def test_a_transaction_over_the_limits_is_refused_whole(store):
    with pytest.raises(StoreError):
        await store.txn((), tuple(Put(key=f"k{number}", value=b"") for number in range(MAX_OPERATIONS + 1)))
    with pytest.raises(StoreError):
        await store.txn((), (Put(key="a", value=b"x" * MAX_BYTES), Put(key="b", value=b"x")))
    assert (await store.list("")).entries == ()


async def test_calls_are_timed_by_what_was_asked(store):
    metrics = Registry()
    store.report_to(metrics)
    await put(store, a="1")
    await store.list("")
    text = metrics.text().decode()
    assert 'tidegate_store_call_seconds_count{call="txn"} 1.0' in text
    assert 'tidegate_store_call_seconds_count{call="list"}' in text


# ------------------------------------------------------------------------------------------------------------ compare


async def test_a_compare_with_the_read_revision_holds(store):
    revision = await put(store, a="1")
    assert await store.txn((Compare(key="a", revision=revision),), (Put(key="a", value=b"2"),)) == revision + 1


async def test_a_compare_with_an_old_revision_writes_nothing(store):
    old = await put(store, a="1")
    new = await put(store, a="2")
    operations = (Put(key="a", value=b"3"), Put(key="b", value=b"3"))
    assert await store.txn((Compare(key="a", revision=old),), operations) is None
    assert (await store.get("a")).value == b"2"
    assert (await store.list("")).revision == new


async def test_compare_zero_means_absent(store):
    absent = (Compare(key="a", revision=0),)
    assert await store.txn(absent, (Put(key="a", value=b"1"),)) is not None
    assert await store.txn(absent, (Put(key="a", value=b"2"),)) is None
    await store.txn((), (Delete(key="a"),))
    assert await store.txn(absent, (Put(key="a", value=b"3"),)) is not None


async def test_one_failing_compare_of_many_stops_all(store):
    revision = await put(store, a="1", b="1")
    compares = (Compare(key="a", revision=revision), Compare(key="b", revision=revision - 1))
    assert await store.txn(compares, (Delete(key="a"),)) is None
    assert await store.get("a") is not None


async def test_a_transaction_without_operations_only_compares(store):
    revision = await put(store, a="1")
    assert await store.txn((Compare(key="a", revision=revision),), ()) == revision
    assert await store.txn((Compare(key="a", revision=0),), ()) is None


async def test_concurrent_increments_by_compare_end_exact(store):
    await put(store, n="0")

    async def increment() -> None:
        while True:
            entry = await store.get("n")
            value = b"%d" % (int(entry.value) + 1)
            if await store.txn((Compare(key="n", revision=entry.revision),), (Put(key="n", value=value),)):
                return

    async with deadline(), asyncio.TaskGroup() as group:
        for _ in range(40):
            group.create_task(increment())
    assert (await store.get("n")).value == b"40"


# -------------------------------------------------------------------------------------------------------------- watch


async def test_a_watch_gives_changes_in_order_one_batch_per_revision(store):
    watch = store.watch("", (await store.list("")).revision)
    first = await put(store, a="1", b="1")
    second = await put(store, a="2")
    await store.txn((), (Delete(key="b"),))
    assert await take(watch, 3) == [
        (Change(key="a", value=b"1", revision=first), Change(key="b", value=b"1", revision=first)),
        (Change(key="a", value=b"2", revision=second),),
        (Change(key="b", value=None, revision=second + 1),),
    ]


async def test_a_watch_sees_only_its_prefix(store):
    watch = store.watch("b/", (await store.list("")).revision)
    await put(store, a="1")
    revision = await put(store, b__1="1", c="1")
    assert await take(watch, 1) == [(Change(key="b/1", value=b"1", revision=revision),)]


async def test_a_watch_resumes_after_any_revision_without_gap_or_repeat(store):
    start = (await store.list("")).revision
    revisions = [await put(store, a=str(number)) for number in range(10)]
    for index, after in enumerate([start, *revisions[:-1]]):
        batches = await take(store.watch("", after), 10 - index)
        assert [batch[0].revision for batch in batches] == revisions[index:]


async def test_a_watch_waits_for_what_is_not_yet_written(store):
    watch = store.watch("", await put(store, a="1"))
    reading = asyncio.ensure_future(anext(watch))
    await store.get("a")
    assert not reading.done()
    await put(store, a="2")
    async with deadline():
        assert (await reading)[0].value == b"2"


async def test_a_cancelled_wait_loses_nothing(store):
    watch = store.watch("", await put(store, a="1"))
    reading = asyncio.ensure_future(anext(watch))
    await store.get("a")
    reading.cancel()
    await asyncio.wait([reading], timeout=DEADLINE)
    assert reading.cancelled()
    await put(store, a="2")
    assert (await take(watch, 1))[0][0].value == b"2"


async def test_a_write_during_resume_comes_once(store):
    start = (await store.list("")).revision
    for number in range(20):
        await put(store, a=str(number))
    watch = store.watch("", start)

    async def more() -> None:
        for number in range(20, 40):
            await put(store, a=str(number))

    async with deadline():
        first, _ = await asyncio.gather(anext(watch), more())
    rest = await take(watch, 39)
    assert [batch[0].value for batch in (first, *rest)] == [b"%d" % number for number in range(40)]


async def test_a_change_is_watched_before_its_writer_goes_on_to_the_next(store):
    watch = store.watch("", await put(store, a="1"))
    reading = asyncio.ensure_future(anext(watch))
    await store.get("a")
    await put(store, a="2")
    await put(store, a="3")
    async with deadline():
        assert (await reading)[0].value == b"2"


async def test_resuming_from_a_forgotten_revision_says_list_again(backend, store):
    old = await put(store, a="1")
    await backend.forget_history(store)
    with pytest.raises(WatchLost):
        await take(store.watch("", old), 1)


async def test_resuming_from_a_revision_of_the_future_says_list_again(store):
    with pytest.raises(WatchLost):
        await take(store.watch("", (await store.list("")).revision + 1000), 1)


async def test_closing_the_store_ends_its_watches(backend):
    store = await backend.open()
    watch = store.watch("", await put(store, a="1"))
    reading = asyncio.ensure_future(anext(watch, None))
    await store.get("a")
    await store.close()
    async with deadline():
        assert await reading is None


# -------------------------------------------------------------------------------------------------------------- lease


async def test_entries_vanish_when_their_lease_ends_and_watchers_see_it(backend, store):
    lease = await store.grant(backend.ttl)
    revision = await store.txn((), (Put(key="a", value=b"1", lease=lease), Put(key="b", value=b"1")))
    watch = store.watch("", revision)
    assert (await store.get("a")).lease == lease
    await backend.outlive(lease)
    assert [change.key for change in (await take(watch, 1))[0]] == ["a"]
    assert await store.get("a") is None
    assert await store.get("b") is not None


async def test_a_kept_lease_lives_on(backend, store):
    lease = await store.grant(backend.ttl)
    await store.txn((), (Put(key="a", value=b"1", lease=lease),))
    for _ in range(3):
        await backend.pass_time(0.6)
        assert await store.keep(lease)
    assert await store.get("a") is not None


async def test_keeping_a_lease_that_ended_is_false(backend, store):
    lease = await store.grant(backend.ttl)
    await backend.outlive(lease)
    assert not await store.keep(lease)
    assert not await store.keep(lease + 1000)


async def test_revoking_deletes_all_entries_in_one_revision(store):
    lease = await store.grant(60)
    await store.txn((), (Put(key="a", value=b"1", lease=lease),))
    revision = await store.txn((), (Put(key="b", value=b"1", lease=lease),))
    watch = store.watch("", revision)
    await store.revoke(lease)
    assert [change.key for change in (await take(watch, 1))[0]] == ["a", "b"]
    assert not await store.keep(lease)


async def test_revoking_an_unknown_lease_changes_nothing(store):
    before = (await store.list("")).revision
    await store.revoke(12345)
    assert (await store.list("")).revision == before


async def test_a_put_on_an_ended_lease_writes_nothing(backend, store):
    lease = await store.grant(backend.ttl)
    await backend.outlive(lease)
    with pytest.raises(StoreError):
        await store.txn((), (Put(key="b", value=b"1"), Put(key="a", value=b"1", lease=lease)))
    assert (await store.list("")).entries == ()


async def test_an_entry_put_again_without_lease_stays(backend, store):
    lease = await store.grant(backend.ttl)
    await store.txn((), (Put(key="a", value=b"1", lease=lease),))
    await store.txn((), (Put(key="a", value=b"2"),))
    await backend.outlive(lease)
    assert (await store.get("a")).value == b"2"


async def test_what_a_leader_writes_is_refused_once_its_lease_has_ended(backend, store):
    lease = await store.grant(backend.ttl)
    mine = await store.txn((Compare(key="leader", revision=0),), (Put(key="leader", value=b"me", lease=lease),))
    fence = (Compare(key="leader", revision=mine),)
    assert await store.txn(fence, (Put(key="places/a", value=b"1"),)) is not None
    await backend.outlive(lease)
    assert await store.txn(fence, (Put(key="places/a", value=b"2"),)) is None
    other = await store.txn((Compare(key="leader", revision=0),), (Put(key="leader", value=b"other"),))
    assert await store.txn(fence, (Put(key="places/a", value=b"3"),)) is None
    assert await store.txn((Compare(key="leader", revision=other),), (Put(key="places/a", value=b"4"),)) is not None
    assert (await store.get("places/a")).value == b"4"


async def test_what_hangs_on_a_lease_counts_as_absent_once_that_has_ended_and_not_when_it_is_there_again(
    backend, store
):
    lease = await store.grant(backend.ttl)
    await store.txn((), (Put(key="nodes/a/live", value=b"1", lease=lease),))
    away = (Compare(key="nodes/a/live", revision=0),)
    assert await store.txn(away, (Delete(key="places/a"),)) is None
    await backend.outlive(lease)
    assert await store.txn(away, (Put(key="places/a", value=b"1"),)) is not None
    again = await store.grant(backend.ttl)
    await store.txn((), (Put(key="nodes/a/live", value=b"2", lease=again),))
    assert await store.txn(away, (Delete(key="places/a"),)) is None
    assert (await store.get("places/a")).value == b"1"


async def test_leases_are_never_given_twice(backend, store):
    first = await store.grant(backend.ttl)
    await store.revoke(first)
    assert await store.grant(backend.ttl) != first


# ----------------------------------------------------------------------------------------------------------- lifetime


async def test_everything_survives_a_reopen(backend):
    store = await backend.open()
    await put(store, a="1")
    revision = await put(store, b="2")
    await store.close()
    async with opened(backend) as store:
        assert [entry.value for entry in (await store.list("")).entries] == [b"1", b"2"]
        assert await put(store, c="3") == revision + 1


async def test_a_lease_survives_a_reopen_and_then_ends(backend):
    store = await backend.open()
    lease = await store.grant(backend.ttl)
    await store.txn((), (Put(key="a", value=b"1", lease=lease),))
    await store.close()
    async with opened(backend) as store:
        assert await store.get("a") is not None
        await backend.outlive(lease)
        assert await store.get("a") is None


async def test_a_closed_store_refuses_and_closes_again_quietly(backend):
    store = await backend.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreError):
        await store.get("a")


# -------------------------------------------------------------------------------------------------- one beside the other


async def test_both_stores_answer_the_same_to_the_same_transactions(tmp_path, etcd_member):
    """Revisions differ: each store counts its own. What holds, what is there, and what a watch tells do not."""
    rng = random.Random(11)
    keys = [f"{folder}/{name}" for folder in ("a", "b", "ab") for name in "xyz"]
    async with opened(SqliteBackend(tmp_path)) as one, opened(EtcdBackend(etcd_member)) as other:
        watches = [store.watch("a", (await store.list("")).revision) for store in (one, other)]
        told: list[list[list[tuple[str, bytes | None]]]] = [[], []]
        async with deadline():
            for number in range(60):
                chosen = rng.sample(keys, rng.randrange(1, 5))
                stale = rng.random() < 0.2
                compared = rng.sample(chosen, rng.randrange(len(chosen) + 1))
                operations = tuple(
                    Put(key=key, value=b"%d" % number) if rng.random() < 0.7 else Delete(key=key) for key in chosen
                )
                held = []
                for store in (one, other):
                    found = {key: await store.get(key) for key in compared}
                    compares = tuple(
                        Compare(key=key, revision=(entry.revision if entry else 0) + stale)
                        for key, entry in found.items()
                    )
                    held.append(await store.txn(compares, operations) is not None)
                assert held[0] == held[1] == (not (stale and compared))
            last = [await put(store, a__end="1") for store in (one, other)]
            for watch, batches, revision in zip(watches, told, last, strict=True):
                async for batch in watch:
                    batches.append([(change.key, change.value) for change in batch])
                    if batch[0].revision == revision:
                        break
        assert told[0] == told[1]
        listed = [[(entry.key, entry.value) for entry in (await store.list("")).entries] for store in (one, other)]
        assert listed[0] == listed[1]

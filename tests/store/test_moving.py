from __future__ import annotations

import pytest

from tidegate.errors import StoreError
from tidegate.store.etcd import EtcdStore
from tidegate.store.moving import move
from tidegate.store.opening import MOVED
from tidegate.store.port import Put
from tidegate.store.sqlite import SqliteStore


@pytest.fixture
async def source(tmp_path):
    made = await SqliteStore.open(tmp_path / "store.sqlite")
    lease = await made.grant(60)
    await made.txn((), (Put(key="overrides/a", value=b"\xff"), Put(key="live", value=b"1", lease=lease)))
    await made.txn((), tuple(Put(key=f"releases/{number:03}", value=b"x" * number) for number in range(100)))
    yield made
    await made.close()


@pytest.fixture
async def target(etcd_member):
    made = await EtcdStore.open(etcd_member.address())
    yield made
    await made.close()


async def test_everything_but_leased_entries_is_moved_and_word_is_left_of_where(source, target):
    before = await source.list("")
    done = await move(source, target, "here", 5.0, dry_run=False)
    moved = {each.key: each.value for each in (await target.list("")).entries}
    assert moved == {each.key: each.value for each in before.entries if not each.lease}
    assert (done.entries, done.left, done.revision, done.epoch) == (101, 1, before.revision, 1)
    assert done.transactions == 2
    assert (await source.get(MOVED)).value.decode() == str(target.session.address)
    assert (await target.ground()).epoch.source == "here"


async def test_a_rehearsal_says_the_same_and_changes_nothing(source, target):
    before = await source.list("")
    planned = await move(source, target, "here", 5.0, dry_run=True)
    assert (await target.scan(target.prefix))[0] == []
    assert await source.list("") == before
    assert await move(source, target, "here", 5.0, dry_run=False) == planned


async def test_a_store_moved_twice_needs_another_target_and_takes_its_note_not_along(source, target, etcd_member):
    await move(source, target, "here", 5.0, dry_run=False)
    with pytest.raises(StoreError) as error:
        await move(source, target, "here", 6.0, dry_run=False)
    assert error.value.problems[0].code == "T1530"
    other = await EtcdStore.open(etcd_member.address())
    await move(source, other, "here", 6.0, dry_run=False)
    assert await other.get(MOVED) is None
    await other.close()

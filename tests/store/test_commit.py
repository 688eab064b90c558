"""Transactions whose answers are lost, or whose requests come late, before a real etcd."""

from __future__ import annotations

import asyncio
import random

import pytest
from msgspec import structs

from tests.support.lossy import Lossy
from tidegate.errors import StoreError
from tidegate.store import session
from tidegate.store.etcd import EtcdStore
from tidegate.store.port import Compare, Delete, Put
from tidegate.tasks import Tasks


@pytest.fixture
async def lossy(etcd_member):
    async with Lossy(etcd_member.members[0].client) as made:
        yield made


@pytest.fixture
async def store(etcd_member, lossy):
    address = structs.replace(etcd_member.address(), members=(f"127.0.0.1:{lossy.port}",))
    made = await EtcdStore.open(address)
    await made.list("")
    yield made
    lossy.loses = lossy.holds = lambda request: False
    lossy.release.set()
    await made.close()


def transactions(request):
    return request.startswith(b"POST /v3/kv/txn")


async def test_answers_lost_at_random_make_no_increment_twice_and_lose_none(store, lossy):
    rng = random.Random(3)
    await store.txn((), (Put(key="n", value=b"0"),))
    lossy.loses = lambda request: transactions(request) and rng.random() < 0.3

    async def increment():
        while True:
            entry = await store.get("n")
            value = b"%d" % (int(entry.value) + 1)
            if await store.txn((Compare(key="n", revision=entry.revision),), (Put(key="n", value=value),)):
                return

    async with asyncio.timeout(20), Tasks("test") as tasks:
        for number in range(20):
            tasks.spawn(f"increment {number}", increment())
    assert (await store.get("n")).value == b"20"
    assert lossy.lost > 5


async def test_a_lost_answer_is_found_out_with_its_revision(store, lossy):
    lost = iter([True])
    lossy.loses = lambda request: transactions(request) and next(lost, False)
    revision = await store.txn((Compare(key="a", revision=0),), (Put(key="a", value=b"1"),))
    assert (await store.get("a")).revision == revision
    assert lossy.lost == 1


async def test_a_request_that_comes_after_its_caller_went_another_way_does_nothing(store, lossy, monkeypatch):
    monkeypatch.setattr(session, "TRY_SECONDS", 0.2)
    first = iter([True])
    lossy.holds = lambda request: transactions(request) and next(first, False)
    absent = (Compare(key="a", revision=0),)
    assert await store.txn(absent, (Put(key="a", value=b"1"),)) is not None
    assert lossy.held == 1
    monkeypatch.undo()
    before = await store.txn((), (Delete(key="a"),))  # what the late request compares holds again: but for its marker
    lossy.release.set()
    async with asyncio.timeout(5):
        await lossy.answered.wait()
    assert await store.get("a") is None
    assert (await store.list("")).revision == before


async def test_a_write_without_a_compare_is_not_repeated_and_says_that_it_may_have_happened(store, lossy):
    lossy.loses = transactions
    with pytest.raises(StoreError) as error:
        await store.txn((), (Put(key="a", value=b"1"),))
    assert error.value.problems[0].code == "T1521"
    assert lossy.lost == 1


async def test_an_outcome_that_stays_unknown_is_said_and_its_marker_not_used_again(store, lossy, monkeypatch):
    monkeypatch.setattr(session, "CALL_SECONDS", 0.5)
    lossy.loses = transactions
    with pytest.raises(StoreError) as error:
        await store.txn((Compare(key="a", revision=0),), (Put(key="a", value=b"1"),))
    assert error.value.problems[0].code == "T1521"
    assert not store._committer._free
    lossy.loses = lambda request: False
    assert await store.txn((Compare(key="b", revision=0),), (Put(key="b", value=b"1"),)) is not None


async def test_markers_are_used_again_and_deleted_at_the_end(store, etcd_member):
    for number in range(5):
        assert await store.txn((Compare(key=f"k{number}", revision=0),), (Put(key=f"k{number}", value=b"1"),))
    assert store._committer._made == 1
    other = await EtcdStore.open(store.session.address)
    assert len((await other.scan(store.prefix + b"/session/"))[0]) == 1
    await store.close()
    assert (await other.scan(store.prefix + b"/session/"))[0] == []
    await other.close()


async def test_a_marker_that_was_swept_away_is_written_anew(store):
    assert await store.txn((Compare(key="a", revision=0),), (Put(key="a", value=b"1"),))
    await store._sweep((await store.list("")).revision)
    assert await store.txn((Compare(key="b", revision=0),), (Put(key="b", value=b"1"),))
    assert store._committer._made == 1

"""The stream of a watch: silence, gaps, fragments, what ends it. On a real etcd; what no etcd does on demand, on its lines."""

from __future__ import annotations

import asyncio
import json
import random
from base64 import b64encode

import pytest
from msgspec import structs

from tests.support.lossy import Lossy
from tidegate.control.metrics import Registry
from tidegate.errors import StoreError
from tidegate.store import etcd_watch
from tidegate.store.address import EtcdAddress
from tidegate.store.credentials import Credentials
from tidegate.store.etcd import EtcdStore
from tidegate.store.etcd_watch import EtcdWatch
from tidegate.store.ground import Ground
from tidegate.store.port import Change, Put, WatchLost
from tidegate.store.session import Session

DEADLINE = 10.0


@pytest.fixture
async def store(etcd_member):
    made = await EtcdStore.open(etcd_member.address())
    yield made
    await made.close()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(etcd_watch, "SILENCE_SECONDS", (0.05, 0.1))
    monkeypatch.setattr(etcd_watch, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(etcd_watch, "PAUSE_SECONDS", 0.01)


async def put(store, key, value=b"1"):
    return await store.txn((), (Put(key=key, value=value),))


async def test_silence_is_answered_by_heartbeats_that_nobody_sees(store, impatient):
    watch = store.watch("a/", await put(store, "a/1"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(watch), 0.6)
    beat = (await store.scan(store._ground.key("a/")))[0]
    assert [each.key[-1:] for each in beat] == [b"\0", b"1"]
    assert [each.key for each in (await store.list("a/")).entries] == ["a/1"]
    revision = await put(store, "a/2")
    async with asyncio.timeout(DEADLINE):
        assert await anext(watch) == (Change(key="a/2", value=b"1", revision=revision),)


async def test_of_many_watchers_of_a_silent_range_few_write(store, monkeypatch):
    monkeypatch.setattr(etcd_watch, "SILENCE_SECONDS", (0.2, 1.0))
    start = await put(store, "a/1")
    watches = [store.watch("a/", start) for _ in range(20)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await asyncio.gather(*(anext(watch) for watch in watches))
    written = (await store.list("")).revision - start
    assert 1 <= written <= 15  # each for itself would be 20 to 100


async def test_a_connection_that_was_forgotten_on_the_way_is_replaced_without_a_gap(etcd_member, store, impatient):
    async with Lossy(etcd_member.members[0].client) as lossy:
        other = await EtcdStore.open(structs.replace(store.session.address, members=(f"127.0.0.1:{lossy.port}",)))
        watch = other.watch("", await put(store, "a"))
        reading = asyncio.ensure_future(anext(watch))  # noqa: TID251  as a component does
        await put(store, "b")
        async with asyncio.timeout(DEADLINE):
            assert (await reading)[0].key == "b"
            metrics = Registry()
            other.report_to(metrics)
            lossy.mute()
            await put(store, "c")
            await put(store, "d")
            assert [(await anext(watch))[0].key for _ in range(2)] == ["c", "d"]
            assert metrics.value("tidegate_store_watches_moved_total") >= 1
        await other.close()


async def test_a_watch_that_was_away_for_long_is_lost(store, monkeypatch):
    now = 0.0
    watch = EtcdWatch(
        store.session, "", await put(store, "a"), store.ground, store._touch, lambda: now, random.Random(1)
    )
    await put(store, "b")
    async with asyncio.timeout(DEADLINE):
        await anext(watch)
        watch._drop()
        now = 299.0
        await put(store, "c")
        assert (await anext(watch))[0].key == "c"
        watch._drop()
        now = 299.0 + 301.0
        with pytest.raises(WatchLost):
            await anext(watch)


async def test_a_member_that_lags_behind_the_revision_asked_for_is_waited_for(store):
    watch = store.watch("", await put(store, "a"))
    watch._where = await store.ground()
    await watch._check_future()  # the store as a whole has it


async def test_after_the_store_was_exchanged_every_watch_is_lost(store):
    watch = store.watch("", await put(store, "a"))
    store.session.renew()
    with pytest.raises(WatchLost):
        await anext(watch)


# ------------------------------------------------------------------------------------------------ lines of our own making


def watch_of(after):
    address = EtcdAddress(members=("a:1",), prefix="/t")
    session = Session(address, Credentials(address), lambda: 0.0, random.Random(1))
    made = EtcdWatch(session, "", after, None, None, lambda: 0.0, random.Random(1))
    made._where, made._stream = Ground(prefix=b"/t"), Mute()
    return made


class Mute:
    member = "a:1"

    def close(self):
        pass


def event(key, revision, kind="PUT"):
    where = b64encode(b"/t/data/0/" + key.encode()).decode()
    return {"type": kind, "kv": {"key": where, "value": "MQ==", "mod_revision": str(revision)}}


def line(*events, **fields):
    return json.dumps({"result": {"header": {"revision": "9"}, "events": list(events), **fields}}).encode()


def ready(watch):
    return [[change.key for change in batch] for batch in watch._ready]


def test_a_batch_is_a_revision_however_answers_are_cut():
    watch = watch_of(1)
    watch._take(line(event("a", 2), event("b", 2), event("c", 3)))
    assert ready(watch) == [["a", "b"], ["c"]]


def test_a_revision_in_fragments_is_given_when_it_is_whole():
    watch = watch_of(1)
    watch._take(line(event("a", 2), fragment=True))
    assert ready(watch) == []
    watch._take(line(event("b", 2), event("c", 3, "DELETE")))
    assert ready(watch) == [["a", "b"], ["c"]]
    assert watch._ready[1][0].value is None


def test_half_a_revision_of_a_stream_that_broke_is_not_kept():
    watch = watch_of(1)
    watch._take(line(event("a", 2), fragment=True))
    watch._drop()
    watch._stream = Mute()
    watch._take(line(event("a", 2), event("b", 2)))
    assert ready(watch) == [["a", "b"]]


def test_what_comes_again_is_given_once():
    watch = watch_of(2)
    watch._take(line(event("a", 2), event("b", 3)))
    watch._take(line(event("b", 3), event("c", 4)))
    assert ready(watch) == [["b"], ["c"]]


def test_heartbeats_move_on_what_is_known_and_are_not_given():
    watch = watch_of(1)
    watch._take(line(event("a", 2), event("a/\0", 3), event("\0", 4)))
    assert (ready(watch), watch._known) == ([["a"]], 4)


def test_a_compacted_revision_is_a_lost_watch():
    with pytest.raises(WatchLost) as error:
        watch_of(1)._take(line(canceled=True, compact_revision="7"))
    assert error.value.problems[0].code == "T1505"


def test_what_may_not_be_watched_is_an_error_and_not_silence():
    reason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied"
    with pytest.raises(StoreError) as error:
        watch_of(1)._take(line(created=True, canceled=True, cancel_reason=reason))
    assert error.value.problems[0].code == "T1524"


@pytest.mark.parametrize(
    "bad",
    [
        b'{"error":{"grpc_code":14,"message":"etcdserver: no leader"}}',
        b'{"result":{"canceled":true,"cancel_reason":"etcdserver: server stopped"}}',
        b"<html>",
        b"{",
    ],
)
def test_a_stream_that_fails_is_left_for_another(bad):
    with pytest.raises(etcd_watch.Missed):
        watch_of(1)._take(bad)

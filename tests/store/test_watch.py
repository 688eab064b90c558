"""The fan-out alone: bounds, forgetting readers."""

# ruff: noqa: TID251  these tests start and cancel callers, as other components do
from __future__ import annotations

import asyncio
import gc

import pytest

from tidegate.store.port import Change, WatchLost
from tidegate.store.watch import LIMIT, Watch, Watchers


async def nothing(after_revision: int):
    return ()


def batch(revision: int, *keys: str):
    return tuple(Change(key=key, value=b"", revision=revision) for key in keys or ("a",))


async def started(hub: Watchers, prefix: str = "") -> Watch:
    watch = Watch(hub, prefix, 0, nothing)
    reading = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    hub.publish(batch(1, prefix + "first"))
    await asyncio.wait_for(reading, 5)
    return watch


async def test_a_slow_reader_is_cut_off_and_holds_no_memory():
    hub = Watchers()
    slow, quick = await started(hub), await started(hub)
    for revision in range(2, LIMIT + 3):
        hub.publish(batch(revision))
        assert (await anext(quick))[0].revision == revision
    with pytest.raises(WatchLost) as lost:
        await anext(slow)
    assert lost.value.problems[0].code == "T1505"
    assert not slow._queue


async def test_a_reader_within_the_limit_gets_everything():
    hub = Watchers()
    watch = await started(hub)
    for revision in range(2, LIMIT + 2):
        hub.publish(batch(revision))
    assert [(await anext(watch))[0].revision for _ in range(LIMIT)] == list(range(2, LIMIT + 2))


async def test_changes_of_other_prefixes_do_not_fill_the_queue():
    hub = Watchers()
    watch = await started(hub, "mine/")
    for revision in range(2, LIMIT * 2):
        hub.publish(batch(revision, "other/a"))
    hub.publish(batch(LIMIT * 2, "mine/a", "other/a"))
    assert await anext(watch) == batch(LIMIT * 2, "mine/a")


async def test_a_dropped_watch_is_forgotten():
    hub = Watchers()
    watch = await started(hub)
    assert len(hub) == 1
    del watch
    gc.collect()
    assert len(hub) == 0


async def test_a_watch_opened_after_the_close_ends_at_once():
    hub = Watchers()
    hub.close()
    assert await anext(Watch(hub, "", 0, nothing), None) is None


async def test_what_was_queued_before_the_close_is_still_given():
    hub = Watchers()
    watch = await started(hub)
    hub.publish(batch(2))
    hub.close()
    assert [item async for item in watch] == [batch(2)]

"""What is particular to the embedded store: crashes, full disks, its thread and its timer."""

# ruff: noqa: TID251  these tests start and cancel callers, as other components do
from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate.errors import StoreError
from tidegate.store import sqlite
from tidegate.store.port import Compare, Put
from tidegate.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
WRITER = ROOT / "tests" / "support" / "store_writer.py"
DEADLINE = 20.0


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path):
    store = await SqliteStore.open(path)
    yield store
    await store.close()


async def writer(path: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        WRITER,
        path,
        *arguments,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


async def committed(process: asyncio.subprocess.Process, count: int) -> int:
    """The last number the writer reported after at least `count` reports."""
    line = b"0"
    async with asyncio.timeout(DEADLINE):
        for _ in range(count):
            line = await process.stdout.readline()
    return int(line)


async def rest(process: asyncio.subprocess.Process) -> list[bytes]:
    async with asyncio.timeout(DEADLINE):
        output = await process.stdout.read()
        await process.wait()
    return output.splitlines()


async def test_a_writer_killed_at_any_moment_loses_nothing_committed_and_leaves_no_half(path):
    rng = random.Random(5)
    for _ in range(12):
        process = await writer(path, "pairs")
        last = await committed(process, rng.randrange(1, 120))
        process.kill()
        lines = await rest(process)
        last = max([last, *(int(line) for line in lines if line.isdigit())])
        store = await SqliteStore.open(path)
        assert store.problems == ()
        first, second = (await store.list("p/")).entries
        assert (first.value, first.revision) == (second.value, second.revision)
        assert int(first.value) >= last
        await store.close()


async def test_a_full_disk_is_said_clearly_and_leaves_what_was_committed(path):
    process = await writer(path, "fill", str(400_000))
    *numbers, fault = await rest(process)
    assert fault == b"T1506 list"
    assert len(numbers) > 5
    store = await SqliteStore.open(path)
    assert store.problems == ()
    assert len((await store.list("fill/")).entries) == 2 * len(numbers)
    assert await store.txn((), (Put(key="again", value=b"1"),)) is not None
    await store.close()


async def test_a_store_on_a_full_disk_writes_again_once_there_is_space(path):
    store = await SqliteStore.open(path)

    def limit(pages: int) -> None:
        store._database._connection.execute(f"PRAGMA max_page_count={pages}").fetchall()

    await store._call(limit, 20)
    with pytest.raises(StoreError) as full:
        await asyncio.gather(*(store.txn((), (Put(key=f"k{number}", value=b"x" * 8192),)) for number in range(100)))
    assert "full" in full.value.problems[0].text
    before = await store.list("")
    await store._call(limit, 10_000)
    assert await store.txn((), (Put(key="again", value=b"1"),)) == before.revision + 1
    await store.close()


async def test_a_lease_ends_by_itself(store):
    lease = await store.grant(0.05)
    revision = await store.txn((), (Put(key="a", value=b"1", lease=lease),))
    async with asyncio.timeout(DEADLINE):
        batch = await anext(store.watch("", revision))
    assert (batch[0].key, batch[0].value) == ("a", None)


async def test_the_timer_follows_the_earliest_lease(store):
    await store.grant(3600)
    lease = await store.grant(0.05)
    revision = await store.txn((), (Put(key="a", value=b"1", lease=lease),))
    async with asyncio.timeout(DEADLINE):
        await anext(store.watch("", revision))


async def test_a_caller_that_gives_up_does_not_undo_its_write_and_watchers_see_it(store):
    watch = store.watch("", (await store.list("")).revision)
    writing = asyncio.ensure_future(store.txn((), (Put(key="a", value=b"1"),)))
    await asyncio.sleep(0)
    writing.cancel()
    async with asyncio.timeout(DEADLINE):
        batch = await anext(watch)
    assert batch[0].key == "a"
    assert writing.cancelled()


async def test_more_calls_than_may_wait_are_refused(store, monkeypatch):
    monkeypatch.setattr(sqlite, "PENDING", 3)
    results = await asyncio.gather(*(store.get("a") for _ in range(5)), return_exceptions=True)
    assert results[:3] == [None] * 3
    assert [error.problems[0].code for error in results[3:]] == ["T1511"] * 2


async def test_a_stalled_disk_is_a_store_error_and_not_a_hang(store, monkeypatch):
    monkeypatch.setattr(sqlite, "DEADLINE_SECONDS", 0.05)
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stall() -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(DEADLINE)

    with pytest.raises(StoreError) as silent:
        await store._call(stall)
    assert silent.value.problems[0].code == "T1512"
    gate.set()
    monkeypatch.undo()
    assert await store.get("a") is None


async def test_calls_given_before_the_close_are_finished(path):
    store = await SqliteStore.open(path)
    writing = [asyncio.ensure_future(store.txn((), (Put(key=f"k{number}", value=b""),))) for number in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert all(await asyncio.gather(*writing))


async def test_a_file_that_cannot_be_opened_leaves_no_thread_behind(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        await SqliteStore.open(tmp_path / "file" / "store.db")


async def test_writing_on_a_moved_revision_loses_the_race_once(store):
    await store.txn((), (Put(key="a", value=b"0"),))
    entry = await store.get("a")
    race = [store.txn((Compare(key="a", revision=entry.revision),), (Put(key="a", value=b"%d" % n),)) for n in range(5)]
    assert sum(result is not None for result in await asyncio.gather(*race)) == 1

import asyncio

import pytest

from tests.support.release_stage import CountingStore
from tests.support.serve import until
from tidegate.control.scalebook import Copies, ScaleBook
from tidegate.errors import Conflict
from tidegate.scaling.record import Advice, Record
from tidegate.store.port import Put

RECORD = Record(busy_at=3.0, advice=(Advice(since=1.0, wanted=2),))
COPIES = Copies(version="v1", number=2, who="tidegate", when=4.0, why="it is busy")


@pytest.fixture
async def store(tmp_path):
    made = CountingStore(tmp_path / "store.db")
    yield made
    made.database.close()


async def opened(store):
    book = ScaleBook(store)
    await book.load()
    return book


async def test_what_is_committed_is_there_after_a_restart(store):
    await (await opened(store)).commit("shop/web", RECORD, COPIES)
    again = await opened(store)
    assert (again.record("shop/web"), again.copies("shop/web")) == (RECORD, COPIES)
    assert again.services == {"shop/web"}


async def test_record_and_count_change_in_one_transaction(store):
    await (await opened(store)).commit("shop/web", RECORD, COPIES)
    assert store.writes == 1


async def test_of_an_unknown_service_nothing_is_remembered(store):
    book = await opened(store)
    assert (book.record("web"), book.copies("web")) == (Record(), None)


async def test_what_is_only_remembered_is_not_stored(store):
    book = await opened(store)
    book.remember("web", RECORD)
    assert book.record("web") == RECORD
    assert (await opened(store)).record("web") == Record()


async def test_what_somebody_else_wrote_is_not_written_over(store):
    one, other = await opened(store), await opened(store)
    await one.commit("web", RECORD)
    with pytest.raises(Conflict, match="T1610"):
        await other.commit("web", Record())
    assert other.record("web") == RECORD


async def test_a_service_is_forgotten_whole(store):
    book = await opened(store)
    await book.commit("web", RECORD, COPIES)
    await book.forget("web")
    assert book.services == frozenset()
    assert (await opened(store)).services == frozenset()


async def test_a_count_that_is_not_understood_takes_nobody_away(store):
    await store.txn((), (Put(key="copies/web", value=b"{}"), Put(key="scaling/web", value=b"[")))
    book = await opened(store)
    assert (book.record("web"), book.copies("web")) == (Record(), None)


async def test_what_another_node_writes_is_followed(store):
    ours, theirs = await opened(store), await opened(store)
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(ours.run())
        await asyncio.sleep(0)
        await theirs.commit("shop/web", RECORD, COPIES)
        await until(lambda: ours.record("shop/web") == RECORD)
        assert ours.copies("shop/web") == COPIES
        await ours.commit("shop/web", Record())
        await until(lambda: ours.record("shop/web") == Record())
        await theirs.load()
        await theirs.forget("shop/web")
        await until(lambda: ours.services == frozenset())
        following.cancel()

import pytest

from tests.support.memory_store import MemoryStore
from tidegate.control.remembering import Remembering
from tidegate.errors import Conflict
from tidegate.placement.failures import Failures
from tidegate.placement.memory import Ledger, Memory
from tidegate.placement.planning import Plan
from tidegate.placement.standing import Standing
from tidegate.store.port import Compare, Put

STANDING, FAILURES = Standing(node="n/1", up_since=5.0), Failures(service="shop/web", revision="r", nodes={"n": (1.0,)})


async def read(store):
    again = Remembering(store)
    await again.load()
    return again


async def test_what_a_plan_remembers_is_what_the_next_leader_reads():
    store = MemoryStore()
    book = await read(store)
    assert book.memory == Memory()
    await book.commit(Plan(standings=(STANDING,), failures=(FAILURES,), ledger=Ledger(rebalanced_at=7.0)))
    known = Memory(ledger=Ledger(rebalanced_at=7.0), standings={"n/1": STANDING}, failures={FAILURES.service: FAILURES})
    assert book.memory == (await read(store)).memory == known
    await book.commit(Plan(forget=("n/1",), mended=("shop/web",)))
    assert (await read(store)).memory == Memory(ledger=Ledger(rebalanced_at=7.0))


async def test_nothing_is_written_by_who_does_not_lead():
    store = MemoryStore()
    book = Remembering(store, lambda: Compare(key="leader", revision=9))
    await book.load()
    with pytest.raises(Conflict):
        await book.commit(Plan(standings=(STANDING,)))
    assert (await read(store)).memory == Memory()


async def test_what_is_not_understood_is_told_left_as_it_is_and_holds_nothing_up():
    store = MemoryStore()
    await store.txn((), (Put(key="standing/n", value=b"[]"),))
    book = await read(store)
    await book.commit(Plan(standings=(Standing(node="n"), STANDING)))
    assert [each.code for each in book.problems] == ["T2101"]
    assert set(book.memory.standings) == {"n/1"}
    assert (await store.get("standing/n")).value == b"[]"

import asyncio

import pytest

from tidegate.errors import Conflict
from tidegate.stacks.stack import Scale
from tidegate.store.ledger import Ledger
from tidegate.store.port import Compare, Put
from tidegate.store.sqlite import SqliteStore
from tidegate.tasks import Tasks


@pytest.fixture
async def store(tmp_path):
    opened = await SqliteStore.open(tmp_path / "store.sqlite")
    yield opened
    await opened.close()


def ledger(store, changed=lambda: None):
    return Ledger(store, "scale/", Scale, changed)


async def until(question):
    async with asyncio.timeout(5):
        while True:
            if question():
                return
            await asyncio.sleep(0.005)


async def test_what_is_committed_is_there_at_once_and_after_a_restart(store):
    one = ledger(store)
    await one.load()
    await one.commit({"shop/web": Scale(desired=3), "shop/böse": Scale(desired=1)})
    assert one.entries["shop/web"].desired == 3
    again = ledger(store)
    await again.load()
    assert again.entries == one.entries
    assert again.known


async def test_who_has_not_seen_the_last_change_writes_nothing_and_reads_anew(store):
    one, other = ledger(store), ledger(store)
    await one.load()
    await other.load()
    await one.commit({"shop/web": Scale(desired=3)})
    with pytest.raises(Conflict) as caught:
        await other.commit({"shop/web": Scale(desired=5), "shop/db": Scale(desired=1)})
    assert caught.value.problems[0].code == "T2100"
    assert other.entries == {"shop/web": Scale(desired=3)}
    await other.commit({"shop/web": Scale(desired=5)})


async def test_others_follow_puts_and_removals_as_they_happen(store):
    told = []
    one, other = ledger(store), ledger(store, lambda: told.append(1))
    await one.load()
    async with Tasks("test") as tasks:
        following = tasks.spawn("follow", other.run())
        await until(lambda: other.known)
        await one.commit({"a/b": Scale(desired=1)})
        await until(lambda: "a/b" in other.entries)
        await one.commit({"a/b": None})
        await until(lambda: not other.entries)
        await other.commit({"a/b": Scale(desired=2)})
        assert len(told) == 4
        following.cancel()


async def test_what_was_taken_away_can_be_made_again_by_the_same_hand(store):
    one = ledger(store)
    await one.load()
    for _ in range(2):
        await one.commit({"a/b": Scale(desired=1)})
        await one.commit({"a/b": None})
    assert not one.entries


async def test_more_than_one_transaction_holds_is_written_in_several(store):
    one = ledger(store)
    await one.load()
    await one.commit({f"a/{number}": Scale(desired=number) for number in range(250)})
    again = ledger(store)
    await again.load()
    assert len(again.entries) == 250


async def test_who_leads_writes_as_much_at_once_as_everybody_else(store):
    fence = Compare(key="leader", revision=0)
    one = Ledger(store, "scale/", Scale, lambda: None, lambda: fence)
    await one.load()
    await one.commit({f"a/{number}": Scale(desired=number) for number in range(250)}, (fence, fence))
    assert len((await store.list("scale/")).entries) == 250


async def test_nothing_is_written_where_what_it_is_decided_from_is_not_so_any_more(store):
    one = ledger(store)
    await one.load()
    away = (Compare(key="nodes/a/live", revision=0),)
    await one.commit({"a/b": Scale(desired=1)}, away)
    await store.txn((), (Put(key="nodes/a/live", value=b"{}"),))
    with pytest.raises(Conflict) as caught:
        await one.commit({"a/b": None}, away)
    assert caught.value.problems[0].code == "T2100"
    assert one.entries == {"a/b": Scale(desired=1)}


async def test_an_entry_that_is_not_understood_is_told_kept_and_never_written_over(store):
    await store.txn((), (Put(key="scale/a/b", value=b'{"desired": "many"}'),))
    one = ledger(store)
    await one.load()
    assert [each.code for each in one.problems] == ["T2101"]
    assert one.unreadable("a/b")
    assert not one.entries
    with pytest.raises(Conflict) as caught:
        await one.commit({"a/b": Scale(desired=1)})
    assert caught.value.problems[0].code == "T2101"
    assert (await store.get("scale/a/b")).value == b'{"desired": "many"}'


async def test_with_a_fence_nothing_is_written_by_who_does_not_lead_or_no_longer_does(store):
    fence = Compare(key="leader", revision=0)
    one = Ledger(store, "scale/", Scale, lambda: None, lambda: fence)
    await one.load()
    await one.commit({"web": Scale(desired=1)})
    await store.txn((), (Put(key="leader", value=b"another"),))
    with pytest.raises(Conflict, match="T2100"):
        await one.commit({"web": Scale(desired=2)})
    fence = None
    with pytest.raises(Conflict, match="T2306"):
        await one.commit({"web": Scale(desired=3)})
    assert one.entries["web"].desired == 1


async def test_what_is_known_is_confirmed_by_the_store_itself_only_while_nobody_changed_it(store):
    one, other = ledger(store), ledger(store)
    await one.load()
    await one.commit({"shop/web": Scale(desired=3)})
    assert await one.confirmed("shop/web") and await one.confirmed("shop/db")
    await other.load()
    await other.commit({"shop/web": Scale(desired=3)})
    assert not await one.confirmed("shop/web"), "the same words, written again"
    await other.commit({"shop/web": None})
    assert not await one.confirmed("shop/web") and await other.confirmed("shop/web")

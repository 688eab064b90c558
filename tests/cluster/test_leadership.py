"""One leads. Whatever is slow, frozen or cut off: the writes of two leaders never come out of turn."""

import asyncio
import random
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.virtual_time import run_virtual
from tidegate.cluster.keys import LEADER
from tidegate.cluster.leadership import STEP_DOWN_SECONDS, TRY_SECONDS, Holder, Leadership, Sole
from tidegate.cluster.lease import TTL_SECONDS
from tidegate.errors import StoreError
from tidegate.store.port import Compare, Put


def candidate(store, node="a", id_="", home="boot/1", seed=1, clock=None, **more):
    return Leadership(
        store,
        Holder(node=node, id=id_ or node, home=home),
        clock=clock or asyncio.get_running_loop().time,
        rng=random.Random(seed),
        **more,
    )


@asynccontextmanager
async def running(*candidates):
    async with beside(*(each.run() for each in candidates), settle=0.1):
        yield


def test_one_of_many_leads_and_all_know_who():
    async def main() -> None:
        store = MemoryStore()
        all_ = [candidate(store, node, seed=number) for number, node in enumerate("abc")]
        async with running(*all_):
            await asyncio.sleep(3 * TRY_SECONDS)
            leading = [each for each in all_ if each.fence is not None]
            assert len(leading) == 1
            assert {each.leader for each in all_} == {leading[0].leader} != {""}

    run_virtual(main())


def test_who_resigns_is_followed_at_the_next_try():
    async def main() -> None:
        store = MemoryStore()
        first, second = candidate(store, "a"), candidate(store, "b")
        async with running(second):
            async with running(first):
                pass
            await asyncio.sleep(TRY_SECONDS * 1.2)
            assert second.fence is not None

    run_virtual(main())


def test_a_leader_without_the_store_steps_down_before_another_leads():
    async def main() -> None:
        store, loop = MemoryStore(), asyncio.get_running_loop()
        way = Way(store)
        way.delays = [0.01] * 8
        first, second = candidate(way, "a"), candidate(store, "b")
        turns = []
        first._changed = lambda: turns.append((loop.time(), first.fence is not None))
        async with running(first), running(second):
            cut_at = loop.time()
            way.cut = True
            await asyncio.sleep(TTL_SECONDS + 2 * TRY_SECONDS)
            assert second.fence is not None and first.fence is None
            stepped_down = turns[-1][0]
            assert turns[-1][1] is False and stepped_down <= cut_at + STEP_DOWN_SECONDS + 0.01

    run_virtual(main())


def test_a_leader_that_was_frozen_writes_nothing_when_it_goes_on():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        first, second = candidate(way, "a"), candidate(store, "b")
        async with running(first):
            fence = first.fence
            assert fence is not None
            async with running(second):
                way.cut = True  # it stands still: nothing of it is heard, and it hears nothing
                await asyncio.sleep(TTL_SECONDS + 2 * TRY_SECONDS)
                assert second.fence is not None
                put = Put(key="x", value=b"of the first")
                assert await store.txn((fence,), (put,)) is None, "what it had decided before is refused"
                assert await second.write((), (put,)) is not None

    run_virtual(main())


def test_a_node_started_again_leads_on_at_once_and_its_old_life_writes_nothing():
    async def main() -> None:
        store = MemoryStore()
        old_way = Way(store)
        old = candidate(old_way, "a", "folder")
        async with running(old):
            old_fence = old.fence
            old_way.cut = True
            new = candidate(store, "a", "folder")
            async with running(new):
                assert new.fence is not None and new.fence != old_fence
                assert await store.txn((old_fence,), (Put(key="x", value=b""),)) is None

    run_virtual(main())


@pytest.mark.parametrize(("id_", "home"), [("two", "boot/1"), ("one", "copy/1")])
def test_another_folder_of_the_same_name_does_not_take_over_nor_does_a_copy_of_it(id_, home):
    async def main() -> None:
        store = MemoryStore()
        first, second = candidate(store, "a", "one"), candidate(store, "a", id_, home)
        async with running(first, second):
            await asyncio.sleep(3 * TRY_SECONDS)
            assert [first.fence is None, second.fence is None].count(True) == 1

    run_virtual(main())


def test_work_runs_while_we_lead_and_begins_anew_when_we_lead_again():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        leader = candidate(way, "a")
        told = []

        async def work() -> None:
            told.append("begun")
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                told.append("ended")

        async with beside(leader.while_leading("work", work)), running(leader):
            assert told == ["begun"]
            way.broken = True
            await asyncio.sleep(TTL_SECONDS + 1)
            assert told == ["begun", "ended"]
            way.broken = False
            await asyncio.sleep(TRY_SECONDS * 1.2)
            assert told == ["begun", "ended", "begun"]

    run_virtual(main())


def test_what_the_work_of_a_leader_breaks_is_not_hidden():
    async def main() -> None:
        leader = candidate(MemoryStore())

        async def work() -> None:
            raise ZeroDivisionError

        async with running(leader):
            with pytest.raises(ExceptionGroup):
                await leader.while_leading("work", work)

    run_virtual(main())


def test_on_one_node_it_is_always_us():
    async def main() -> None:
        store, sole, told = MemoryStore(), Sole("a"), []

        async def work() -> None:
            told.append(sole.leader)

        await sole.while_leading("work", work)
        assert told == ["a"]
        assert await store.txn((sole.fence,), (Put(key="x", value=b""),)) is not None

    run_virtual(main())


#: What happens to a candidate's way to the store: seconds from now, and how it is from then on.
FAULTS = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0.1, 12.0), st.sampled_from(["cut", "broken", "slow", "well"])),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(FAULTS, st.integers(0, 2**16))
def test_the_writes_of_leaders_never_come_out_of_turn(faults, seed):
    """Three candidates whose ways are cut, broken and slowed; each writes as often as it may, on slow ways too."""

    async def main() -> None:
        store, rng, loop = MemoryStore(), random.Random(seed), asyncio.get_running_loop()
        ways = [Way(store) for _ in range(3)]
        all_ = [candidate(way, "abc"[number], seed=seed + number) for number, way in enumerate(ways)]

        async def write(leader, way) -> None:
            while True:
                fence = leader.fence
                if fence is not None:
                    with suppress(StoreError, TimeoutError):
                        async with asyncio.timeout(6.0):
                            await way.txn((fence,), (Put(key=f"work/{leader._holder.node}", value=b""),))
                await asyncio.sleep(rng.uniform(0.3, 1.5))

        both = []
        watching = loop.call_soon(lambda: None)

        def look() -> None:
            nonlocal watching
            both.append(sum(each.fence is not None for each in all_))
            watching = loop.call_later(0.25, look)

        look()
        async with beside(*map(write, all_, ways)), running(*all_):
            for number, after, fault in faults:
                await asyncio.sleep(after)
                way = ways[number]
                way.cut, way.broken = fault == "cut", fault == "broken"
                way.delays = [rng.uniform(0, 25.0) for _ in range(12)] if fault == "slow" else []
            for way in ways:
                way.cut = way.broken = False
                way.delays = []
            await asyncio.sleep(3 * TTL_SECONDS)
            assert sum(each.fence is not None for each in all_) == 1, "in the end one leads"
        watching.cancel()
        assert max(both) <= 1, "two were sure at the same time"
        terms = [compare.revision for compares, _ in store.log for compare in compares if compare.key == LEADER]
        terms = [revision for revision in terms if revision]
        turns = [revision for revision, before in zip(terms, [0, *terms], strict=False) if revision != before]
        assert turns == sorted(set(turns)), "a leader wrote after the next one had"
        assert Compare(key=LEADER, revision=0) not in {
            c for compares, batch in store.log for c in compares if batch[0].key.startswith("work/")
        }

    run_virtual(main())

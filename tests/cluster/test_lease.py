"""A lease ends here before it can end in the store."""

import asyncio
import random

import pytest

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.virtual_time import run_virtual
from tidegate.cluster.lease import KEEP_SECONDS, TTL_SECONDS, Lease, answered
from tidegate.errors import StoreError
from tidegate.store.port import Put


def test_a_lease_that_is_kept_holds_for_as_long_as_it_is():
    async def main() -> None:
        store, now = MemoryStore(), asyncio.get_running_loop().time
        lease = await Lease.grant(store, now)
        await store.txn((), (Put(key="k", value=b"", lease=lease.number),))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10 * TTL_SECONDS):
                await lease.hold(random.Random(1))
        assert lease.is_sure and "k" in store.entries

    run_virtual(main())


@pytest.mark.parametrize("fault", ["cut", "broken"])
def test_without_the_store_it_is_lost_before_the_store_ends_it(fault):
    async def main() -> None:
        store, now = MemoryStore(), asyncio.get_running_loop().time
        way = Way(store)
        way.delays = [0.01] * 10
        lease = await Lease.grant(way, now)
        await store.txn((), (Put(key="k", value=b"", lease=lease.number),))
        async with beside(lease.hold(random.Random(1)), settle=KEEP_SECONDS * 1.5) as (kept,):
            setattr(way, fault, True)
            cause, deadline = await kept, lease.deadline
        assert not lease.is_sure and cause
        assert now() <= deadline + 0.001
        assert "k" in store.entries, "the store has not ended it yet"

    run_virtual(main())


def test_a_word_that_was_late_counts_from_when_it_was_said():
    async def main() -> None:
        store, now = MemoryStore(), asyncio.get_running_loop().time
        way = Way(store)
        way.delays = [2.0]
        lease = await Lease.grant(way, now)
        assert now() == pytest.approx(2.0)
        assert lease.deadline == pytest.approx(TTL_SECONDS)

    run_virtual(main())


def test_a_short_outage_is_lived_through():
    async def main() -> None:
        store, now = MemoryStore(), asyncio.get_running_loop().time
        way = Way(store)
        lease = await Lease.grant(way, now)
        way.broken = True
        asyncio.get_running_loop().call_later(TTL_SECONDS - 3, setattr, way, "broken", False)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5 * TTL_SECONDS):
                await lease.hold(random.Random(1))
        assert lease.is_sure

    run_virtual(main())


def test_what_the_store_has_ended_is_lost_at_the_next_word():
    async def main() -> None:
        store, now = MemoryStore(), asyncio.get_running_loop().time
        lease = await Lease.grant(store, now)
        store.end(lease.number)
        assert await lease.hold(random.Random(1)) == "the store has ended it"
        assert now() < KEEP_SECONDS * 1.2

    run_virtual(main())


def test_who_was_frozen_past_the_deadline_is_not_sure_when_it_goes_on():
    async def main() -> None:
        stood_still = 0.0
        loop = asyncio.get_running_loop()
        lease = await Lease.grant(MemoryStore(), lambda: loop.time() + stood_still)
        stood_still = TTL_SECONDS + 1  # the loop saw nothing of that time
        assert not lease.is_sure
        assert await lease.hold(random.Random(1))

    run_virtual(main())


def test_a_store_that_says_nothing_is_told_as_such():
    async def main() -> None:
        with pytest.raises(StoreError, match="T2301"):
            await answered(asyncio.sleep(3600), 1.0)

    run_virtual(main())

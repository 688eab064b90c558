"""The store is restored from a backup while stacks run: what runs becomes what the backup says, each slot once."""

import asyncio

import pytest

from tests.support.memory_store import MemoryStore, Way
from tests.support.stack_stage import member, stack
from tests.support.two_nodes import cluster, now, until
from tests.support.virtual_time import run_virtual


@pytest.mark.parametrize("away", [1.0, 10.0])
def test_what_runs_becomes_what_the_backup_says_and_no_slot_runs_twice(away):
    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store), "b": Way(store)}) as nodes:
            await until(lambda: all(each.leader and len(each.facts()) == 2 for each in nodes))
            book = nodes[0].stacks.book
            await book.stacks.commit({"shop": stack(member("web", scale=4))})
            await until(lambda: [len(each.running()) for each in nodes] == [2, 2])
            await asyncio.sleep(30.0)
            backup, before = store.saved(), {each.name: each.running() for each in nodes}
            await nodes[0].nodes.order("b", {"drained": True}, who="me", why="", when=now())
            await until(lambda: [len(each.running()) for each in nodes] == [4, 0])
            for each in nodes:
                each.way.broken = True
            store.restore(backup)
            await asyncio.sleep(away)
            for each in nodes:
                each.way.broken = False
            await asyncio.sleep(90.0)
            assert {each.name: each.running() for each in nodes} == before
            places = nodes[0].stacks.book.places.entries.values()
            assert sorted((each.slot, each.leaving) for each in places) == [(slot, False) for slot in (1, 2, 3, 4)]
            assert all(each.membership.lease is not None for each in nodes)

    run_virtual(main())

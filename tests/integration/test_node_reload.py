"""A node whose program is made anew, by a reload or a restart, keeps its replicas and what it is for the others."""

import asyncio

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.stack_stage import member, stack
from tests.support.two_nodes import Node, until
from tests.support.virtual_time import run_virtual


def test_a_node_that_is_back_in_a_moment_was_never_gone_and_nothing_moves():
    async def main() -> None:
        store = MemoryStore()
        near, before = Node("a", Way(store)), Node("b", Way(store))
        async with beside(near.run(), settle=1.0):
            async with beside(before.run()):
                await until(lambda: near.leader and len(near.facts()) == 2)
                await asyncio.sleep(40.0)
                await near.stacks.book.stacks.commit({"shop": stack(member(scale=4))})
                await until(lambda: len(near.running()) == len(before.running()) == 2)
                await asyncio.sleep(20.0)
            places = dict(near.stacks.book.places.entries)
            await asyncio.sleep(3.0)
            after = Node("b", Way(store), before.engine)
            async with beside(after.run()):
                await asyncio.sleep(60.0)
                assert all(each.ready for each in near.facts())
                assert dict(near.stacks.book.places.entries) == places and len(after.running()) == 2

    run_virtual(main())


def test_a_node_that_does_not_come_back_is_gone_with_its_lease():
    async def main() -> None:
        store = MemoryStore()
        near, before = Node("a", Way(store)), Node("b", Way(store))
        async with beside(near.run(), settle=1.0):
            async with beside(before.run()):
                await until(lambda: near.leader and len(near.facts()) == 2)
                await asyncio.sleep(40.0)
                await near.stacks.book.stacks.commit({"shop": stack(member(scale=2))})
                await until(lambda: len(near.running()) == len(before.running()) == 1)
            await until(lambda: len(near.running()) == 2, 20.0)

    run_virtual(main())

"""Two nodes were given one name, or a state folder was copied: the second must not do what is ordered of the first."""

import asyncio

import pytest

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.stack_stage import member, stack
from tests.support.two_nodes import TEMPLATE, Node, cluster, until
from tests.support.virtual_time import run_virtual
from tidegate.cluster.lease import TTL_SECONDS


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize(("folder", "code"), [({"id_": "another folder"}, "T2300"), ({"home": "a copy"}, "T2308")])
def test_what_is_placed_on_a_name_runs_on_one_of_two_nodes_that_have_it(folder, code, exclusive):
    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store)}) as (first,):
            service = member("lock", template=TEMPLATE, exclusive=exclusive, stop_first=exclusive)
            await until(lambda: first.leader and first.facts())
            await first.stacks.book.stacks.commit({"shop": stack(service)})
            await until(first.running)
            away = Way(store)
            second = Node("a", away, **folder)
            async with beside(second.run(), settle=1.0):
                await asyncio.sleep(60.0)
                assert second.membership.problem.code == code
                away.broken = True
                await asyncio.sleep(TTL_SECONDS)
                away.broken = False
                await asyncio.sleep(60.0)
                assert first.running() and not second.engine.containers
                first.way.broken = True
                await until(second.running)

    run_virtual(main())


def test_who_finds_its_name_taken_after_it_was_away_leaves_its_orders_to_the_other():
    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store)}) as (first,):
            await until(lambda: first.has_name)
            first.way.broken = True
            await asyncio.sleep(2 * TTL_SECONDS)
            assert first.has_name, "nobody else is known to have it"
            async with beside(Node("a", Way(store), id_="another folder").run(), settle=1.0):
                first.way.broken = False
                await until(lambda: not first.has_name)

    run_virtual(main())

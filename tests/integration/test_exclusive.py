"""No exclusive replica ever runs on two nodes, whichever of them is cut off, and when."""

import asyncio

import pytest

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.two_nodes import GRACE, Watched, cluster, now, placed, until
from tests.support.virtual_time import run_virtual


@pytest.mark.parametrize("how", ["cut", "broken"])
@pytest.mark.parametrize("on", ["a", "b"])
@pytest.mark.parametrize("when", [0.0, 1.3, 2.6, 3.9, 4.9])
def test_who_is_cut_off_has_stopped_it_before_the_other_starts_it(how, on, when):
    """Whether it led or not."""

    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store), "b": Way(store)}) as nodes:
            holder, other = await placed(nodes, on)
            assert nodes[0].leader == "a"
            watched = Watched(nodes)
            async with beside(watched.run()):
                await asyncio.sleep(when)
                spoke = holder.spoke_at
                setattr(holder.way, how, True)
                began = await until(other.running)
                assert watched.last[holder.name] <= spoke + 13.0 + GRACE + 1.0
                assert began >= spoke + 15.0 + GRACE + 2.0 and began - watched.last[holder.name] >= 2.0
                setattr(holder.way, how, False)
                await asyncio.sleep(60.0)
                assert not holder.running() and other.running()
            assert watched.twice == []

    run_virtual(main())


@pytest.mark.parametrize("on", ["a", "b"])
@pytest.mark.parametrize("age", [17.0, 30.0, 60.0])
def test_it_runs_elsewhere_as_soon_as_it_may_also_where_its_node_led(on, age):
    """Sure is when the lease ended and the grace is over, not when somebody came to lead and to say so; only who has not seen for 30 s who
    comes and goes waits longer, until then."""

    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store), "b": Way(store)}) as nodes:
            began_at = now()
            holder, other = await placed(nodes, on)
            assert nodes[0].leader == "a"
            watched = Watched(nodes)
            async with beside(watched.run()):
                await asyncio.sleep(began_at + age - now())
                spoke, holder.way.broken = holder.spoke_at, True
                began = await until(other.running)
                may = spoke + 15.0 + GRACE + 2.0
                assert may <= began <= may + 1.5
            assert watched.twice == []

    run_virtual(main())


def test_who_comes_back_in_time_starts_it_again_itself():
    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store), "b": Way(store)}) as nodes:
            holder, other = await placed(nodes)
            watched = Watched(nodes)
            async with beside(watched.run()):
                holder.way.broken = True
                await until(lambda: not holder.running())
                holder.way.broken = False
                await until(lambda: holder.running() or other.running())
                await asyncio.sleep(60.0)
                assert [bool(each.running()) for each in (holder, other)] in ([True, False], [False, True])
            assert watched.twice == []

    run_virtual(main())


def test_a_store_that_is_away_for_all_stops_it_and_it_comes_back_once():
    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store), "b": Way(store)}) as nodes:
            await placed(nodes)
            watched = Watched(nodes)
            async with beside(watched.run()):
                for each in nodes:
                    each.way.broken = True
                await until(lambda: not any(each.running() for each in nodes))
                await asyncio.sleep(30.0)
                assert not any(each.running() for each in nodes)
                for each in nodes:
                    each.way.broken = False
                await until(lambda: any(each.running() for each in nodes))
                await asyncio.sleep(60.0)
            assert watched.twice == []

    run_virtual(main())


def test_a_drained_node_hands_it_over_by_ending_it_first():
    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store), "b": Way(store)}) as nodes:
            holder, other = await placed(nodes)
            watched = Watched(nodes)
            async with beside(watched.run()):
                await holder.nodes.order(holder.name, {"drained": True}, who="me", why="", when=now())
                await until(other.running)
                assert not holder.running()
            assert watched.twice == []

    run_virtual(main())

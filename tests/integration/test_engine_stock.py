"""What the engine of one node holds decides what the leader, on another, places there."""

import asyncio

import pytest

from tests.support.memory_store import MemoryStore, Way
from tests.support.stack_stage import member, stack
from tests.support.two_nodes import cluster, until
from tests.support.virtual_time import run_virtual
from tidegate.engine.port import EngineEvent
from tidegate.engine.spec import VolumeSpec
from tidegate.model import PublishedPort

PORT = (PublishedPort(container_port=80, host_ip="0.0.0.0", host_port=8080),)


async def known(nodes):
    await until(lambda: all(each.leader and len(each.facts()) == 2 for each in nodes))
    for each in nodes:
        each.stacks.stock.heard(EngineEvent(kind="daemon", action="stream-open", id="", time_ns=0))
    await asyncio.sleep(5.0)


def test_a_host_port_goes_where_it_is_free_and_a_second_replica_comes_when_it_is_free_elsewhere_too():
    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store), "b": Way(store)}) as nodes:
            a, b = nodes
            foreign = a.engine.run("foreign", published=PORT)
            await known(nodes)
            web = member(scale=2, ports=("tcp/8080",), stop_first=True)
            await a.stacks.book.stacks.commit({"shop": stack(web)})
            await until(b.running)
            await asyncio.sleep(30.0)
            assert a.running() == ["foreign"] and len(b.running()) == 1
            leader = next(each for each in nodes if each.name == a.leader)
            (why,) = leader.stacks.placing.refusals.values()
            assert "tcp/8080" in why and "2 " in why
            a.engine.end(foreign)
            a.stacks.stock.heard(EngineEvent(kind="container", action="die", id=foreign, time_ns=1))
            await until(lambda: a.running() == ["shop-web-2"], 5.0)

    run_virtual(main())


@pytest.mark.parametrize("held", ["image", "volume"])
def test_an_image_and_the_data_of_an_earlier_life_draw_a_service_to_their_node(held):
    async def main() -> None:
        store = MemoryStore()
        async with cluster({"a": Way(store), "b": Way(store)}) as nodes:
            a, b = nodes
            for each in nodes:
                each.engine.images, each.engine.registry = set(), {"image:1"}
            if held == "image":
                b.engine.images = {"image:1"}
            else:
                await b.engine.create_volume(VolumeSpec(name="shop_data"))
            await known(nodes)
            web = member(volumes=("shop_data",)) if held == "volume" else member()
            await a.stacks.book.stacks.commit({"shop": stack(web)})
            await until(lambda: a.running() or b.running())
            assert b.running() == ["shop-web-1"] and not a.running()

    run_virtual(main())

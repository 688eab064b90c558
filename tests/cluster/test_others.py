"""What the other nodes see, as inventories of ours."""

import asyncio
from contextlib import asynccontextmanager

from msgspec import json

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.virtual_time import run_virtual
from tidegate.cluster.keys import live_key, seen_key
from tidegate.cluster.lease import TTL_SECONDS
from tidegate.cluster.live import Live
from tidegate.cluster.nodes import Nodes
from tidegate.cluster.others import Others
from tidegate.cluster.seen import Found
from tidegate.model import Address, EngineHealth, Instance
from tidegate.store.port import Delete, Put


def live(**more):
    return json.encode(Live(id="one", incarnation="boot/1", **more))


def found(*ids, service="web", health="healthy"):
    return json.encode(
        [
            Found(
                instance=Instance(id=each, name=each, provider="docker", service=service, ports=(80,)),
                health={"80": EngineHealth(health)},
            )
            for each in ids
        ]
    )


class Stage:
    def __init__(self, store) -> None:
        self.told = []
        self.forgotten = []
        self.others = Others("b", self.forgotten.append)
        self.nodes = Nodes(store, asyncio.get_running_loop().time, self.others.meet, self.others.see)
        self.others.read(self.nodes)

    def newest(self, node="a"):
        return next((each for each in reversed(self.told) if each.provider == f"node:{node}"), None)


@asynccontextmanager
async def stage(store):
    made = Stage(store)
    async with beside(made.nodes.run(), made.others.run(made.told.append)):
        yield made


async def put(store, **values):
    await store.txn((), tuple(Put(key=key, value=value) for key, value in values.items()))
    await asyncio.sleep(0.01)


def test_the_others_are_told_before_whoever_waits_for_all_of_them():
    async def main() -> None:
        store = MemoryStore()
        await put(store, **{live_key("a"): live(), seen_key("a", "web", 0): found("i1")})
        async with stage(store) as made:
            assert [each.provider for each in made.told] == ["node:a", "nodes"]
            assert [each.id for each in made.newest().services["web"]] == ["i1"]
            assert made.newest().services["web"][0].judged == {80: EngineHealth.HEALTHY}

    run_virtual(main())


def test_where_there_are_no_others_nobody_waits():
    async def main() -> None:
        async with stage(MemoryStore()) as made:
            assert [each.provider for each in made.told] == ["nodes"]

    run_virtual(main())


def test_what_we_see_ourselves_is_not_taken_from_the_store():
    async def main() -> None:
        store = MemoryStore()
        async with stage(store) as made:
            await put(store, **{live_key("b"): live(), seen_key("b", "web", 0): found("i1")})
            assert made.newest("b") is None

    run_virtual(main())


def test_a_change_of_one_service_leaves_the_objects_of_the_others():
    async def main() -> None:
        store = MemoryStore()
        async with stage(store) as made:
            await put(store, **{live_key("a"): live()})
            await put(
                store, **{seen_key("a", "web", 0): found("i1"), seen_key("a", "db", 0): found("i2", service="db")}
            )
            before = made.newest()
            await put(store, **{seen_key("a", "web", 0): found("i1", "i3")})
            after = made.newest()
            assert after.version > before.version
            assert after.services["db"] is before.services["db"]
            assert [each.id for each in after.services["web"]] == ["i1", "i3"]

    run_virtual(main())


def test_parts_of_a_service_are_one_and_a_part_may_go():
    async def main() -> None:
        store = MemoryStore()
        async with stage(store) as made:
            await put(store, **{live_key("a"): live(), seen_key("a", "web", 0): found("i1")})
            await put(store, **{seen_key("a", "web", 1): found("i2")})
            assert [each.id for each in made.newest().services["web"]] == ["i1", "i2"]
            await store.txn((), (Delete(key=seen_key("a", "web", 1)),))
            await asyncio.sleep(0.01)
            assert [each.id for each in made.newest().services["web"]] == ["i1"]
            await store.txn((), (Delete(key=seen_key("a", "web", 0)),))
            await asyncio.sleep(0.01)
            assert made.newest().services == {}

    run_virtual(main())


def test_a_node_whose_lease_has_ended_has_nothing_any_more():
    async def main() -> None:
        store = MemoryStore()
        lease = await store.grant(60.0)
        async with stage(store) as made:
            await store.txn(
                (),
                (
                    Put(key=live_key("a"), value=live(), lease=lease),
                    Put(key=seen_key("a", "web", 0), value=found("i1"), lease=lease),
                ),
            )
            await asyncio.sleep(0.01)
            store.end(lease)
            await asyncio.sleep(0.01)
            assert made.forgotten == ["node:a"]

    run_virtual(main())


def test_without_the_store_all_keep_what_they_had():
    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        lease = await store.grant(60.0)
        async with stage(way) as made:
            values = ((live_key("a"), live()), (seen_key("a", "web", 0), found("i1")))
            await store.txn((), tuple(Put(key=key, value=value, lease=lease) for key, value in values))
            await asyncio.sleep(0.01)
            way.broken = True
            await asyncio.sleep(2)
            store.end(lease)
            await asyncio.sleep(300)
            assert made.forgotten == [] and made.others.problems
            way.broken = False
            await asyncio.sleep(2)
            assert made.forgotten == [], "the node may be about to come back"
            await asyncio.sleep(TTL_SECONDS)
            assert made.forgotten == ["node:a"]

    run_virtual(main())


def test_a_node_that_takes_connections_elsewhere_is_reached_there():
    async def main() -> None:
        store = MemoryStore()
        async with stage(store) as made:
            await put(store, **{live_key("a"): live(), seen_key("a", "web", 0): found("i1")})
            assert made.newest().services["web"][0].peer is None
            peer = Address(host="10.0.0.1", port=7946)
            await put(store, **{live_key("a"): live(peer=peer)})
            assert made.newest().services["web"][0].peer == peer

    run_virtual(main())


def test_what_cannot_be_read_is_told_and_what_was_known_stays():
    async def main() -> None:
        store = MemoryStore()
        async with stage(store) as made:
            await put(store, **{live_key("a"): live(), seen_key("a", "web", 0): found("i1")})
            await put(store, **{seen_key("a", "web", 0): b"?"})
            assert [each.code for each in made.others.problems] == ["T2302"]
            assert [each.id for each in made.newest().services["web"]] == ["i1"]
            await put(store, **{seen_key("a", "web", 0): found("i2")})
            assert made.others.problems == ()

    run_virtual(main())

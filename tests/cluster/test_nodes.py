"""Who is there."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from msgspec import json

from tests.support.beside import beside
from tests.support.memory_store import MemoryStore, Way
from tests.support.virtual_time import run_virtual
from tidegate.cluster.keys import live_key, seen_key, spec_key, stock_key
from tidegate.cluster.live import Live, Machine, Spec
from tidegate.cluster.nodes import Nodes
from tidegate.errors import Conflict, NoSuchThing
from tidegate.placement.node import NodeFacts
from tidegate.placement.resources import Resources
from tidegate.placement.stock import Stock, parts
from tidegate.store.port import Delete, Put

LIVE = Live(
    id="one",
    incarnation="boot/1",
    index=3,
    zone="z1",
    labels={"disk": "ssd"},
    cpus=4.0,
    memory=8 << 30,
    address="10.0.0.1",
    engines=(Machine(name="docker", id="ENGINE", hostname="host-a", platform="linux/amd64"),),
)


@asynccontextmanager
async def nodes(store):
    changed, seen = [], []
    view = Nodes(store, asyncio.get_running_loop().time, changed.append, seen.append)
    async with beside(view.run()):
        yield view, changed, seen


async def put(store, **values):
    await store.txn((), tuple(Put(key=key, value=value) for key, value in values.items()))
    await asyncio.sleep(0.01)


def test_a_node_comes_is_drained_and_goes():
    async def main() -> None:
        store = MemoryStore()
        async with nodes(store) as (view, changed, _):
            await put(store, **{live_key("a"): json.encode(LIVE)})
            assert view.all["a"].state == "ready" and view.all["a"].live == LIVE
            await put(store, **{spec_key("a"): json.encode(Spec(drained=True))})
            assert view.all["a"].state == "drained"
            await store.txn((), (Delete(key=live_key("a")),))
            await asyncio.sleep(0.01)
            assert view.all["a"].state == "gone"
            await store.txn((), (Delete(key=spec_key("a")),))
            await asyncio.sleep(0.01)
            assert "a" not in view.all and changed[-4:] == [{"a"}] * 4

    run_virtual(main())


def test_placement_is_told_what_it_needs():
    async def main() -> None:
        store = MemoryStore()
        async with nodes(store) as (view, _, _):
            await put(
                store,
                **{
                    live_key("a"): json.encode(LIVE),
                    spec_key("b"): json.encode(Spec(zone="z2", drained=True)),
                },
            )
            assert view.facts() == (
                NodeFacts(
                    name="a",
                    id="ENGINE",
                    hostname="host-a",
                    zone="z1",
                    index=3,
                    labels={"disk": "ssd"},
                    platform="linux/amd64",
                    addresses=("10.0.0.1",),
                    capacity=Resources(cpu=4.0, memory=8 << 30),
                    incarnation="boot/1",
                ),
                NodeFacts(name="b", zone="z2", ready=False, drained=True),
            )

    run_virtual(main())


def test_placement_is_told_what_the_engine_of_a_node_holds_for_as_long_as_the_node_is_there():
    async def main() -> None:
        store = MemoryStore()
        held = Stock(
            images=("web:1", "sha256:1"), volumes=("data",), ports=("tcp/80",), containers={"db": {"tier": "db"}}
        )
        async with nodes(store) as (view, _, _):
            await put(store, **{live_key("a"): json.encode(LIVE)})
            bare = view.facts()
            await put(store, **{stock_key("a", kind): json.encode(part) for kind, part in parts(held).items()})
            (facts,) = view.facts()
            assert facts.images == {"web:1", "sha256:1"} and facts.volumes == ("data",) and facts.ports == ("tcp/80",)
            assert facts.containers == {"db": {"tier": "db"}} and view.stock("a") == held
            await store.txn((), (Delete(key=stock_key("a", "images")),))
            await asyncio.sleep(0.01)
            assert not view.facts()[0].images and view.facts()[0].ports == ("tcp/80",)
            await store.txn((), tuple(Delete(key=stock_key("a", kind)) for kind in parts(held)))
            await asyncio.sleep(0.01)
            assert view.facts() == bare and view.stock("a") == view.stock("b") == Stock()

    run_virtual(main())


def test_what_is_not_understood_of_an_engine_counts_as_not_there():
    async def main() -> None:
        store = MemoryStore()
        async with nodes(store) as (view, _, _):
            await put(store, **{live_key("a"): json.encode(LIVE), stock_key("a", "images"): b"?"})
            assert view.stock("a") == Stock() and [each.code for each in view.problems] == ["T2302"]
            await put(store, **{stock_key("a", "spices"): json.encode(Stock(images=("web",)))})
            assert view.stock("a") == Stock()

    run_virtual(main())


def test_a_node_is_drained_since_it_was_first_told_so():
    async def main() -> None:
        store = MemoryStore()
        async with nodes(store) as (view, _, _):
            await put(store, **{live_key("a"): json.encode(LIVE)})
            for drained, when, since in ((True, 5.0, 5.0), (True, 6.0, 5.0), (False, 7.0, 0.0), (True, 8.0, 8.0)):
                await view.order("a", {"drained": drained}, who="me", why="", when=when)
                await asyncio.sleep(0.01)
                assert view.facts()[0].drained_since == since
            await store.txn((), (Delete(key=live_key("a")),))
            await asyncio.sleep(0.01)
            assert view.facts()[0].drained_since == 8.0

    run_virtual(main())


def test_an_operators_will_is_stored_over_what_he_said_before_and_compares_it():
    async def main() -> None:
        store = MemoryStore()
        async with nodes(store) as (view, _, _):
            await put(store, **{live_key("a"): json.encode(LIVE), spec_key("a"): json.encode(Spec(zone="z9"))})
            assert await view.order("a", {"drained": True}, who="me", why="disk", when=5.0) == store.revision
            await asyncio.sleep(0.01)
            told = Spec(zone="z9", drained=True, drained_since=5.0, who="me", why="disk", when=5.0)
            assert view.all["a"].spec == told
            await store.txn((), (Put(key=spec_key("a"), value=json.encode(Spec())),))
            with pytest.raises(Conflict, match="T1610"):
                await view.order("a", {"drained": True}, who="me", why="", when=6.0)
            with pytest.raises(NoSuchThing, match="T2305"):
                await view.order("b", {"drained": True}, who="me", why="", when=6.0)

    run_virtual(main())


def test_what_a_node_sees_is_told_apart_from_the_node():
    async def main() -> None:
        store = MemoryStore()
        async with nodes(store) as (view, changed, seen):
            changed.clear()
            await put(store, **{seen_key("a", "shop/web", 0): b"[]"})
            assert changed == [] and seen[-1] == {seen_key("a", "shop/web", 0)} and "a" not in view.all

    run_virtual(main())


def test_a_value_of_another_version_is_a_problem_until_it_is_gone():
    async def main() -> None:
        store = MemoryStore()
        async with nodes(store) as (view, _, _):
            await put(store, **{live_key("a"): b"?"})
            assert view.all["a"].live is None
            assert [each.code for each in view.problems] == ["T2302"]
            await put(store, **{live_key("a"): json.encode(LIVE)})
            assert view.problems == () and view.all["a"].live == LIVE

    run_virtual(main())


def test_it_tells_for_how_long_a_node_was_surely_not_there():
    """Neither what it says needs to be understood, nor does a gap count."""

    async def main() -> None:
        store = MemoryStore()
        way = Way(store)
        async with nodes(way) as (view, _, _):
            await asyncio.sleep(5.0)
            assert 4.0 < view.unseen("a") <= 5.1 and view.unseen("a") == view.sighted
            await put(store, **{live_key("a"): b"not understood"})
            assert view.all["a"].live is None and view.unseen("a") == 0.0
            await store.txn((), (Delete(key=live_key("a")),))
            await asyncio.sleep(3.0)
            assert view.unseen("a") == pytest.approx(3.0, abs=0.1)
            await put(store, **{spec_key("a"): json.encode(Spec(drained=True))})
            assert view.unseen("a") == pytest.approx(3.0, abs=0.1)
            way.broken = True
            await asyncio.sleep(3.0)
            assert view.unseen("a") == view.sighted == 0.0
            way.broken = False
            await asyncio.sleep(3.0)
            assert 0.0 < view.unseen("a") <= 3.0

    run_virtual(main())

"""What an engine holds is looked at when it says that something changed, once for what happens together."""

import asyncio
from contextlib import asynccontextmanager

from tests.support.beside import beside
from tests.support.fake_engine import FakeEngine
from tests.support.virtual_time import run_virtual
from tidegate.control import stocktaking
from tidegate.control.stocktaking import PAUSE_SECONDS, RESYNC_SECONDS, RETRY_SECONDS, SETTLE_SECONDS, Stocktaking
from tidegate.engine.port import EngineEvent, Volume
from tidegate.model import PublishedPort
from tidegate.placement.node import NodeFacts
from tidegate.placement.stock import Stock, bounded
from tidegate.stacks.naming import OWNER_LABEL, PLACE_LABEL

OURS = {OWNER_LABEL: "this store", PLACE_LABEL: "shop/web/1.1"}
LOOK = SETTLE_SECONDS + PAUSE_SECONDS + 0.1


def port(number):
    return (PublishedPort(container_port=80, host_ip="0.0.0.0", host_port=number),)


async def owner():
    return "this store"


@asynccontextmanager
async def taking(engine):
    told = []
    stock = Stocktaking(engine, owner, told.append)
    async with beside(stock.run(), listening(engine, stock), settle=2 * LOOK):
        yield stock, told


async def listening(engine, stock):
    async for event in engine.events(0):
        stock.heard(event)


def play(story, engine=None):
    async def main() -> None:
        made = engine or FakeEngine()
        async with taking(made) as (stock, told):
            await story(made, stock, told)

    run_virtual(main())


def test_all_is_looked_at_once_at_the_beginning():
    async def story(engine, stock, told):
        assert stock.stock == Stock(images=("image:1", "sha256:image:1"), volumes=("data",)) and told == [stock.stock]
        facts = stock.of(NodeFacts(name="a", zone="z"))
        assert (facts.name, facts.zone, facts.hostname) == ("a", "z", "fake://engine")
        assert facts.volumes == ("data",) and "image:1" in facts.images

    engine = FakeEngine()
    engine.known_volumes = {name: Volume(name=name) for name in ("data", "0" * 64)}
    play(story, engine)


def test_containers_of_others_count_and_replicas_of_ours_do_not():
    async def story(engine, stock, told):
        engine.run("db", {"tier": "db"}, published=port(5432), reserved_memory=100)
        engine.run("ours", OURS, published=port(80))
        engine.run("theirs", {**OURS, OWNER_LABEL: "another store"}, published=port(8080), reserved_memory=20)
        engine.run("over", published=port(9999))
        engine.end(next(each.id for each in engine.containers.values() if each.name == "over"))
        await asyncio.sleep(LOOK)
        assert set(stock.stock.containers) == {"db", "theirs"} and stock.stock.containers["db"] == {"tier": "db"}
        assert stock.stock.ports == ("tcp/5432", "tcp/8080") and stock.stock.taken.memory == 120

    play(story)


def test_a_burst_is_one_look_and_only_at_what_it_is_about():
    async def story(engine, stock, told):
        before = dict(engine.calls)
        for number in range(50):
            engine.run(f"c{number}")
        await asyncio.sleep(LOOK)
        assert engine.calls["list"] == before["list"] + 1 and len(stock.stock.containers) == 50
        assert engine.calls["held_images"] == before["held_images"] and len(told) == 2
        engine.images.add("new:1")
        engine.deliver(EngineEvent(kind="image", action="pull", id="new:1", time_ns=1))
        await asyncio.sleep(LOOK)
        assert "new:1" in stock.stock.images and engine.calls["list"] == before["list"] + 1
        assert sum(engine.inspected.values()) == 50, "each container is inspected once"

    play(story)


def test_without_events_nothing_is_asked_for_long_and_then_everything():
    async def story(engine, stock, told):
        before = sum(engine.calls.values())
        await asyncio.sleep(RESYNC_SECONDS - 4 * PAUSE_SECONDS)
        assert sum(engine.calls.values()) == before
        engine.images.add("lost:1")
        await asyncio.sleep(5 * PAUSE_SECONDS)
        assert "lost:1" in stock.stock.images

    play(story)


def test_the_health_of_containers_is_no_reason_to_look():
    async def story(engine, stock, told):
        await asyncio.sleep(LOOK)
        before = engine.calls["list"]
        stock.heard(EngineEvent(kind="container", action="health_status: healthy", id="c", time_ns=1))
        stock.heard(EngineEvent(kind="network", action="connect", id="c", time_ns=1))
        await asyncio.sleep(LOOK)
        assert engine.calls["list"] == before

    play(story)


def test_what_was_set_aside_is_asked_for_again_when_it_changed():
    async def story(engine, stock, told):
        container = engine.run("db", reserved_memory=100)
        await asyncio.sleep(LOOK)
        engine.change(container, reserved_memory=300)
        engine.emit("update", container)
        await asyncio.sleep(LOOK)
        assert stock.stock.taken.memory == 300

    play(story)


def test_an_engine_that_is_away_is_asked_again_and_what_was_known_stays():
    async def story(engine, stock, told):
        engine.down()
        stock.heard(EngineEvent(kind="daemon", action="stream-open", id="", time_ns=1))
        await asyncio.sleep(LOOK)
        assert stock.stock.images
        engine.up()
        engine.images.add("new:1")
        await asyncio.sleep(RETRY_SECONDS + LOOK)
        assert "new:1" in stock.stock.images

    async def main() -> None:
        engine = FakeEngine()
        stock = Stocktaking(engine, owner)
        async with beside(stock.run()):
            await story(engine, stock, [])

    run_virtual(main())


def test_who_waits_for_the_first_look_does_not_wait_for_ever():
    async def main() -> None:
        engine = FakeEngine()
        engine.down()
        stock = Stocktaking(engine, owner)
        async with beside(stock.run()):
            began = asyncio.get_running_loop().time()
            await stock.once(3.0)
            assert 2.9 < asyncio.get_running_loop().time() - began < 3.1
            assert stock.of(NodeFacts(name="a")) == NodeFacts(name="a")
            engine.up()
            await stock.once(RETRY_SECONDS + 1)
            assert stock.stock.images

    run_virtual(main())


def test_what_does_not_fit_is_left_out_and_said_and_comes_back_when_there_is_room(monkeypatch, caplog):
    monkeypatch.setattr(stocktaking, "bounded", lambda stock: bounded(stock, 40))

    async def story(engine, stock, told):
        engine.images = {f"image:{number}" for number in range(9)}
        engine.deliver(EngineEvent(kind="image", action="load", id="x", time_ns=1))
        await asyncio.sleep(LOOK)
        assert stock.stock.cut["images"] > 0 and "left_out" in str(vars(caplog.records[-1]))
        engine.run("c")
        await asyncio.sleep(LOOK)
        assert stock.stock.cut["images"] > 0, "another look at something else does not forget"
        engine.images = {"i:1"}
        engine.deliver(EngineEvent(kind="image", action="delete", id="x", time_ns=1))
        await asyncio.sleep(LOOK)
        assert stock.stock.cut == {}

    play(story)

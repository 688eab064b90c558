"""What must not run twice is stopped and taken away while this node may be taken for lost, and nothing else is."""

import asyncio
from contextlib import asynccontextmanager

from tests.support.beside import beside
from tests.support.fake_engine import FakeEngine
from tests.support.stack_stage import member, stack
from tests.support.virtual_time import run_virtual
from tidegate.control.fence import LOOK_SECONDS, Fence
from tidegate.control.journal import Journal
from tidegate.stacks.naming import OWNER_LABEL, PLACE_LABEL
from tidegate.stacks.picture import Picture

OURS = {OWNER_LABEL: "this store", PLACE_LABEL: "shop/lock/1.1", "tidegate.exclusive": "true"}


class World:
    def __init__(self):
        self.engine, self.journal = FakeEngine(), Journal(lambda: 0.0)
        self.cut_off, self.owner, self.picture = False, "this store", Picture()
        self.fence = Fence(self.engine, lambda: self.owner, lambda: self.cut_off, self.journal, lambda: self.picture)

    def names(self):
        return sorted(each.name for each in self.engine.containers.values())

    async def cut(self):
        self.cut_off = True
        await asyncio.sleep(2 * LOOK_SECONDS)


@asynccontextmanager
async def fenced():
    world = World()
    async with beside(world.fence.run()):
        yield world


def play(story):
    async def main() -> None:
        async with fenced() as world:
            await story(world)

    run_virtual(main())


def test_only_exclusive_replicas_of_ours_go_and_only_when_cut_off():
    async def story(world):
        world.engine.run("lock", OURS)
        world.engine.run("copy", {**OURS, "io.tidegate.release": "shop/lock/1/a"})
        world.engine.add("made, not started", OURS)
        world.engine.run("web", {**OURS, "tidegate.exclusive": "false"})
        world.engine.run("theirs", {**OURS, OWNER_LABEL: "another store"})
        world.engine.run("foreign", {"tidegate.exclusive": "true"})
        await asyncio.sleep(10 * LOOK_SECONDS)
        assert len(world.names()) == 6 and world.engine.calls["list"] == 0
        await world.cut()
        assert world.names() == ["foreign", "theirs", "web"]
        assert next((each.text, each.why) for each in world.journal.happenings()) == (
            "shop/lock/1.1 is stopped",
            "this node is cut off, and it must not run twice",
        )

    play(story)


def test_a_program_that_does_not_know_its_store_yet_takes_every_replica_for_its_own():
    async def story(world):
        world.owner = ""
        world.engine.run("theirs", {**OURS, OWNER_LABEL: "another store"})
        await world.cut()
        assert world.names() == []

    play(story)


def test_what_was_made_before_the_store_said_that_it_must_not_run_twice_goes_too():
    async def story(world):
        world.picture = Picture(stacks={"shop": stack(member("lock", exclusive=True), member("web"))})
        before = {OWNER_LABEL: "this store", PLACE_LABEL: "shop/lock/1.1"}
        world.engine.run("lock", before)
        world.engine.run("web", {**before, PLACE_LABEL: "shop/web/1.1"})
        world.engine.run("stray", {**before, PLACE_LABEL: "shop/lock/7.1"})
        await world.cut()
        assert world.names() == ["web"]

    play(story)


def test_one_that_takes_long_to_stop_is_told_once_and_holds_up_no_other():
    async def story(world):
        world.engine.stop_seconds = 8.0
        for name in ("one", "two"):
            world.engine.run(name, OURS)
        await world.cut()
        await asyncio.sleep(8.0)
        assert world.names() == [] and world.engine.calls["stop"] == 2

    play(story)


def test_an_engine_that_fails_is_asked_again():
    async def story(world):
        world.engine.run("lock", OURS)
        world.engine.broken.add("stop")
        await world.cut()
        assert world.names() == ["lock"]
        world.engine.down()
        await asyncio.sleep(2 * LOOK_SECONDS)
        world.engine.up()
        world.engine.broken.clear()
        await asyncio.sleep(2 * LOOK_SECONDS)
        assert world.names() == []

    play(story)

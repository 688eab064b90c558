"""Questions over the desk's own socket, as a worker passes them on."""

import asyncio
import stat
from contextlib import asynccontextmanager

import pytest
from msgspec import json

from tests.support.fake_engine import FakeEngine
from tests.support.seen import instance, inventory
from tidegate.control.engines import Engines
from tidegate.control.figuredesk import FigureDesk
from tidegate.control.figures import Figures, Question
from tidegate.control.metering import Metering
from tidegate.control.metrics import Registry
from tidegate.control.traffic import Traffic
from tidegate.control.unixsocket import private_socket
from tidegate.tasks import Tasks


class World:
    """A node with two containers of a service and one of another."""

    def __init__(self, folder):
        self.path, engine, now = folder / "figures.sock", FakeEngine(), lambda: 1_700_000_000.0
        self.ids = [engine.run(name, {}) for name in ("one", "two", "other")]
        seen = [instance(id_, "web" if at < 2 else "api") for at, id_ in enumerate(self.ids)]
        self.metering = Metering(
            Engines({"docker": engine}), lambda: {"docker": inventory(*seen)}, Registry(), now, now
        )
        self.desk = FigureDesk(self.metering, Traffic(lambda: 5.0), lambda: {"docker": inventory(*seen)}, now)

    async def ask(self, line):
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        writer.write(line)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        return answer

    async def asked(self, **question):
        return json.decode(await self.ask(json.encode(Question(**question)) + b"\n"), type=Figures)


@asynccontextmanager
async def open_desk(folder):
    world = World(folder)
    async with Tasks("test") as tasks:
        task = tasks.spawn("desk", world.desk.run(private_socket(world.path)))
        yield world
        task.cancel()


async def test_the_containers_that_are_named_are_read_now_and_no_others(tmp_path):
    async with open_desk(tmp_path) as world:
        one, two, other = world.ids
        for _ in range(2):
            told = await world.asked(service="web", instances=(one, other, "stranger"))
        assert set(told.loads) == {one}
        assert (told.counted.requests, told.host) == (0, None)
        assert world.metering.load(two) is None


async def test_everything_is_what_was_read_before_and_costs_no_reading(tmp_path):
    async with open_desk(tmp_path) as world:
        for _ in range(2):
            await world.metering.read([instance(id_) for id_ in world.ids])
        told = await world.asked(everything=True)
        assert (set(told.loads), told.counted) == (set(world.ids), None)


@pytest.mark.parametrize("line", [b"\n", b"{", b"x" * (1 << 21)], ids=["nothing", "half", "too much"])
async def test_what_is_no_question_gets_no_answer_and_the_next_one_does(tmp_path, line):
    async with open_desk(tmp_path) as world:
        try:
            assert await world.ask(line + b"\n") == b""
        except ConnectionError:
            assert len(line) > 1 << 20, "cut while it still spoke"
        assert (await world.asked()).now == 1_700_000_000.0


async def test_only_our_own_user_may_open_it(tmp_path):
    async with open_desk(tmp_path) as world:
        assert stat.S_IMODE(world.path.stat().st_mode) == 0o600

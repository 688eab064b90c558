"""What the follower relies on, asked of the fake and of a real engine in the same words."""

import asyncio
import contextlib
import time

import pytest

from tests.support.fake_engine import FakeEngine
from tests.support.images import ensure_busybox
from tidegate.engine.docker import DockerEngine
from tidegate.engine.port import ContainerSpec
from tidegate.errors import EngineUnreachable, NoSuchThing
from tidegate.model import InstanceState

LABEL = {"tidegate.test": "discovery-contract"}


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.system)])
def engine_url(request):
    """None for the fake."""
    return None if request.param == "fake" else request.getfixturevalue("docker_engine_url")


class Bench:
    """An engine and what is needed to make containers on it."""

    def __init__(self, engine, image):
        self.engine = engine
        self.image = image
        self._made = []

    async def make(self):
        name = f"tidegate-discovery-{time.time_ns()}"
        spec = ContainerSpec(
            name=name, image=self.image, command=("/bin/sleep", "60"), labels=LABEL, stop_timeout_seconds=1.0
        )
        container = await self.engine.create(spec)
        self._made.append(container)
        return container

    async def clear(self):
        for container in self._made:
            with contextlib.suppress(NoSuchThing, KeyError):
                await self.engine.remove(container, force=True)


@contextlib.asynccontextmanager
async def bench(url):
    engine = FakeEngine() if url is None else DockerEngine(url)
    tools = Bench(engine, "image:1" if url is None else await ensure_busybox(engine))
    try:
        yield tools
    finally:
        await tools.clear()
        await engine.close()


class Listening:
    """The events of one container, gathered in the background."""

    def __init__(self, events):
        self._events = events
        self.seen = []
        self._news = asyncio.Event()

    async def run(self):
        async for event in self._events:
            self.seen.append(event)
            self._news.set()

    async def until(self, action, container):
        async with asyncio.timeout(30):
            while True:
                for event in self.seen:
                    if event.action == action and event.id == container:
                        return event
                self._news.clear()
                await self._news.wait()

    def actions(self, container):
        return [event.action for event in self.seen if event.id == container]


@contextlib.asynccontextmanager
async def listening(engine, since_ns):
    listener = Listening(engine.events(since_ns))
    async with asyncio.TaskGroup() as group:
        task = group.create_task(listener.run())
        async with asyncio.timeout(10):
            while not listener.seen:
                listener._news.clear()
                await listener._news.wait()
        yield listener
        task.cancel()


async def now_ns(engine):
    return int((await engine.info()).now * 1e9)


async def test_the_stream_says_that_it_is_open_before_anything_else(engine_url):
    async with bench(engine_url) as tools, listening(tools.engine, await now_ns(tools.engine)) as listener:
        assert (listener.seen[0].kind, listener.seen[0].action) == ("daemon", "stream-open")


async def test_a_life_from_start_to_destroy_is_told_in_events(engine_url):
    async with bench(engine_url) as tools, listening(tools.engine, await now_ns(tools.engine)) as listener:
        container = await tools.make()
        await tools.engine.start(container)
        start = await listener.until("start", container)
        await tools.engine.stop(container, 1.0)
        die = await listener.until("die", container)
        await listener.until("stop", container)
        await tools.engine.remove(container)
        await listener.until("destroy", container)
        kill = await listener.until("kill", container)
        actions = listener.actions(container)
        assert actions.index("connect") < actions.index("start")
        assert actions.index("start") < actions.index("kill") < actions.index("die") < actions.index("destroy")
        assert "disconnect" in actions
        assert start.attributes["tidegate.test"] == "discovery-contract"
        assert kill.attributes["signal"] in ("15", "SIGTERM")
        assert start.time_ns < kill.time_ns < die.time_ns
        connect = next(event for event in listener.seen if event.action == "connect" and event.id == container)
        assert connect.kind == "network"
        assert "tidegate.test" not in connect.attributes


async def test_a_life_begins_before_its_end_on_the_engines_clock(engine_url):
    async with bench(engine_url) as tools, listening(tools.engine, await now_ns(tools.engine)) as listener:
        container = await tools.make()
        await tools.engine.start(container)
        first = (await tools.engine.inspect(container)).started_at
        await tools.engine.stop(container, 1.0)
        die = await listener.until("die", container)
        await tools.engine.start(container)
        second = (await tools.engine.inspect(container)).started_at
        assert first * 1e9 < die.time_ns < second * 1e9


async def test_a_new_stream_repeats_what_happened_since(engine_url):
    async with bench(engine_url) as tools:
        since = await now_ns(tools.engine) - 1_000_000_000
        container = await tools.make()
        await tools.engine.start(container)
        async with listening(tools.engine, since) as listener:
            event = await listener.until("start", container)
        async with listening(tools.engine, event.time_ns) as listener:
            assert await listener.until("start", container) == event


async def test_list_and_inspect_say_the_same_of_a_running_container(engine_url):
    async with bench(engine_url) as tools:
        container = await tools.make()
        await tools.engine.start(container)
        detail = await tools.engine.inspect(container)
        row = next(row for row in await tools.engine.list() if row.id == container)
        assert (row.state, detail.state) == (InstanceState.RUNNING, InstanceState.RUNNING)
        assert detail.name in row.names
        assert row.labels == detail.labels
        assert row.engine_health is detail.engine_health
        assert row.addresses == tuple(sorted((each.network, each.ipv4, each.ipv6) for each in detail.networks))


async def test_no_two_running_containers_have_one_address_though_one_was_started_again(engine_url):
    async with bench(engine_url) as tools:
        first, second = await tools.make(), await tools.make()
        for container in (first, second):
            await tools.engine.start(container)
        await tools.engine.stop(first, 1.0)
        await tools.engine.start(first)
        found = [(await tools.engine.inspect(each)).networks[0].ipv4 for each in (first, second)]
        assert len({text for text in found if text}) == 2


async def test_a_stopped_container_is_still_listed(engine_url):
    async with bench(engine_url) as tools:
        container = await tools.make()
        await tools.engine.start(container)
        await tools.engine.stop(container, 1.0)
        assert (await tools.engine.inspect(container)).state is InstanceState.STOPPED
        assert container in {row.id for row in await tools.engine.list()}


async def test_an_unknown_container_is_no_such_thing(engine_url):
    async with bench(engine_url) as tools:
        with pytest.raises(NoSuchThing):
            await tools.engine.inspect("0" * 64)


async def test_nobody_there_is_unreachable(tmp_path):
    fake = FakeEngine()
    fake.down()
    for engine in (fake, DockerEngine(f"unix://{tmp_path}/nobody.sock")):
        with pytest.raises(EngineUnreachable):
            await engine.info()
        with pytest.raises(EngineUnreachable):
            async for _ in engine.events(0):
                pass
        await engine.close()

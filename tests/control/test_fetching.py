import asyncio

import pytest

from tests.support.fake_engine import FakeEngine
from tidegate.control.fetching import Fetching
from tidegate.errors import EngineError, NoSuchThing
from tidegate.release.image import Pin
from tidegate.release.spec import Pull
from tidegate.tasks import Tasks


@pytest.fixture
def engine():
    engine = FakeEngine()
    engine.registry.add("web:2")
    return engine


async def test_an_image_that_is_there_is_not_fetched(engine):
    image = await Fetching().ensure(engine, "image:1", Pull.MISSING, "r#1")
    assert image.id == "sha256:image:1"
    assert engine.calls["pull"] == 0


async def test_a_missing_image_is_fetched(engine):
    assert (await Fetching().ensure(engine, "web:2", Pull.MISSING, "r#1")).name == "web:2"


async def test_a_missing_image_that_may_not_be_fetched_is_missing(engine):
    with pytest.raises(NoSuchThing):
        await Fetching().ensure(engine, "web:2", Pull.NEVER, "r#1")
    assert engine.calls["pull"] == 0


async def test_what_no_registry_has_is_an_error(engine):
    with pytest.raises(EngineError):
        await Fetching().ensure(engine, "web:3", Pull.MISSING, "r#1")


async def test_asked_for_always_it_is_fetched_once_for_each_who_wants_it(engine):
    fetching = Fetching()
    for whom in ("r#1", "r#1", "r#2"):
        await fetching.ensure(engine, "web:2", Pull.ALWAYS, whom)
    assert engine.calls["pull"] == 2


async def test_many_who_want_it_at_once_wait_for_one_fetch(engine):
    engine.latency = 0.01
    fetching = Fetching()
    async with Tasks("test") as tasks:
        for number in range(5):
            tasks.spawn(f"{number}", fetching.ensure(engine, "web:2", Pull.MISSING, "r#1"))
    assert engine.calls["pull"] == 1


async def test_progress_is_known_while_it_is_fetched(engine):
    engine.latency = 0.05
    fetching = Fetching()
    assert fetching.step(engine.name, "web:2") is None
    async with Tasks("test") as tasks:
        wanted = tasks.spawn("wanted", fetching.ensure(engine, "web:2", Pull.MISSING, "r#1"))
        async with asyncio.timeout(10):
            # Only the fetching itself tells how far it is.
            while (step := fetching.step(engine.name, "web:2")) is None:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert (step.done_bytes, step.total_bytes) == (1, 2)
        await wanted
    assert fetching.step(engine.name, "web:2") is None


async def test_the_very_image_is_held_though_its_tag_moved_on(engine):
    engine.images.add("web:2")
    engine.retag("web:2", "sha256:newer")
    await Fetching().hold(engine, Pin(id="sha256:web:2"), "web:2", Pull.MISSING, "r#1")
    assert engine.calls["pull"] == 0


async def test_an_image_that_is_gone_is_fetched_again_by_what_registries_call_it(engine):
    engine.registry.add("web@sha256:abc")
    await Fetching().hold(engine, Pin(id="sha256:1", digests=("web@sha256:abc",)), "web:2", Pull.MISSING, "r#1")
    assert "web@sha256:abc" in engine.images
    with pytest.raises(NoSuchThing):
        await Fetching().hold(engine, Pin(id="sha256:1"), "web:2", Pull.NEVER, "r#1")

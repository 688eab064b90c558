import pytest

from tests.support import releases
from tests.support.fake_engine import FakeEngine
from tidegate.control.engines import Engines
from tidegate.control.rehearsal import Rehearsal
from tidegate.errors import EngineError, NoSuchThing, Problem
from tidegate.release.spec import Change, Pull, Slot


class Telling(FakeEngine):
    """An engine that has something to tell of every copy whose image it holds."""

    async def rehearse(self, container, change):
        await super().rehearse(container, change)
        return (Problem(code="T1156", text="its address is its own", place=self.containers[container].name),)


@pytest.fixture
async def engine():
    engine = Telling()
    engine.run("old-1")
    engine.run("old-2")
    return engine


async def warnings(engine, **change):
    slots = tuple(Slot(container=container) for container in engine.containers)
    release = releases.release(slots=slots, replicas=len(slots), change=Change(**change))
    return await Rehearsal(Engines({"docker": engine})).warnings(release)


async def test_every_container_to_be_copied_is_asked_about(engine):
    told = await warnings(engine)
    assert [problem.place for problem in told] == ["old-1", "old-2"]


async def test_an_image_that_is_still_to_be_fetched_keeps_nothing_from_being_told(engine):
    assert await warnings(engine, image="web:2") == await warnings(engine)


async def test_an_image_that_may_not_be_fetched_is_missing_before_the_release_begins(engine):
    with pytest.raises(NoSuchThing) as caught:
        await warnings(engine, image="web:2", pull=Pull.NEVER)
    assert caught.value.problems[0].code == "T1150"


async def test_what_the_engine_refuses_is_refused_before_the_release_begins(engine):
    engine.broken.add("rehearse")
    with pytest.raises(EngineError):
        await warnings(engine)


async def test_a_container_that_is_gone_is_said_before_the_release_begins(engine):
    release = releases.release(slots=(Slot(container="gone"),), replicas=1)
    with pytest.raises(NoSuchThing):
        await Rehearsal(Engines({"docker": engine})).warnings(release)

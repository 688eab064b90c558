from tests.support import releases
from tests.support.fake_engine import FakeEngine
from tidegate.control.engines import Engines
from tidegate.control.lookout import Lookout, fact
from tidegate.engine.port import ContainerDetail
from tidegate.model import InstanceState
from tidegate.release.seen import Container
from tidegate.release.spec import Slot

MARKED = {"io.tidegate.release": "shop/web#7", "io.tidegate.slot": "2"}


def release(**given):
    return releases.release(7, **{"slots": (Slot(container="old"),)} | given)


async def look(engine, *known, **more):
    return await Lookout(Engines({"docker": engine})).look(release(**more), [("docker", each) for each in known])


async def test_known_containers_are_looked_at_and_those_that_are_gone_are_left_out():
    engine = FakeEngine()
    old = engine.run("old")
    assert await look(engine, old, "gone") == {
        old: Container(id=old, name="old", node="docker", state=InstanceState.RUNNING)
    }


async def test_what_the_release_made_is_found_though_it_was_never_started():
    engine = FakeEngine()
    made = engine.add("new", MARKED)
    engine.add("of-another-release", MARKED | {"io.tidegate.release": "shop/web#6"})
    seen = await look(engine)
    assert list(seen) == [made]
    assert (seen[made].number, seen[made].state) == (2, InstanceState.CREATED)


async def test_containers_of_files_are_none_of_an_engine():
    seen = await Lookout(Engines({"docker": FakeEngine()})).look(release(slots=()), [("file", "127.0.0.1:80")])
    assert seen == {}


async def test_while_an_engine_is_away_nothing_is_concluded():
    engine = FakeEngine()
    old = engine.run("old")
    engine.down()
    assert await look(engine, old) is None
    assert await look(engine, old, slots=()) is None


async def test_while_a_container_cannot_be_inspected_nothing_is_concluded():
    engine = FakeEngine()
    old = engine.run("old")
    engine.failing.add(old)
    assert await look(engine, old) is None


def test_how_a_container_ended_is_told():
    detail = ContainerDetail(
        id="1",
        name="web",
        image="i",
        state=InstanceState.STOPPED,
        labels={},
        exit_code=137,
        oom_killed=True,
        restarts=2,
    )
    seen = fact(release(), "docker", detail)
    assert (seen.exit_code, seen.out_of_memory, seen.restarts, seen.alive) == (137, True, 2, False)


def test_a_container_between_two_lives_counts_as_running():
    detail = ContainerDetail(
        id="1", name="web", image="i", state=InstanceState.STOPPED, labels=MARKED, restarts=1, restarting=True
    )
    seen = fact(release(), "docker", detail)
    assert seen.alive
    assert not seen.ready

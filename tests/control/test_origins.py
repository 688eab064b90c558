from __future__ import annotations

import pytest

from tests.support.fake_engine import FakeEngine
from tidegate.control.engines import Engines
from tidegate.control.origins import Origins, back_to, together
from tidegate.engine.port import ContainerDetail
from tidegate.errors import EngineError
from tidegate.model import InstanceState
from tidegate.release.image import Pin
from tidegate.release.spec import Change, Origin


def detail(number=1, **given):
    shown = {"id": f"{number}", "name": f"web-{number}", "image": "web:1", "state": InstanceState.RUNNING, "labels": {}}
    return ContainerDetail(**shown | given)


def test_what_all_replicas_have_is_kept_and_what_each_has_of_its_own_is_left_to_it():
    originals = [
        detail(number, environment=("COLOUR=blue", f"NUMBER={number}"), labels={"tier": "front", "rack": f"r{number}"})
        for number in (1, 2)
    ]
    origin = together(originals, {"a": Pin(id="sha256:1")})
    assert origin.environment == {"COLOUR": "blue", "NUMBER": None}
    assert origin.labels == {"tier": "front", "rack": None}
    assert (origin.image, origin.images) == ("web:1", {"a": Pin(id="sha256:1")})


def test_our_own_marks_are_no_part_of_what_a_container_was():
    marks = {"io.tidegate.release": "web#1", "io.tidegate.slot": "1", "tidegate.version": "v1"}
    assert together([detail(labels=marks | {"com.docker.compose.container-number": "1", "a": "b"})], {}).labels == {
        "a": "b"
    }


@pytest.mark.parametrize(
    ("entrypoint", "command", "bare"), [((), ("serve",), False), (("sh", "-c"), ("x",), False), (("web",), (), True)]
)
def test_the_command_is_kept_apart_from_the_entrypoint(entrypoint, command, bare):
    origin = together([detail(command=(*entrypoint, *command), entrypoint=entrypoint)], {})
    change = back_to(origin, [detail()])
    assert (origin.command, change.command, change.bare) == (command, command, bare)
    assert (origin.entrypoint, change.entrypoint) == (entrypoint, entrypoint)


def test_the_way_back_sets_what_was_and_takes_away_what_came_since():
    origin = Origin(
        image="web:1", environment={"COLOUR": "blue", "NUMBER": None}, labels={"tier": "front"}, command=("serve",)
    )
    copies = [
        detail(
            number, environment=("COLOUR=green", f"NUMBER={number}", "NEW=1"), labels={"tier": "back", "beta": "yes"}
        )
        for number in (1, 2)
    ]
    assert back_to(origin, copies) == Change(
        image="web:1",
        environment={"COLOUR": "blue", "NEW": None},
        labels={"tier": "front", "beta": None},
        command=("serve",),
    )


async def test_engines_are_asked_what_runs_there():
    engine = FakeEngine()
    container = engine.run("old-1", {"a": "b"}, environment=("COLOUR=blue",), command=("serve",))
    origins = Origins(Engines({"docker": engine}))
    origin = await origins.of([("docker", container), ("docker", "gone"), ("file", "elsewhere")])
    assert origin.environment == {"COLOUR": "blue"}
    assert origin.images == {"docker": Pin(id="sha256:image:1")}
    assert await origins.undoing(origin, [("docker", container)]) == Change(
        image="image:1", environment={"COLOUR": "blue"}, labels={"a": "b"}, command=("serve",), entrypoint=()
    )


async def test_nothing_is_known_of_what_no_engine_shows():
    engine = FakeEngine()
    origins = Origins(Engines({"docker": engine}))
    assert await origins.of([("file", "elsewhere")]) is None
    container = engine.run("old-1")
    engine.images.clear()
    assert (await origins.of([("docker", container)])).images == {"docker": Pin(id="sha256:image:1")}
    engine.failing.add(container)
    assert await origins.of([("docker", container)]) is None
    with pytest.raises(EngineError):
        await origins.undoing(Origin(), [("docker", container)])

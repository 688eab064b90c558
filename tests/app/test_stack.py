from __future__ import annotations

import asyncio

import pytest

from tests.support.fake_engine import FakeEngine
from tidegate.app.stack import Stack
from tidegate.errors import ConfigError, EngineError
from tidegate.tasks import Tasks

FILE = """\
name: shop
services:
  web:
    image: web:1
    labels: {tidegate.scale: "2"}
"""


async def names(engine):
    return sorted(name for each in await engine.list() for name in each.names)


async def test_a_stack_runs_until_it_is_ended_and_takes_over_what_was_left_behind(tmp_path):
    path = tmp_path / "compose.yaml"
    path.write_text(FILE)
    engine = FakeEngine()
    left = engine.run("shop-web-1")
    other = engine.run("not-ours")
    async with Tasks("test") as tasks:
        running = tasks.spawn("stack", Stack.read(engine, str(path)).run())
        async with asyncio.timeout(10):
            while await names(engine) != ["not-ours", "shop-web-1", "shop-web-2"] or left in await ids(engine):  # noqa: ASYNC110
                await asyncio.sleep(0)
        running.cancel()
    assert await ids(engine) == {other}


def test_a_wrong_file_is_refused_before_anything_runs(tmp_path):
    path = tmp_path / "compose.yaml"
    path.write_text("services: {web: {}}\n")
    with pytest.raises(ConfigError):
        Stack.read(FakeEngine(), str(path))


async def ids(engine):
    return {each.id for each in await engine.list()}


GROUND = """\
name: shop
services:
  web: {image: web:1, networks: [front], volumes: ["data:/d"]}
networks: {front: {driver: overlay}}
volumes: {data: {driver: fast}}
"""


async def test_networks_and_volumes_are_there_before_the_containers_and_volumes_stay(tmp_path):
    path = tmp_path / "compose.yaml"
    path.write_text(GROUND)
    engine = FakeEngine()
    async with Tasks("test") as tasks:
        running = tasks.spawn("stack", Stack.read(engine, str(path), engine).run())
        async with asyncio.timeout(10):
            while not await names(engine):  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert ("shop_front", "bridge") in [(each.name, each.driver) for each in await engine.networks()]
        running.cancel()
    assert "shop_front" not in [each.name for each in await engine.networks()]
    assert [(each.name, each.driver) for each in await engine.volumes()] == [("shop_data", "fast")]


async def test_without_what_somebody_else_has_to_make_nothing_runs(tmp_path):
    path = tmp_path / "compose.yaml"
    path.write_text(GROUND.replace("driver: overlay", "external: true"))
    engine = FakeEngine()
    with pytest.raises(EngineError) as caught:
        await Stack.read(engine, str(path), engine).run()
    assert [problem.code for problem in caught.value.problems] == ["T1182"]
    assert await names(engine) == []


def test_what_a_local_process_does_without_is_told(tmp_path, caplog):
    path = tmp_path / "compose.yaml"
    path.write_text(GROUND)
    Stack.read(FakeEngine(), str(path))
    assert "T1124" in caplog.text

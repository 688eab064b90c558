import asyncio
import json
import os

import pytest

from tests.support.registry import registry
from tidegate.engine import docker_images
from tidegate.engine.docker import DockerEngine
from tidegate.engine.logins import Logins
from tidegate.errors import EngineError, NoSuchThing

pytestmark = pytest.mark.system

DEADLINE = 30.0


@pytest.fixture
async def engine(docker_engine_url):
    engine = DockerEngine(docker_engine_url)
    try:
        yield engine
    finally:
        await engine.close()


@pytest.fixture
async def shop():
    async with registry() as made:
        yield made


async def steps(engine, name):
    async with asyncio.timeout(DEADLINE):
        return [step async for step in engine.pull(name)]


async def failure(engine, name):
    with pytest.raises(EngineError) as caught:
        await steps(engine, name)
    return caught.value.problems[0]


async def test_an_image_is_fetched_layer_by_layer(engine, shop):
    name = shop.put("shop/web", f"v{os.getpid()}", layers=(os.urandom(300_000), os.urandom(500_000)))
    told = await steps(engine, name)
    assert told[0].layers_done == 0
    assert (told[-1].layers_done, told[-1].layers) == (2, 2)
    assert told[-1].done_bytes == told[-1].total_bytes > 0
    image = await engine.image(name)
    assert image.id.startswith("sha256:")
    assert image.digests[0].startswith(f"{shop.host}/shop/web@sha256:")
    assert await engine.image(image.id) == type(image)(id=image.id, name=image.id, digests=image.digests)
    await engine.remove_image(name)


async def test_an_image_is_fetched_by_its_digest(engine, shop):
    name = shop.put("shop/pinned", "v1", layers=(os.urandom(1000),))
    await steps(engine, name)
    by_digest = (await engine.image(name)).digests[0]
    await engine.remove_image(name)
    await steps(engine, by_digest)
    assert (await engine.image(by_digest)).digests == (by_digest,)
    await engine.remove_image(by_digest)


async def test_progress_is_told_while_the_registry_sends(engine, shop):
    name = shop.put("shop/slow", f"v{os.getpid()}", layers=(os.urandom(4_000_000),))
    shop.stall.clear()
    stalled = None
    async with asyncio.timeout(DEADLINE):
        async for step in engine.pull(name):
            if step.done_bytes and stalled is None:
                stalled = step
                shop.stall.set()
    assert 0 < stalled.done_bytes < stalled.total_bytes
    assert step.done_bytes == step.total_bytes
    await engine.remove_image(name)


async def test_an_image_that_the_engine_does_not_hold_is_said(engine):
    with pytest.raises(NoSuchThing) as caught:
        await engine.image("tidegate-test/nowhere:v1")
    (problem,) = caught.value.problems
    assert problem.code == "T1150"
    assert "tidegate-test/nowhere:v1" in problem.text


async def test_a_registry_without_the_tag_is_a_failure_with_its_words(engine, shop):
    problem = await failure(engine, f"{shop.host}/shop/web:none")
    assert problem.code == "T1151"
    assert "manifest unknown" in problem.cause
    assert shop.host in problem.text
    with pytest.raises(EngineError) as caught:
        await engine.latest(f"{shop.host}/shop/web:none")
    assert caught.value.problems[0].code == "T1151"


async def test_a_name_is_asked_for_what_it_stands_for_now_and_nothing_is_fetched(engine, shop):
    name = shop.put("shop/moved", "v1", layers=(b"one",))
    first = await engine.latest(name)
    shop.put("shop/moved", "v1", layers=(b"two",))
    assert first != await engine.latest(name)
    assert await engine.latest(f"{name}@{first}") == first
    with pytest.raises(NoSuchThing):
        await engine.image(name)


async def test_a_registry_that_asks_for_a_login_is_a_failure(engine):
    async with registry(user="me", password="secret") as closed:
        problem = await failure(engine, closed.put("shop/web", "v1"))
    assert problem.code == "T1151"
    assert "login" in problem.mend


def written(_folder, host, password):
    """The file with the login in it."""
    return {"auths": {host: {"username": "me", "password": password}}}


def helped(folder, host, password):
    """The file with a program that knows the login: a real one, asked as Docker's command asks it."""
    program = folder / "docker-credential-x"
    program.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = get ] && [ "$(cat)" = "{host}" ] || {{ echo credentials not found in native keychain; exit 1; }}\n'
        f'echo \'{{"ServerURL":"{host}","Username":"me","Secret":"{password}"}}\'\n'
    )
    program.chmod(0o755)
    return {"credHelpers": {host: "x"}}


@pytest.mark.parametrize("login", [written, helped])
async def test_a_login_is_sent_for_the_registry_that_asks_for_one(
    docker_engine_url, tmp_path, caplog, monkeypatch, login
):
    caplog.set_level("DEBUG")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with registry(user="me", password="swordfish") as closed:
        name = closed.put("shop/closed", f"v{os.getpid()}-{login.__name__}", layers=(os.urandom(1000),))
        (tmp_path / "config.json").write_text(json.dumps(login(tmp_path, closed.host, "swordfish")))
        engine = DockerEngine(docker_engine_url, logins=Logins(tmp_path / "config.json"))
        await steps(engine, name)
        assert (await engine.image(name)).name == name
        assert f"{closed.host}/shop/closed@{await engine.latest(name)}" in (await engine.image(name)).digests
        await engine.remove_image(name)
        (tmp_path / "config.json").write_text(json.dumps(login(tmp_path, closed.host, "other")))
        problem = await failure(engine, name)
        await engine.close()
    assert problem.code == "T1151"
    assert "swordfish" not in f"{problem} {caplog.text}"


async def test_a_registry_that_is_not_there_is_a_failure(engine):
    problem = await failure(engine, "127.0.0.1:9/shop/web:v1")
    assert problem.code == "T1151"
    assert "127.0.0.1:9" in problem.cause


async def test_a_registry_that_falls_silent_is_a_failure(engine, shop, monkeypatch):
    monkeypatch.setattr(docker_images, "SILENCE_SECONDS", 1.0)
    name = shop.put("shop/silent", f"v{os.getpid()}", layers=(os.urandom(4_000_000),))
    shop.stall.clear()
    problem = await failure(engine, name)
    assert problem.code == "T1151"
    assert "nothing was heard" in problem.cause


async def test_what_is_no_name_is_not_asked_for(engine):
    assert (await failure(engine, "no name at all")).code == "T1157"

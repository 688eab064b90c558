from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

import pytest

from tests.support.cli import DEADLINE
from tidegate.cli import demo_stage
from tidegate.cli.demo_stage import Ports, Stage, choose_ports, docker_answers
from tidegate.engine.docker import DockerEngine
from tidegate.engine.port import ContainerSpec
from tidegate.errors import EngineError, TidegateError
from tidegate.example import image

PORTS = Ports(http=8080, dns=5353, admin=9900)


@pytest.fixture
def stage():
    made = Stage(PORTS, "")
    yield made
    made.close()


def child(stage, code):
    """Let the stage believe that `code` is its tidegate serve."""
    stage._child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    return stage._child


def test_a_usual_port_is_taken_when_it_is_free(monkeypatch):
    monkeypatch.setattr(demo_stage, "USUAL", {"http": 0, "dns": 0, "admin": 0})
    assert choose_ports() == Ports(http=0, dns=0, admin=0)


def test_a_taken_port_is_moved_and_told(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(demo_stage, "USUAL", {"http": port, "dns": port, "admin": port})
        found = choose_ports()
    assert port not in (found.http, found.dns, found.admin)
    assert found.moved[0] == f"port {port} is taken: http listens on {found.http}"
    assert len(found.moved) == 3


def test_a_port_that_was_asked_for_is_kept():
    assert choose_ports(18080).http == 18080


def test_nobody_at_the_socket_is_no_docker(tmp_path):
    assert not docker_answers(f"unix://{tmp_path}/docker.sock")


def test_the_child_is_told_its_ports_and_nothing_of_our_own_settings(stage, monkeypatch):
    monkeypatch.setenv("TIDEGATE_WORKERS", "9")
    arguments, environ = stage._arguments(), stage._environment()
    assert arguments[1:4] == ["-m", "tidegate", "serve"]
    assert "--no-docker" in arguments
    assert "TIDEGATE_WORKERS" not in environ
    assert (environ["DEMO_HTTP_PORT"], environ["DEMO_DNS_PORT"]) == ("8080", "5353")


def test_the_services_command_is_found_first_on_the_path(stage):
    stage._write_service_command()
    done = subprocess.run(
        [image.COMMAND],
        env=stage._environment() | {"PORT": "x"},
        check=False,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert "invalid literal for int" in done.stderr


def test_a_child_that_ends_is_a_fault_with_the_end_of_its_log(stage):
    stage.log.write_text("one\ntwo\n")
    child(stage, "raise SystemExit(3)").wait(DEADLINE)
    with pytest.raises(TidegateError, match="ended with code 3") as error:
        stage.check()
    assert "two" in error.value.problems[0].cause


def test_closing_ends_the_child_and_removes_the_folder(stage):
    running = child(stage, "import time; print(1, flush=True); time.sleep(60)")
    running.stdout.readline()
    assert stage.close() == ()
    assert running.poll() is not None
    assert not stage.folder.exists()
    assert stage.close() == ()


def test_a_child_that_does_not_stop_is_killed_and_told(stage, monkeypatch):
    monkeypatch.setattr(demo_stage, "STOP_SECONDS", 0.2)
    code = "import signal,time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    running = child(stage, code)
    running.stdout.readline()
    assert "was killed" in stage.close()[0]
    assert running.poll() == -9


@pytest.mark.system
def test_on_docker_the_image_is_made_and_leftovers_are_cleared(docker_engine_url):
    stage = Stage(PORTS, docker_engine_url)
    try:
        asyncio.run(_leave_behind(docker_engine_url, "999999999"))
        stage._imported = asyncio.run(demo_stage._with_engine(docker_engine_url, demo_stage._prepare))
        assert asyncio.run(demo_stage._with_engine(docker_engine_url, _owners)) == []
        asyncio.run(_leave_behind(docker_engine_url, str(os.getpid())))
    finally:
        assert stage.close() == ()
    assert asyncio.run(demo_stage._with_engine(docker_engine_url, _owners)) == []


@pytest.mark.system
def test_on_docker_a_running_demo_is_not_disturbed(docker_engine_url):
    other = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", "tidegate"], stdin=subprocess.PIPE)
    try:
        asyncio.run(_leave_behind(docker_engine_url, str(other.pid)))
        with pytest.raises(EngineError, match=f"another demo is running, as process {other.pid}"):
            asyncio.run(demo_stage._with_engine(docker_engine_url, demo_stage._prepare))
    finally:
        other.communicate(timeout=DEADLINE)
        asyncio.run(demo_stage._with_engine(docker_engine_url, _clear_all))


async def _leave_behind(url, owner):
    async def work(engine: DockerEngine):
        if not await engine.has_image(image.NAME):
            await engine.import_image(image.NAME, image.filesystem())
        spec = ContainerSpec(
            name=f"cli-demo-left-{owner}", image=image.NAME, command=("true",), labels={demo_stage.OWNER_LABEL: owner}
        )
        await engine.create(spec)

    await demo_stage._with_engine(url, work)


async def _owners(engine):
    return [owner for each in await engine.list() if (owner := each.labels.get(demo_stage.OWNER_LABEL))]


async def _clear_all(engine):
    await demo_stage._clear(engine, remove_image=True)

"""Processes die and generations change under load: traffic goes on, and everything is whole again by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from tests.support.containers import containers
from tests.support.load import Load
from tests.support.serve import running, until
from tidegate.tasks import Tasks

pytestmark = pytest.mark.system

HOST = "web.example.test"
LABELS = {"aliyun.routing.port_80": f"http://{HOST}", "tidegate.service": "shop/web"}


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_killed_worker_costs_at_most_what_it_had_in_flight_and_is_replaced(box, tmp_path, say, workers):
    await box.serve("one", LABELS)
    async with running(tmp_path, docker=box.url, workers=workers) as tidegate:
        await tidegate.answers(HOST)
        before = tidegate.pids()
        async with Load(tidegate.http, HOST, forgive_closed=True) as load:
            await load.more(100)
            killed = time.monotonic()
            os.kill(before["worker-0"], signal.SIGKILL)
            await until(lambda: tidegate.pids()["worker-0"] != before["worker-0"], what="a new worker")
            await until(tidegate.is_ready, what="the new worker follows")
            whole = time.monotonic()
            await load.more(200)
        after = tidegate.pids()
    say(f"kill -9 of 1 of {workers} workers: whole after {whole - killed:.2f} s; {load.told()}")
    assert all(each.failure.startswith("cut") and each.began <= killed for each in load.failures), load.failures
    assert len(load.failures) <= 2
    assert after == before | {"worker-0": after["worker-0"]}


async def test_traffic_goes_on_without_control_which_comes_back_and_follows_what_it_missed(box, tmp_path, say):
    first = await box.serve("one", LABELS)
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await tidegate.answers(HOST)
        before = tidegate.pids()
        async with Load(tidegate.http, HOST) as load:
            await load.more(100)
            killed = time.monotonic()
            os.kill(before["control"], signal.SIGKILL)
            await box.serve("two", LABELS)
            await load.met(lambda: load.who()["two"] > 50)
            followed = time.monotonic()
            await until(tidegate.is_ready, what="control is back")
            await box.docker("stop", first)
            stopped = time.monotonic()
            await load.more(200)
        after = tidegate.pids()
    say(f"kill -9 of control: new container served {followed - killed:.2f} s later; {load.told()}")
    assert not load.failures
    assert set(load.who(since=stopped)) == {"two"}
    assert after == before | {"control": after["control"]}
    assert after["control"] != before["control"]


async def test_traffic_goes_on_without_dockerd_and_routes_follow_again_when_it_is_back(killable_engine, tmp_path, say):
    async with containers(killable_engine.url) as box:
        await box.serve("one", LABELS)
        async with running(tmp_path, docker=box.url) as tidegate:
            await tidegate.answers(HOST)
            async with Load(tidegate.http, HOST) as load:
                await load.more(100)
                killable_engine.kill()
                await until(lambda: _is_stale(tidegate), what="the status says that the engine is away")
                assert "out of sight" in (await tidegate.cli("status")).out
                await load.more(200)
                await asyncio.to_thread(killable_engine.start)
                back = time.monotonic()
                await box.serve("two", LABELS)
                await load.met(lambda: load.who()["two"] > 20)
                followed = time.monotonic()
                assert not await _is_stale(tidegate)
        say(f"kill -9 of dockerd: a new container served {followed - back:.2f} s after it was back; {load.told()}")
        assert not load.failures


async def test_a_cold_start_without_docker_serves_the_remembered_table(killable_engine, tmp_path, say):
    async with containers(killable_engine.url) as box:
        name = await box.serve("one", LABELS)
        address = await box.address(name)
        async with running(tmp_path, docker=box.url) as tidegate:
            await tidegate.answers(HOST)
        killable_engine.kill()
        async with running(tmp_path, docker=box.url, ready=False) as again:
            assert (await again.answers(HOST)).startswith(b"one")
            status = await again.api("/v1/status")
            assert not status["ready"]
            assert status["waiting_for"]
            assert (await again.get("/readyz"))[0] == 503
            assert address in (await again.cli("resolve", "web.mesh.internal")).out
            await asyncio.to_thread(killable_engine.start)
            await until(again.is_ready, what="ready when Docker is back")
            assert (await again.request(HOST))[0] == 200
        say("cold start with dockerd down: routes and names from the remembered table")


async def test_sigterm_finishes_what_is_in_flight_then_ends(box, tmp_path, say):
    await box.serve("one", LABELS)
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await tidegate.answers(HOST)
        async with Load(tidegate.http, HOST, forgive_closed=True) as load, Tasks("slow") as tasks:
            await load.more(100)
            slow = tasks.spawn("slow", tidegate.request(HOST, "/slow/2"))
            await load.more(20)
            told = time.monotonic()
            tidegate.process.send_signal(signal.SIGTERM)
            await load.met(lambda: any(each.failure == "refused" for each in load.answers))
            assert not slow.done()
            status, body = await slow
            assert await tidegate.ended() == 0
            ended = time.monotonic()
    early = [each for each in load.failures if each.began < told - 0.1]
    late = [each for each in load.failures if each.began >= told]
    say(f"SIGTERM: ended after {ended - told:.2f} s, {len(late)} refused after it; {load.told()}")
    assert (status, body.split(b"\n")[0]) == (200, b"one")
    assert not early
    assert {each.failure for each in late} == {"refused"}


async def test_sighup_brings_a_new_generation_and_fails_no_request(box, tmp_path, say):
    await box.serve("one", LABELS)
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await tidegate.answers(HOST)
        before = tidegate.pids()
        async with Load(tidegate.http, HOST, forgive_closed=True) as load, Tasks("slow") as tasks:
            await load.more(100)
            slow = tasks.spawn("slow", tidegate.request(HOST, "/slow/2"))
            await load.more(20)
            tidegate.process.send_signal(signal.SIGHUP)
            await until(lambda: not set(before.values()) & set(tidegate.pids().values()), what="all are new")
            await until(tidegate.is_ready, what="the new generation is ready")
            await until(lambda: not any(map(_is_alive, before.values())), what="the old generation is gone")
            await box.serve("two", LABELS)
            await load.met(lambda: load.who()["two"] > 20)
            assert (await slow)[0] == 200
        assert (await tidegate.cli("--admin", f"unix:{tmp_path}/state/admin.sock", "status")).code == 0
    say(f"SIGHUP: {load.told()}")
    assert not load.failures


async def _is_stale(tidegate):
    return any(each["stale"] for each in (await tidegate.api("/v1/status"))["providers"])


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

"""What an operator changes at run time, through the command line, on real containers under load."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.support.load import Load
from tests.support.serve import running, until
from tidegate.tasks import Tasks

pytestmark = pytest.mark.system

HOST = "web.example.test"
SERVICE = "shop/web"
SAMPLE = 1000


def labels(version):
    return {
        "aliyun.routing.port_80": f"http://{HOST}",
        "tidegate.service": SERVICE,
        "tidegate.version": version,
        "tidegate.weight": "100" if version == "v1" else "0",
    }


async def two_versions(box):
    for version in ("v1", "v2"):
        await box.serve(version, labels(version))


async def shifted(tidegate, load, say, v1, v2):
    """Shift, then check when it took effect and how the next requests were split."""
    asked = time.monotonic()
    await tidegate.cli("shift", SERVICE, f"v1={v1}", f"v2={v2}", "--wait")
    returned = time.monotonic()
    await load.more(SAMPLE)
    split = load.who(since=returned)
    share = 100 * split["v2"] / split.total()
    wrong = "v1" if v2 == 100 else "v2" if v1 == 100 else ""
    last = max((each.began for each in load.answers if each.who == wrong and each.began > asked), default=asked)
    say(f"{v1}/{v2}: v2 got {share:.1f} % of {split.total()}; last stray {last - asked:.3f} s after the command began")
    assert abs(share - v2) <= 2
    assert last <= returned
    assert last - asked < 1.0


@pytest.mark.parametrize("workers", [1, 2])
async def test_shift_moves_traffic_between_versions_at_once_and_exactly_and_survives_a_restart(
    box, tmp_path, say, workers
):
    await two_versions(box)
    async with running(tmp_path, docker=box.url, workers=workers) as tidegate:
        await tidegate.answers(HOST)
        await until(lambda: _healthy(tidegate, 2))
        async with Load(tidegate.http, HOST, rate=400) as load:
            await load.more(100)
            assert set(load.who()) == {"v1"}
            await shifted(tidegate, load, say, 50, 50)
            await shifted(tidegate, load, say, 0, 100)
        say(f"{workers} workers: {load.told()}")
        assert not load.failures
    async with running(tmp_path, docker=box.url, workers=workers) as again, Load(again.http, HOST) as load:
        await load.met(lambda: load.who().total() >= 200)
    assert not load.failures
    assert set(load.who()) == {"v2"}


async def test_a_drained_endpoint_gets_no_new_request_until_it_is_undrained(box, tmp_path, say):
    for short in ("one", "two"):
        await box.serve(short, labels("v1"))
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await tidegate.answers(HOST)
        await until(lambda: _healthy(tidegate, 2))
        async with Load(tidegate.http, HOST) as load:
            await load.more(50)
            await tidegate.cli("drain", box.name("one"), "--wait")
            drained = time.monotonic()
            await load.more(200)
            back = time.monotonic()
            await tidegate.cli("undrain", box.name("one"), "--wait")
            await load.more(100)
            assert set(load.who(since=drained, until=back)) == {"two"}
            await load.met(lambda: load.who(since=back)["one"] > 20)
    say(f"drain and undrain: {load.told()}")
    assert not load.failures


async def test_held_requests_wait_and_are_all_released(box, tmp_path, say):
    await box.serve("one", labels("v1"))
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await tidegate.answers(HOST)
        async with Load(tidegate.http, HOST, rate=100) as load:
            await load.more(20)
            await tidegate.cli("hold", SERVICE, "--wait")
            held = time.monotonic()
            await until(lambda: _waiting(tidegate, 50), what="50 requests wait")
            assert not load.who(since=held)
            await tidegate.cli("hold", SERVICE, "--off", "--wait")
            released = time.monotonic()
            await load.more(20)
            assert load.who(since=held, until=released).total() >= 50
    say(f"hold: {load.told()}")
    assert not load.failures


async def test_maintenance_answers_503_with_its_message_until_it_is_taken_off(box, tmp_path):
    await box.serve("one", labels("v1"))
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        await tidegate.cli("maint", HOST, "--message", "back at noon", "--wait")
        status, body = await tidegate.request(HOST)
        assert status == 503
        assert b"back at noon" in body
        await tidegate.cli("maint", HOST, "--off", "--wait")
        assert (await tidegate.request(HOST))[0] == 200


async def test_a_request_in_flight_to_a_drained_container_is_finished(box, tmp_path):
    await box.serve("one", labels("v1"))
    await box.serve("two", labels("v1"))
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        await until(lambda: _healthy(tidegate, 2))
        async with Tasks("slow") as tasks:
            slow = [tasks.spawn("slow", tidegate.request(HOST, "/slow/2")) for _ in range(2)]
            await until(lambda: _in_flight(tidegate, 2), what="both are in flight")
            await tidegate.cli("drain", box.name("one"), "--wait")
            answers = await asyncio.gather(*slow)
        assert sorted(body.split(b"\n")[0] for _, body in answers) == [b"one", b"two"]


async def _healthy(tidegate, count):
    endpoints = (await tidegate.api("/v1/endpoints"))["endpoints"]
    return sum(each["state"] == "healthy" for each in endpoints) == count


async def _metric(tidegate, name):
    _, body = await tidegate.get("/metrics")
    return sum(float(line.split()[-1]) for line in body.decode().splitlines() if line.startswith(name))


async def _waiting(tidegate, count):
    return await _metric(tidegate, "tidegate_router_held_requests") >= count


async def _in_flight(tidegate, count):
    return await _metric(tidegate, "tidegate_router_service_in_flight{") >= count

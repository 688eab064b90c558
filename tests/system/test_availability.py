"""Containers come, go and are wrong under a constant load of 200 requests a second, and no request fails."""

from __future__ import annotations

import time

import pytest

from tests.support.load import Load
from tests.support.serve import running, until

pytestmark = pytest.mark.system

HOST = "web.example.test"
ROUTE = {"aliyun.routing.port_80": f"http://{HOST}"}
ONE_SERVICE = {**ROUTE, "tidegate.service": "shop/web"}


@pytest.mark.parametrize("workers", [1, 2])
async def test_docker_stop_of_one_of_two_replicas_under_load_fails_no_request(box, tmp_path, say, workers):
    first = await box.serve("one", ONE_SERVICE)
    await box.serve("two", ONE_SERVICE)
    async with running(tmp_path, docker=box.url, workers=workers) as tidegate:
        await tidegate.answers(HOST)
        async with Load(tidegate.http, HOST) as load:
            await load.met(lambda: set(load.who()) == {"one", "two"})
            await load.more(200)
            await box.docker("stop", first)
            stopped = time.monotonic()
            await load.more(300)
    say(f"docker stop, {workers} workers: {load.told()}")
    assert not load.failures
    assert set(load.who(since=stopped)) == {"two"}


async def test_a_replica_whose_port_opens_three_seconds_later_fails_no_request_and_then_gets_its_share(
    box, tmp_path, say
):
    await box.serve("one", ONE_SERVICE)
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        async with Load(tidegate.http, HOST) as load:
            await load.more(50)
            started = time.monotonic()
            await box.serve("late", ONE_SERVICE, wait=3.0)
            await load.met(lambda: load.who()["late"] > 0)
            joined = time.monotonic()
            await load.more(200)
    share = load.who(since=joined)
    say(f"late port: first answer after {joined - started:.2f} s, then {dict(share)}; {load.told()}")
    assert not load.failures
    assert joined - started > 3.0
    assert abs(share["late"] / share.total() - 0.5) < 0.05


async def test_a_malformed_label_beside_a_good_one_fails_no_request_and_is_explained(box, tmp_path, say):
    await box.serve("good", ONE_SERVICE)
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        async with Load(tidegate.http, HOST) as load:
            await load.more(50)
            labels = {"aliyun.routing.port_80": "http://web.example.test:99/x?y", "tidegate.service": "shop/web"}
            bad = await box.serve("bad", labels)
            explained = await _explained(tidegate, bad, "aliyun.routing.port_80")
            await load.more(200)
    say(f"malformed label: {load.told()}")
    assert not load.failures
    assert set(load.who()) == {"good"}
    assert bad in explained


async def test_a_conflicting_claim_of_another_project_fails_no_request_and_names_both(box, tmp_path, say):
    def labels(project):
        return {**ROUTE, "com.docker.compose.project": project, "com.docker.compose.service": "web"}

    first = await box.serve("first", labels("shop"))
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        async with Load(tidegate.http, HOST) as load:
            await load.more(50)
            second = await box.serve("second", labels("pirate"))
            explained = await _explained(tidegate, second, HOST)
            await load.more(200)
        by_url = (await tidegate.cli("explain", f"http://{HOST}/")).out
    say(f"conflicting claim: {load.told()}")
    assert not load.failures
    assert set(load.who()) == {"first"}
    for text in (explained, by_url):
        assert first in text
        assert second in text
        assert "shop" in text
        assert "pirate" in text


async def test_with_nobody_ready_requests_wait_for_the_next_replica(box, tmp_path, say):
    only = await box.serve("one", ONE_SERVICE)
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        async with Load(tidegate.http, HOST, rate=50) as load:
            await load.more(50)
            await box.docker("stop", only)
            await box.serve("next", ONE_SERVICE)
            await load.met(lambda: load.who()["next"] > 20)
    say(f"replaced the only one: {load.told()}")
    assert not load.failures


async def _explained(tidegate, name, *words):
    """The text of `tidegate explain NAME` once it has all of the words."""

    async def asked():
        problems = (await tidegate.api("/v1/problems"))["problems"]
        if not any(name in str(each) for each in problems):
            return None
        text = (await tidegate.cli("explain", name)).out
        return text if all(word in text for word in words) else None

    return await until(asked, what=f"explain {name}")

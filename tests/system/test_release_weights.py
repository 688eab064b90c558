"""Two versions of a service on a real engine, met from outside and by other containers that call it by name: the same shares, and
none before its release."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.load import Load
from tests.support.serve import running, until

pytestmark = pytest.mark.system

HOST = "web.example.test"
SERVICE = "shop/web"
NAME = "web.shop.mesh.internal"
SAMPLE = 600
CALLS = 100


def labels(version, mode):
    wants = {"tidegate.release.strategy": "canary"} if version == "v2" else {}
    return wants | {
        "tidegate.service": SERVICE,
        "tidegate.version": version,
        "tidegate.routing.port_80": HOST,
        "tidegate.port": "80",
        "tidegate.dns": mode,
    }


@pytest.mark.parametrize("mode", ["direct", "one", "proxy"])
async def test_a_new_version_gets_nothing_before_its_release_and_then_the_same_share_inside_as_outside(
    box, tmp_path, say, mode
):
    gateway = await box.gateway("bridge")
    for short in ("old1", "old2"):
        await box.serve(short, labels("v1", mode))
    async with running(tmp_path, docker=box.url, workers=2, dns=(gateway, 53), http_host=gateway) as tidegate:
        await until(lambda: _healthy(tidegate, 2), what="the old version is healthy")
        options = ("--dns", gateway, "--dns-search", ".", "--label=tidegate.enable=false")
        caller = await box.serve("caller", options=options)
        url = f"http://{NAME}:{tidegate.http[1]}/" if mode == "proxy" else f"http://{NAME}/"
        async with Load(tidegate.http, HOST, rate=500) as load:
            await box.serve("new", labels("v2", mode))
            await until(lambda: _healthy(tidegate, 3), what="the new version is healthy")
            await load.more(SAMPLE)
            assert "new" not in load.who()
            assert "new" not in await _called(box, caller, url)
            for share in (10, 50, 100, 0):
                await tidegate.cli("shift", SERVICE, f"v1={100 - share}", f"v2={share}", "--wait")
                since = load.answers[-1].ended if share in (100, 0) else 0.0
                outside, inside = await _outside(load, since), await _called(box, caller, url)
                say(f"{mode} {share} %: outside {_share(outside):.1f} %, inside {_share(inside):.1f} %")
                assert abs(_share(outside) - share) <= 2
                assert abs(_share(inside) - share) <= 2
        say(f"{mode}: {load.told()}")
        assert not load.failures


async def test_the_waiting_version_gets_nothing_while_the_serving_one_is_restarted(box, tmp_path, say):
    await box.serve("old", labels("v1", "direct"))
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await tidegate.answers(HOST)
        await box.serve("new", labels("v2", "direct"))
        await until(lambda: _healthy(tidegate, 2), what="both are healthy")
        async with Load(tidegate.http, HOST, rate=50) as load:
            await load.more(50)
            await box.docker("restart", box.name("old"))
            await load.more(100)
        say(f"restart: {load.told()}")
        assert not load.failures
        assert set(load.who()) == {"old"}


async def _outside(load, since):
    """Who answered the next requests, on kept connections."""
    before = len(load.answers)
    await load.met(lambda: sum(each.began > since for each in load.answers[before:]) >= SAMPLE)
    return Counter(each.who for each in load.answers[before:] if each.began > since)


async def _called(box, container, url):
    """Who answered calls from within a container, each of which asks for the name anew."""
    shell = f"i=0; while [ $i -lt {CALLS} ]; do wget -q -O - {url} | {{ read name; echo $name; }}; i=$((i+1)); done"
    return Counter((await box.execute(container, "sh", "-c", shell)).split())


def _share(found):
    return 100 * found["new"] / found.total()


async def _healthy(tidegate, count):
    endpoints = (await tidegate.api("/v1/endpoints"))["endpoints"]
    return len(endpoints) == count and {each["state"] for each in endpoints} == {"healthy"}

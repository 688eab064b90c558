"""What a container says of its own health decides whether it gets traffic."""

from __future__ import annotations

import time

import pytest

from tests.support.load import Load
from tests.support.serve import running, until

pytestmark = pytest.mark.system

HOST = "web.example.test"
LABELS = {"aliyun.routing.port_80": f"http://{HOST}", "tidegate.service": "shop/web"}
QUICK = {"tidegate.probe.interval_seconds": "0.2", "tidegate.probe.fall": "2"}
PROBES = {
    "command": {"tidegate.probe.cmd": "/bin/busybox test ! -e /tmp/sick", **QUICK},
    "http": {"tidegate.probe.url": "http://container/healthz", **QUICK},
}
ENGINE = (
    *("--health-cmd", "/bin/busybox test ! -e /tmp/sick"),
    *("--health-interval", "1s", "--health-retries", "1", "--health-start-period", "0s"),
)


@pytest.mark.parametrize("kind", ["command", "http", "engine"])
async def test_a_container_that_falls_sick_gets_no_traffic_until_it_is_well(box, tmp_path, say, kind):
    options = ENGINE if kind == "engine" else ()
    labels = {**LABELS, **PROBES.get(kind, {})}
    sick = await box.serve("one", labels, options=options)
    await box.serve("two", labels, options=options)
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        async with Load(tidegate.http, HOST) as load:
            await load.met(lambda: set(load.who()) == {"one", "two"})
            await box.execute(sick, "touch", "/tmp/sick")
            await until(lambda: _states(tidegate, "one", "unhealthy"), what="one is unhealthy")
            told = time.monotonic()
            await load.more(100)
            well = time.monotonic()
            await box.execute(sick, "rm", "/tmp/sick")
            await until(lambda: _states(tidegate, "one", "healthy"), what="one is healthy again")
            await load.met(lambda: load.who(since=well)["one"] > 20)
    without = load.who(since=told + 0.05, until=well)
    say(f"{kind}: while one was sick {dict(without)}; in all {load.told()}")
    assert set(without) == {"two"}
    assert not load.failures


@pytest.mark.parametrize("kind", ["command", "engine"])
async def test_a_new_container_gets_no_traffic_before_its_first_good_check(box, tmp_path, kind):
    check = "/bin/busybox test -e /tmp/ready"
    labels = {**LABELS, "tidegate.probe.cmd": check, **QUICK} if kind == "command" else LABELS
    options = ("--health-cmd", check, "--health-interval", "1s") if kind == "engine" else ()
    await box.serve("old", LABELS)
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)
        async with Load(tidegate.http, HOST) as load:
            new = await box.serve("new", labels, options=options)
            await until(lambda: _states(tidegate, "new", "starting", "unhealthy"), what="new is known")
            await load.more(100)
            assert set(load.who()) == {"old"}
            await box.execute(new, "touch", "/tmp/ready")
            await load.met(lambda: load.who()["new"] > 10)
    assert not load.failures


async def _states(tidegate, name, *states):
    endpoints = (await tidegate.api("/v1/endpoints"))["endpoints"]
    return [each["state"] for each in endpoints if each["name"].endswith(f"-{name}") and each["state"] in states]

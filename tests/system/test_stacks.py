"""A stack from `tidegate up` to `tidegate down` on a real engine."""

from __future__ import annotations

import json

import pytest

from tests.support.containers import PYTHON, PYTHON_PATH, SERVER
from tests.support.load import Load
from tests.support.serve import running, until

pytestmark = pytest.mark.system

HOST = "web.example.test"


def compose(image):
    """Two services: one with a route, which needs the other one."""
    command = [PYTHON_PATH, "-S", "-c", SERVER.replace("$", "$$"), "stacked", "80", "0"]
    return json.dumps(
        {
            "name": "tgstack",
            "services": {
                "web": {
                    "image": image,
                    "command": command,
                    "labels": {
                        "aliyun.routing.port_80": f"http://{HOST}",
                        "aliyun.scale": "2",
                        "tidegate.probe.url": "http://container/healthz",
                    },
                    "depends_on": {"db": {"condition": "service_healthy"}},
                    "deploy": {"update_config": {"monitor": "1s", "parallelism": 3}},
                },
                "db": {
                    "image": PYTHON,
                    "command": ["/bin/sh", "-c", "echo the database is up; exec /bin/busybox sleep 3600"],
                    "stop_grace_period": "1s",
                },
            },
        }
    )


async def left(box):
    """Names of the stack's containers and networks on the engine."""
    containers = await box.docker("ps", "-a", "--format", "{{.Names}}", "--filter", "label=io.tidegate.place")
    networks = await box.docker("network", "ls", "--format", "{{.Name}}", "--filter", "name=tgstack")
    return sorted([*containers.split(), *networks.split()])


async def test_a_stack_comes_up_answers_scales_is_renewed_under_load_and_leaves_nothing(box, tmp_path, say):
    await box.docker("tag", PYTHON, "tidegate-test/web:v2")
    file = tmp_path / "compose.yaml"
    file.write_text(compose(PYTHON))
    try:
        async with running(tmp_path, docker=box.url, workers=2) as tidegate:
            up = await tidegate.cli("up", "-f", str(file))
            say(up.err.replace("\n", " / "))
            await tidegate.answers(HOST)
            assert await left(box) == ["tgstack-db-1", "tgstack-web-1", "tgstack-web-2", "tgstack_default"]
            await tidegate.cli("scale", "web=3")
            assert len(await left(box)) == 5
            assert "nothing to do" in (await tidegate.cli("plan", "-f", str(file))).out
            assert "db-1 | the database is up" in (await tidegate.cli("logs", "db")).out
            file.write_text(compose("tidegate-test/web:v2"))
            async with Load(tidegate.http, HOST, rate=100) as load:
                await load.more(50)
                await tidegate.cli("up", "-f", str(file), "--no-wait")
                await until(lambda: settled(tidegate), 120.0, "the new version is in place")
                await load.more(50)
            say(load.told())
            assert not load.failures
            found = await box.docker("ps", "--format", "{{.Image}}", "--filter", "label=io.tidegate.place")
            assert sorted(found.split()) == [PYTHON, *["tidegate-test/web:v2"] * 3]
            await tidegate.cli("down", "tgstack")
            assert await left(box) == []
            assert (await tidegate.api("/v1/stacks"))["stacks"] == []
            await until(lambda: gone(tidegate), what="the route is gone")
    finally:
        for name in await left(box):
            await box.docker("rm", "-f", name, check=False)
        await box.docker("rmi", "tidegate-test/web:v2", check=False)


async def settled(tidegate):
    return (await tidegate.api("/v1/stacks/tgstack"))["state"] == "settled"


async def gone(tidegate):
    return not (await tidegate.api("/v1/endpoints"))["endpoints"]

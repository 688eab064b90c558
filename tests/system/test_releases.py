"""Releases as an operator asks for them, through the API, on real containers under load."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.support.containers import PYTHON
from tests.support.load import Load
from tests.support.serve import running, until

pytestmark = pytest.mark.system

HOST = "web.example.test"
SERVICE = "shop/web"


def labels(version):
    return {
        "aliyun.routing.port_80": f"http://{HOST}",
        "tidegate.service": SERVICE,
        "tidegate.version": version,
    }


async def ask(tidegate, method, path, **body):
    """Status and document."""
    url = f"http://{tidegate.admin[0]}:{tidegate.admin[1]}{path}"
    options = {"json": body} if method == "POST" else {}
    async with aiohttp.ClientSession() as http, http.request(method, url, **options) as answer:
        return answer.status, await answer.json(content_type=None)


async def stands(tidegate):
    _, found = await ask(tidegate, "GET", f"/v1/releases/{SERVICE}")
    return found["current"]


async def reached(tidegate, *states, deadline=60.0):
    """Wait for one of these states; gives the release."""

    async def there():
        found = await stands(tidegate)
        assert found["state"] in states or not found["release"]["closed"], found
        return found if found["state"] in states else None

    return await until(there, deadline, f"the release is {states}")


async def left(box):
    """Names of the service's containers on the engine that run."""
    found = await box.docker("ps", "--format", "{{.Names}}", "--filter", f"label=tidegate.service={SERVICE}")
    return sorted(found.split())


@pytest.fixture
async def images(box):
    """Another name for the image, so that a deploy has something to be new in."""
    await box.docker("tag", PYTHON, "tidegate-test/web:v2")
    yield "tidegate-test/web:v2"
    found = await box.docker("ps", "-aq", "--filter", "ancestor=tidegate-test/web:v2", check=False)
    if found:
        await box.docker("rm", "-f", *found.split(), check=False)
    await box.docker("rmi", "tidegate-test/web:v2", check=False)


async def old_ones(box, tidegate, count):
    for number in range(1, count + 1):
        await box.serve(f"old{number}", labels("v1"))
    await tidegate.answers(HOST)
    await until(lambda: healthy(tidegate, count))


async def healthy(tidegate, count):
    endpoints = (await tidegate.api("/v1/endpoints"))["endpoints"]
    return sum(each["state"] == "healthy" for each in endpoints) == count


async def test_a_blue_green_deploy_makes_new_containers_moves_the_traffic_and_removes_the_old(
    box, images, tmp_path, say
):
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await old_ones(box, tidegate, 2)
        async with Load(tidegate.http, HOST, rate=200) as load:
            await load.more(100)
            asked = {"image": images, "strategy": "blue-green", "hold_seconds": 1, "confirm": False}
            asked |= {"retain_seconds": 0, "min_healthy_seconds": 1, "gates": ["success", "latency off"]}
            status, plan = await ask(tidegate, "POST", f"/v1/releases/{SERVICE}?dry_run=true", **asked)
            assert status == 200, plan
            say(" / ".join(plan["plan"]))
            status, begun = await ask(tidegate, "POST", f"/v1/releases/{SERVICE}", **asked, revision=plan["revision"])
            assert status == 200, begun
            done = await reached(tidegate, "complete", "rolled-back", "failed")
            say(json.dumps([moment["what"] for moment in done["release"]["history"]]))
            assert done["state"] == "complete", done
            await load.more(200)
        say(load.told())
        assert not load.failures
        assert await left(box) == [f"shop-web-v2-1-{number}" for number in (1, 2)]


async def test_a_version_that_somebody_starts_goes_through_its_canary_and_is_rolled_back_at_once(box, tmp_path, say):
    async with running(tmp_path, docker=box.url, workers=2) as tidegate:
        await old_ones(box, tidegate, 2)
        async with Load(tidegate.http, HOST, rate=200) as load:
            await load.more(100)
            wanted = {"strategy": "canary", "canary": "25", "hold_seconds": "3", "gate.latency": "off"}
            said = {f"tidegate.release.{name}": text for name, text in wanted.items()}
            for short in ("new1", "new2"):
                await box.serve(short, labels("v2") | said)
            await until(lambda: begun(tidegate), 60.0, "the labels began a release")
            await reached(tidegate, "complete", "rolled-back", "failed")
            done = await stands(tidegate)
            say(json.dumps([[moment["what"], moment["why"]] for moment in done["release"]["history"]]))
            assert done["state"] == "complete", done
            status, back = await ask(tidegate, "POST", f"/v1/releases/{SERVICE}/rollback", why="a test")
            assert status == 200, back
            await until(lambda: weights_are(tidegate, "v1"), 30.0, "v1 serves again")
            await load.more(200)
        say(load.told())
        assert not load.failures
        assert len(await left(box)) == 4


async def begun(tidegate):
    return bool((await tidegate.api("/v1/releases"))["releases"])


async def weights_are(tidegate, version):
    found = (await tidegate.api(f"/v1/services/{SERVICE}"))["weights"]
    return {name for name, weight in found.items() if weight} == {version}

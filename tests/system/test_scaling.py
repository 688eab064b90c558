"""A service that has too much to do gets replicas, and loses them when it has too little, on a real engine, under load."""

from __future__ import annotations

import json
import time

import pytest

from tests.support.containers import PYTHON, PYTHON_PATH, SERVER
from tests.support.load import Load
from tests.support.serve import running, until

pytestmark = pytest.mark.system

HOST = "web.example.test"
LABELS = {
    "tidegate.service": "shop/web",
    "aliyun.routing.port_80": f"http://{HOST}",
    "tidegate.routing.session_sticky": "false",
    "aliyun.auto_scaling.max_cpu": "30",
    "aliyun.auto_scaling.min_cpu": "12",
    "aliyun.auto_scaling.max_instances": "2",
    "tidegate.auto_scaling.period": "1",
    "tidegate.auto_scaling.periods": "2",
}


async def test_a_busy_container_gets_a_copy_that_leaves_when_it_is_idle_and_no_request_fails(box, tmp_path, say):
    """A fifth of a core is all that each may use; 20 requests a second want half of it."""
    await box.serve("web", LABELS, options=("--cpus", "0.2"))
    async with running(tmp_path, docker=box.url) as tidegate:
        await tidegate.answers(HOST)

        async def stands(wanted):
            (service,) = (await tidegate.api("/v1/scaling"))["scaling"] or [None]
            return service is not None and (service["wanted"], service["running"]) == (wanted, wanted) and service

        async def shared():
            rows = (await tidegate.api("/v1/traffic?kind=endpoint"))["rows"]
            return len([row for row in rows if row["requests"]]) == 2

        async with Load(tidegate.http, HOST, rate=5, connections=1) as light:
            async with Load(tidegate.http, HOST, path="/burn/0.004", rate=20, connections=4) as heavy:
                grown = await until(lambda: stands(2), what="a copy serves")
                await until(shared, what="the copy has its share")
            shrunk = await until(lambda: stands(1), what="the copy is gone")
            await light.more(5)
        changes = (await tidegate.api("/v1/scaling/shop/web"))["changes"]
        listed = (await tidegate.cli("ls", "scaling")).out
    say(f"{grown['last_change']['why']}; then {shrunk['last_change']['why']}; {heavy.told()}")
    assert not heavy.failures
    assert not light.failures
    assert [(each["current"], each["wanted"]) for each in changes] == [(1, 2), (2, 1)]
    assert "above 30 %" in changes[0]["why"]
    assert "below 12 %" in changes[1]["why"]
    assert listed.splitlines()[1].startswith("shop/web\t1/1\t1..2")


async def test_a_stacks_service_sleeps_when_nobody_asks_and_the_first_request_wakes_it(box, tmp_path, say):
    labels = {
        "aliyun.routing.port_80": f"http://{HOST}",
        "tidegate.auto_scaling.max_cpu": "90",
        "tidegate.auto_scaling.min_cpu": "50",
        "tidegate.auto_scaling.min_instances": "0",
        "tidegate.auto_scaling.period": "1",
        "tidegate.auto_scaling.periods": "2",
    }
    command = [PYTHON_PATH, "-S", "-c", SERVER.replace("$", "$$"), "awake", "80", "0"]
    file = tmp_path / "compose.yaml"
    web = {"image": PYTHON, "command": command, "labels": labels}
    file.write_text(json.dumps({"name": "tgsleep", "services": {"web": web}}))

    async def there():
        return await box.docker("ps", "-aq", "--filter", "label=io.tidegate.place")

    async def nobody():
        return not await there()

    try:
        async with running(tmp_path, docker=box.url) as tidegate:
            await tidegate.cli("up", "-f", str(file))
            await until(nobody, what="it went to sleep")
            began = time.monotonic()
            async with Load(tidegate.http, HOST, rate=1, connections=1) as load:
                await load.more(1)
            say(f"answered after {time.monotonic() - began:.1f} s; {load.told()}")
            assert not load.failures
            (service,) = (await tidegate.api("/v1/scaling"))["scaling"]
            assert service["last_change"]["why"].endswith("requests wait for it")
            await tidegate.cli("down", "tgsleep")
    finally:
        for name in (await there()).split():
            await box.docker("rm", "-f", name, check=False)

"""Blue-green as the original system had it: the new version is a service of another name on the same route, with weight 0. A person moves
relative weights, one at a time, then rolls back or confirms."""

from __future__ import annotations

import pytest

from tests.support.load import Load
from tests.support.serve import running, until

pytestmark = pytest.mark.system

ROUTE = "nginx.test"
OLD, NEW = "shop/nginx-v1", "shop/nginx-v2"
SAMPLE = 200
QUICK = ("--min-healthy", "0s", "--drain", "1s", "--retain", "0s", "--discard", "remove", "--retire", "remove", "--yes")


def labels(service, weight):
    project, _, name = service.partition("/")
    return {
        "com.docker.compose.project": project,
        "com.docker.compose.service": name,
        "aliyun.routing.port_80": f"http://{ROUTE}",
        "tidegate.weight": weight,
    }


async def begun(box, tidegate):
    """The new service beside the old one, waiting for a person."""
    await box.serve("new", labels(NEW, "0"))

    async def healthy():
        return {each["state"] for each in (await tidegate.api("/v1/endpoints"))["endpoints"]} == {"healthy"}

    await until(lambda: _services(tidegate, 2), what="both services are seen")
    await until(healthy, what="both are healthy")
    await tidegate.cli("deploy", OLD, "--beside", NEW, "--manual", *QUICK, code=9)


async def _services(tidegate, count):
    return len((await tidegate.api("/v1/services"))["services"]) == count


async def share(load):
    """The new service's part of the next requests, in percent."""
    seen = len(load.answers)
    await load.met(lambda: len(load.answers) >= seen + SAMPLE)
    who = [each.who for each in load.answers[seen:]]
    return 100 * who.count("new") / len(who)


async def test_two_services_on_one_route_are_weighed_rolled_back_and_confirmed(box, tmp_path, say):
    await box.serve("old", labels(OLD, "100"))
    async with running(tmp_path, docker=box.url, workers=1) as tidegate:
        await tidegate.answers(ROUTE)
        async with Load(tidegate.http, ROUTE, rate=300) as load:
            await begun(box, tidegate)
            found = [await share(load)]
            await tidegate.cli("shift", ROUTE, f"{OLD}=100", f"{NEW}=100", "--wait")
            found.append(await share(load))
            await tidegate.cli("abort", OLD, "--wait", "--why", "not yet", code=8)
            found.append(await share(load))
            assert not await box.docker("ps", "-q", "--filter", f"name={box.name('new')}")

            await begun(box, tidegate)
            await tidegate.cli("shift", ROUTE, f"{OLD}=25", f"{NEW}=100", "--wait")
            found.append(await share(load))
            await tidegate.cli("promote", OLD, "--wait", "--why", "fine")
            found.append(await share(load))
        say(f"shares {found}; {load.told()}")
        assert not load.failures
        assert [round(each / 5) * 5 for each in found] == [0, 50, 0, 80, 100]
        assert not await box.docker("ps", "-q", "--filter", f"name={box.name('old')}")

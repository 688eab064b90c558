"""Templates as users of the original system wrote them come up as they are, on a real engine."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.support.containers import PYTHON, PYTHON_PATH, SERVER
from tests.support.serve import running
from tests.support.tree import ROOT

pytestmark = pytest.mark.system

NAMES = ("restserver", "wordpress", "scaling", "lifecycle")
TEMPLATES = ROOT / "examples" / "acs"
SERVES = [PYTHON_PATH, "-S", "-c", SERVER, "served", "80", "0"]
IDLES = ["/bin/sh", "-c", "trap 'exit 0' TERM; /bin/busybox sleep 3600 & wait"]
IMAGES = {"test_service": SERVES, "test_app": IDLES, "wordpress:4.5": SERVES, "mysql:5.7": IDLES}


@pytest.fixture
async def images(box):
    """Images of the names that the templates use, made here."""
    for name, command in IMAGES.items():
        made = (await box.docker("create", PYTHON, "true")).strip()
        await box.docker("commit", "--change", f"CMD {json.dumps(command)}", made, name)
        await box.docker("rm", made)
    yield
    for name in IMAGES:
        await box.docker("rmi", "-f", name, check=False)


async def test_templates_come_up_unchanged_and_their_containers_find_each_other(box, images, tmp_path):
    gateway = await box.gateway("bridge")
    where = {"docker": box.url, "workers": 1, "dns": (gateway, 53), "http_host": gateway}
    try:
        async with running(tmp_path, **where) as tidegate:
            ups = (tidegate.cli("up", "-f", str(TEMPLATES / f"{name}.yaml"), "-p", name) for name in NAMES)
            assert not [up.err for up in await asyncio.gather(*ups) if "error" in up.err]
            # A service through the mesh, by the host of its route, asked for from another container.
            url = f"http://restserver.local:{tidegate.http[1]}/"
            told = await box.docker("exec", "restserver-client-1", "/bin/busybox", "wget", "-qO-", url)
            assert told.startswith("served")
            # A link by an alias of its own.
            form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
            address = (await box.docker("inspect", "-f", form, "wordpress-db-1")).strip()
            asked = ("exec", "wordpress-web-3", "/bin/busybox", "nslookup", "-type=a", "mysql")
            assert address in await box.docker(*asked)
            assert await names(box) == [
                *("lifecycle-agent-1", "lifecycle-db-1", *(f"lifecycle-web-{number}" for number in (1, 2, 3))),
                "restserver-client-1",
                *(f"restserver-server-{number}" for number in (1, 2)),
                *(f"scaling-worker-{number}" for number in (1, 2)),
                "wordpress-db-1",
                *(f"wordpress-web-{number}" for number in (1, 2, 3)),
            ]
            await lifecycle(box, tidegate, tmp_path)
    finally:
        if found := await names(box):
            await box.docker("rm", "-f", *found, check=False)
        await box.docker("network", "rm", *(f"{name}_default" for name in NAMES), check=False)


async def lifecycle(box, tidegate, folder):
    """What that template says of order, names, routes and placement came true."""
    made = {each["Name"].strip("/"): each for each in json.loads(await box.docker("inspect", *await names(box)))}
    web = made["lifecycle-web-1"]
    begun = {name: each["State"]["StartedAt"] for name, each in made.items()}
    assert max(begun["lifecycle-db-1"], begun["lifecycle-agent-1"]) < begun["lifecycle-web-1"], "aliyun.depends"
    assert [each for each in web["Config"]["Env"] if ":" in each.partition("=")[0]] == [], (
        "expressions are no variables"
    )
    assert "STAGE=test" in web["Config"]["Env"]
    assert made["lifecycle-db-1"]["HostConfig"]["Memory"] == 64 << 20
    # Routes: one word below the root domain, and one by its path; checked by a command in the container.
    assert (await tidegate.answers("lifecycle.local")).startswith(b"served")
    assert (await tidegate.request("www.example.test", "/shop"))[0] == 200
    assert (await tidegate.request("www.example.test", "/"))[0] == 404
    # Names: an alias of a link, a service somewhere else for who links to it and for others, a host name in all stacks.
    shell = ("exec", "lifecycle-web-2", "/bin/busybox")
    assert "10.99.0.7" in await box.docker(*shell, "cat", "/etc/hosts")
    db = made["lifecycle-db-1"]["NetworkSettings"]["Networks"]["lifecycle_default"]["IPAddress"]
    assert db in await box.docker(*shell, "nslookup", "-type=a", "mysql")
    other = ("exec", "restserver-client-1", "/bin/busybox", "nslookup", "-type=a")
    assert "10.99.0.7" in await box.docker(*other, "legacy.lifecycle")
    # Another image: as many at a time as the template says.
    changed = folder / "lifecycle.yaml"
    changed.write_text((TEMPLATES / "lifecycle.yaml").read_text().replace("STAGE=test", "STAGE=next"))
    plan = await tidegate.cli("plan", "-f", str(changed), "-p", "lifecycle")
    assert "web is replaced, 2 at a time, the new one first: environment.STAGE" in plan.out
    # Down: who needs others goes before them.
    down = (await tidegate.cli("down", "lifecycle")).err.splitlines()
    leaving = [line.partition(":")[0] for line in down if ": leaving" in line]
    assert {name.rpartition("-")[0] for name in leaving[:3]} == {"lifecycle-web"}


async def names(box):
    found = await box.docker("ps", "-a", "--format", "{{.Names}}", "--filter", "label=io.tidegate.place")
    return sorted(found.split())

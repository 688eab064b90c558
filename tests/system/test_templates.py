"""Templates as users of the original system wrote them come up as they are, on a real engine."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.support.containers import PYTHON, PYTHON_PATH, SERVER
from tests.support.serve import running
from tests.support.tree import ROOT

pytestmark = pytest.mark.system

NAMES = ("restserver", "wordpress", "scaling")
TEMPLATES = ROOT / "examples" / "acs"
SERVES = [PYTHON_PATH, "-S", "-c", SERVER, "served", "80", "0"]
IDLES = ["/bin/busybox", "sleep", "3600"]
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
                "restserver-client-1",
                *(f"restserver-server-{number}" for number in (1, 2)),
                *(f"scaling-worker-{number}" for number in (1, 2)),
                "wordpress-db-1",
                *(f"wordpress-web-{number}" for number in (1, 2, 3)),
            ]
    finally:
        if found := await names(box):
            await box.docker("rm", "-f", *found, check=False)
        await box.docker("network", "rm", *(f"{name}_default" for name in NAMES), check=False)


async def names(box):
    found = await box.docker("ps", "-a", "--format", "{{.Names}}", "--filter", "label=io.tidegate.place")
    return sorted(found.split())

"""A verb of the command that runs as long as a release does, and a service on a real engine to be released."""

from __future__ import annotations

import asyncio
import json
import sys

from tests.support.cli import ROOT, environment
from tests.support.containers import PYTHON
from tests.support.serve import until

HOST = "web.example.test"
SERVICE = "shop/web"
IMAGE = "tidegate-test/web:v2"
DEADLINE = 240.0
LABELS = {
    "aliyun.routing.port_80": f"http://{HOST}",
    "tidegate.service": SERVICE,
    "tidegate.version": "v1",
    "tidegate.probe.url": "http://container/healthz",
    "tidegate.probe.interval_seconds": "1",
}


class Command:
    """`async with Command(tidegate, "deploy", ...) as command: await command.ended()`."""

    def __init__(self, tidegate, *arguments):
        self.tidegate, self.arguments = tidegate, arguments

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tidegate", *self.arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            env=environment(TIDEGATE_ADMIN="{}:{}".format(*self.tidegate.admin)),
        )
        return self

    async def ended(self):
        """Its exit code and all it said."""
        async with asyncio.timeout(DEADLINE):
            out, err = await self.process.communicate()
        return self.process.returncode, out.decode() + err.decode()

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


async def current(tidegate):
    """The newest release of the service, as the admin API tells it; None while there is none."""
    status, body = await tidegate.get(f"/v1/releases/{SERVICE}")
    return json.loads(body)["current"] if status == 200 else None


async def old_ones(box, tidegate, count, *options):
    """The version that serves, until it does."""
    for number in range(1, count + 1):
        await box.serve(f"old{number}", LABELS, options=options)

    async def healthy():
        endpoints = (await tidegate.api("/v1/endpoints"))["endpoints"]
        return sum(each["state"] == "healthy" for each in endpoints) == count

    await until(healthy, 60, what="the old version is healthy")


async def new_image(box):
    """Another name for the image, so that a deploy has something to be new in."""
    await box.docker("tag", PYTHON, IMAGE)
    return IMAGE


async def forget_image(box):
    """Take the name away, and what runs by it."""
    found = await box.docker("ps", "-aq", "--filter", f"ancestor={IMAGE}", check=False)
    if found:
        await box.docker("rm", "-f", *found.split(), check=False)
    await box.docker("rmi", IMAGE, check=False)

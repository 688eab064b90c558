"""The example of a delivery pipeline as a CI job runs it: an image is built, released under load, checked, and promoted."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.support.cli import ROOT, environment
from tests.support.containers import PYTHON
from tests.support.deploying import DEADLINE, HOST, SERVICE, old_ones
from tests.support.load import Load
from tests.support.serve import running

pytestmark = pytest.mark.system

QUICK = ("--min-healthy=0s", "--drain=1s", "--retain=0s", "--gate=latency off")
CHECK = """curl -fsS -H "$PREVIEW" -H "Host: {host}" http://{address}/ | grep -qx {tag}"""


class Pipeline:
    """A folder with a Dockerfile, and `tidegate` on the path as a CI job has it."""

    def __init__(self, box, tidegate, folder):
        self.box, self.tidegate, self.folder = box, tidegate, folder
        self.image = f"tidegate-test/{box.prefix}"
        program = folder / "bin" / "tidegate"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tidegate "$@"\n')
        program.chmod(0o755)

    async def deliver(self, tag, check):
        """Its exit code and what it said."""
        source = self.folder / tag
        source.mkdir()
        (source / "Dockerfile").write_text(f"FROM {PYTHON}\nENV WHO={tag}\n")
        admin, http = (":".join(map(str, each)) for each in (self.tidegate.admin, self.tidegate.http))
        variables = environment(
            TIDEGATE_ADMIN=admin,
            DOCKER_HOST=self.box.url,
            IMAGE=self.image,
            SHARES="50",
            HOLD="1s",
            OPTIONS="\n".join(QUICK),
        )
        variables["PATH"] = f"{self.folder / 'bin'}:{variables['PATH']}"
        process = await asyncio.create_subprocess_exec(
            *("sh", str(ROOT / "examples" / "pipeline" / "pipeline.sh"), SERVICE, str(source), tag),
            *("sh", "-c", check.format(host=HOST, address=http, tag=tag)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=variables,
        )
        async with asyncio.timeout(DEADLINE):
            out, _ = await process.communicate()
        return process.returncode, out.decode()

    async def forget(self):
        """Its images, and what runs by them."""
        images = (await self.box.docker("images", "-q", self.image, check=False)).split()
        for image in images:
            found = await self.box.docker("ps", "-aq", "--filter", f"ancestor={image}", check=False)
            if found:
                await self.box.docker("rm", "-f", *found.split(), check=False)
            await self.box.docker("rmi", "-f", image, check=False)


async def test_a_delivery_is_built_released_checked_and_promoted(box, tmp_path, say):
    async with running(tmp_path, docker=box.url) as tidegate:
        await old_ones(box, tidegate, 1)
        pipeline = Pipeline(box, tidegate, tmp_path)
        try:
            async with Load(tidegate.http, HOST, rate=200) as load:
                code, said = await pipeline.deliver("v42", CHECK)
                assert code == 0, said
                assert (await tidegate.request(HOST))[1].startswith(b"v42\n")
            say(load.told())
            assert not load.failures
        finally:
            await pipeline.forget()

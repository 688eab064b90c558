"""A service in containers on a real engine, as whoever releases it by a script handles them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence

from bench.macro.dockerd import Dockerd
from bench.macro.replica_image import NAME
from bench.macro.sample import Value

HOST = "web.bench.test"
START_SECONDS = 2.5  # from the start of a container until its port opens
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"
POLL_SECONDS = 0.2


class Container(Value):
    """One that was started."""

    name: str
    ip: str


class Stage:
    """The containers of one service. `replicas` of v1 run when a release begins."""

    def __init__(self, engine: Dockerd, replicas: int) -> None:
        self.engine = engine
        self.replicas = replicas
        self.old: Sequence[Container] = ()

    async def fill(self, labels: Mapping[str, str]) -> None:
        """v1, serving."""
        self.old = await self.start("v1", labels, {})
        if not await self.ready(self.old, 30.0):
            raise TimeoutError("v1 does not serve")

    async def start(
        self, version: str, labels: Mapping[str, str], environment: Mapping[str, str]
    ) -> Sequence[Container]:
        """As many containers of `version` as the service has."""
        said = [f"--label={name}={text}" for name, text in labels.items()]
        said += [f"--env={name}={text}" for name, text in {**env(version), **environment}.items()]
        names = [f"web-{version}-{number}" for number in range(1, self.replicas + 1)]
        async with asyncio.TaskGroup() as group:
            made = [group.create_task(self._run(name, said, f"{NAME}:{version}")) for name in names]
        return [each.result() for each in made]

    async def ready(self, containers: Collection[Container], seconds: float) -> bool:
        """Whether all of them answer their health check within so many seconds."""
        deadline = time.monotonic() + seconds
        waiting = list(containers)
        while waiting and time.monotonic() < deadline:
            waiting = [each for each in waiting if not await _well(each.ip)]
            if waiting:
                await asyncio.sleep(POLL_SECONDS)
        return not waiting

    async def stop(self, containers: Collection[Container]) -> None:
        """`docker stop`: SIGTERM, and ten seconds."""
        await self.engine.docker("stop", *(each.name for each in containers))

    async def running(self, version: str) -> int:
        """How many containers of a version run, whoever named them."""
        names = await self.engine.docker("ps", "--format", "{{.Names}}", check=False)
        return sum(f"-{version}-" in name for name in names.split())

    async def clear(self) -> None:
        """Nothing is left of it."""
        if left := (await self.engine.docker("ps", "-aq", check=False)).split():
            await self.engine.docker("rm", "-f", *left, check=False)

    async def _run(self, name: str, options: Sequence[str], image: str) -> Container:
        await self.engine.docker("run", "-d", "--name", name, *options, image)
        address = "{{.NetworkSettings.Networks.bridge.IPAddress}}"
        return Container(name=name, ip=await self.engine.docker("inspect", "--format", address, name))


def env(version: str) -> dict[str, str]:
    """What a container of `version` is told."""
    return {"VERSION": version, "START": str(START_SECONDS)}


async def _well(ip: str) -> bool:
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(ip, 80)
            writer.write(HEALTH)
            head = await reader.readuntil(b"\r\n\r\n")
            writer.close()
    except (OSError, EOFError, TimeoutError):
        return False
    return b" 200 " in head.split(b"\r\n")[0]

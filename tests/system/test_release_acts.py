"""Releases whose records are advanced by the pure rules, and whose acts are carried out on a real engine.

Traffic has no part in it: a container that runs counts as ready, and every table as live.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from tests.support.carrier import DEADLINE, SERVICE, Carrier
from tests.support.containers import LABEL, containers
from tests.support.images import BUSYBOX
from tidegate.engine.docker import DockerEngine
from tidegate.release.record import State
from tidegate.release.spec import Change, Pull, Retire, Strategy
from tidegate.release.verbs import By, promote

pytestmark = pytest.mark.system

LOOP = ("sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done")
REPLICAS = 3


class Stage(Carrier):
    """One release of a service whose containers run a loop."""

    def __init__(self, box, engine):
        super().__init__(engine)
        self.box = box

    async def serve(self, count=REPLICAS, options=()):
        """The old version."""
        for number in range(1, count + 1):
            labels = {"tidegate.service": SERVICE, "tidegate.version": "v1"}
            name = await self.box.run(f"old-{number}", *LOOP, image=BUSYBOX, labels=labels, options=options)
            self.old[(await self.box.inspect(name))["Id"]] = name

    def ask(self, strategy, change=None, **options):
        self.begin(strategy, f"{self.box.prefix}-new-", change, **options)

    async def names(self):
        """All containers there are of this test, by name, with their state."""
        template = "{{.Names}} {{.State}}"
        listing = await self.box.docker(
            "ps", "-a", "--format", template, "--filter", f"label={LABEL}={self.box.prefix}"
        )
        rows = (line.split() for line in listing.splitlines())
        return {name.removeprefix(f"{self.box.prefix}-"): state for name, state in rows}


@contextlib.asynccontextmanager
async def staged(box):
    engine = DockerEngine(box.url)
    try:
        yield Stage(box, engine)
    finally:
        await engine.close()


@pytest.fixture
async def stage(box):
    async with staged(box) as stage:
        yield stage


NEW = {f"new-{number}": "running" for number in range(1, REPLICAS + 1)}
OLD = {f"old-{number}": "running" for number in range(1, REPLICAS + 1)}


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_a_release_leaves_the_new_containers_and_nothing_else(stage, strategy):
    await stage.serve(options=("--env=KEPT=1", "--memory=32m", "--restart=always"))
    stage.ask(strategy)
    await stage.run()
    assert stage.release.state is State.COMPLETE, stage.release.history
    assert await stage.names() == NEW
    made = await stage.box.inspect(stage.box.name("new-1"))
    assert {"KEPT=1", "COLOUR=green"} <= set(made["Config"]["Env"])
    assert made["Config"]["Labels"]["tidegate.version"] == "v2"
    assert made["HostConfig"]["Memory"] == 32 << 20
    assert made["HostConfig"]["RestartPolicy"]["Name"] == "always"


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_a_release_ends_the_same_however_often_its_controller_dies(stage, strategy):
    await stage.serve()
    stage.ask(strategy)
    await stage.run(patience=0.25)
    assert stage.release.state is State.COMPLETE, stage.release.history
    assert await stage.names() == NEW


@pytest.mark.parametrize("policy", ["no", "always"])
async def test_a_version_that_crashes_is_rolled_back_and_removed(stage, policy):
    await stage.serve(options=(f"--restart={policy}",))
    stage.ask(Strategy.ROLLING, Change(command=("sh", "-c", "exit 3")))
    await stage.run()
    assert stage.release.state is State.ROLLED_BACK
    assert "exit code 3" in stage.release.reason or "restarted" in stage.release.reason
    assert await stage.names() == OLD


async def test_a_command_that_cannot_be_started_is_rolled_back(stage):
    await stage.serve()
    stage.ask(Strategy.ROLLING, Change(command=("/no/such/program",)))
    await stage.run()
    assert stage.release.state is State.ROLLED_BACK
    assert "no such file" in stage.release.reason
    assert await stage.names() == OLD


async def test_an_image_that_is_not_there_is_rolled_back_before_anything_is_made(stage):
    await stage.serve()
    stage.ask(Strategy.BLUE_GREEN, Change(image="tidegate-test/none:v2", pull=Pull.NEVER))
    await stage.run()
    assert stage.release.state is State.ROLLED_BACK
    assert "tidegate-test/none:v2" in stage.release.reason
    assert await stage.names() == OLD


async def test_a_fixed_port_and_a_volume_without_a_name_go_over_where_the_old_one_stops_first(stage):
    await stage.serve(1, options=("--publish=127.0.0.1:18090:80", "--volume=/data"))
    await stage.box.execute(stage.box.name("old-1"), "sh", "-c", "echo kept > /data/file")
    stage.ask(Strategy.REPLACE)
    await stage.run()
    assert await stage.names() == {"new-1": "running"}
    assert await stage.box.execute(stage.box.name("new-1"), "cat", "/data/file") == "kept"
    ports = (await stage.box.inspect(stage.box.name("new-1")))["NetworkSettings"]["Ports"]
    assert ports["80/tcp"][0]["HostPort"] == "18090"


async def test_a_fixed_port_is_refused_where_both_would_run(stage):
    await stage.serve(1, options=("--publish=127.0.0.1:18091:80",))
    stage.ask(Strategy.ROLLING)
    await stage.run()
    assert stage.release.state is State.ROLLED_BACK
    assert "127.0.0.1:18091/tcp" in stage.release.reason
    assert await stage.names() == {"old-1": "running"}


async def test_a_container_that_somebody_removes_in_the_middle_is_made_again_even_without_its_original(stage):
    await stage.serve()
    stage.ask(Strategy.BLUE_GREEN, confirm=True)
    await stage.run(until=State.AWAITING_CONFIRM)
    await stage.box.docker("rm", "-f", stage.box.name("new-2"), stage.box.name("old-2"))
    stage.release = promote(stage.release, await stage.seen(), By(who="tester", when=time.time()))
    await stage.run()
    assert await stage.names() == NEW


async def test_an_old_version_that_is_to_stay_stopped_stays_so_when_the_engine_starts_again(killable_engine):
    async with containers(killable_engine.url) as box, staged(box) as stage:
        await stage.serve(1, options=("--restart=always",))
        untouched = await box.run("untouched", *LOOP, image=BUSYBOX, options=("--restart=always",))
        stage.ask(Strategy.ROLLING, retire=Retire.STOP)
        await stage.run(until=State.COMPLETE)
        await box.docker("stop", "--time=1", untouched)
        await asyncio.to_thread(killable_engine.kill)
        await asyncio.to_thread(killable_engine.start)
        async with asyncio.timeout(DEADLINE):
            # The engine starts what it has to start a while after it answers, and tells of it in no other way.
            while (await stage.names())["untouched"] != "running":  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert (await stage.names())["old-1"] == "exited"


async def test_a_version_that_needs_too_much_memory_is_rolled_back_with_the_reason(stage):
    await stage.serve(1, options=("--memory=16m", "--memory-swap=16m"))
    stage.ask(
        Strategy.ROLLING, Change(command=("sh", "-c", "head -c 64000000 /dev/zero | tail -n 1")), hold_seconds=20.0
    )
    await stage.run()
    assert stage.release.state is State.ROLLED_BACK
    assert "want of memory" in stage.release.reason
    assert await stage.names() == {"old-1": "running"}

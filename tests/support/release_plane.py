"""A plane over an engine in memory, for the operations on releases."""

import asyncio

import pytest

from tests.support.fake_engine import FakeEngine
from tests.support.plane import running, until
from tests.support.seen import instance, report
from tidegate.model import InstanceState

SERVICE = "shop/web"
PATH = f"/v1/releases/{SERVICE}"
DEPLOY = {
    "image": "image:2",
    "version": "v2",
    "strategy": "blue-green",
    "hold_seconds": 0,
    "min_healthy_seconds": 0,
    "gates": [],
}


class Stage:
    """A plane over an engine in memory; `look` shows it what the engine has, all of it ready."""

    def __init__(self, world, engine):
        self.world, self.engine, self.ask = world, engine, world.ask

    def look(self):
        self.world.see(*map(_instance, self.engine.containers.values()))
        for each in self.engine.containers.values():
            if each.state is InstanceState.RUNNING:
                self.world.reconciler.offer_health(report(f"{each.id}:80"))
        self.world.reconciler.settle()
        self.world.plane.admin._parts.traffic.fly(0, 1, ())

    async def becomes(self, *states):
        async def there():
            self.look()
            _, answer = await self.ask("GET", PATH)
            self.current = answer["current"]
            return self.current["state"] in states

        async def asked():
            while not await there():
                pass

        await asyncio.wait_for(asked(), 20)
        return self.current

    async def becomes_closed(self):
        async with asyncio.timeout(20):
            while not (await self.becomes("complete"))["release"]["closed"]:
                pass
        return self.current

    def what_runs(self):
        """Of each container what a version is made of, sorted."""
        return sorted(
            (each.image_id, each.environment, _said(each.labels), each.command)
            for each in self.engine.containers.values()
        )

    def weights(self):
        return {each.version: each.weight for each in self.world.cell.table.routes["a.test/"].backends if each.weight}


def _said(labels):
    """Labels but for those that tell one container of a release from another."""
    return sorted(each for each in labels.items() if not each[0].startswith("io.tidegate."))


def _instance(detail):
    return instance(
        detail.id,
        "web",
        project="shop",
        routes=["a.test/"],
        name=detail.name,
        version=detail.labels.get("tidegate.version", ""),
        image=detail.image,
        state=detail.state,
        created_at=detail.created_at,
        started_at=detail.started_at,
    )


@pytest.fixture
async def stage(tmp_path):
    engine = FakeEngine()
    engine.images |= {"image:2"}
    for name in ("old1", "old2"):
        engine.run(name, {"tidegate.service": SERVICE, "tidegate.version": "v1"})
    async with running(tmp_path, engines={"docker": engine}) as world:
        stage = Stage(world, engine)
        stage.look()
        await until(lambda: world.plane.releases.book.known and not world.reconciler.waiting_for)
        yield stage

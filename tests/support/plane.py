"""A running control plane on free ports, with a real store and recording neighbours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp

from tests.support.seen import inventory
from tidegate.config import AdminConfig, Config, NodeConfig, StateConfig
from tidegate.control.neighbours import Neighbours
from tidegate.control.plane import ControlPlane
from tidegate.errors import Problem, TidegateError
from tidegate.model import Address
from tidegate.router.decision import Decider
from tidegate.routing import TableCell
from tidegate.store.sqlite import SqliteStore
from tidegate.tasks import Tasks

DEADLINE = 10.0


class Checks:
    """A health checker that only remembers what it was told."""

    def __init__(self):
        self.assumed, self.targets, self.removed = (), {}, []

    def assume(self, reports):
        self.assumed = tuple(reports)

    def update(self, changed, removed=()):
        for endpoint in removed:
            self.targets.pop(endpoint, None)
            self.removed.append(endpoint)
        for target in changed:
            self.targets[target.endpoint] = target


class Workers:
    """Followers that follow at once, or never."""

    def __init__(self):
        self.follow, self.waited = True, []

    async def wait_applied(self, version, timeout):  # noqa: ASYNC109
        self.waited.append(version)
        return self.follow

    def applied_by_all(self, version):
        return self.follow

    def workers(self):
        return [{"name": "worker-1", "state": "running"}]


class Resolver:
    """A DNS part with one name."""

    async def explain(self, name, qtype, asker):
        if name != "web":
            raise TidegateError(Problem(code="T1401", text="no such name"))
        return {"answers": [{"name": name, "ttl": 5, "type": qtype, "data": asker or "10.0.0.1"}], "rcode": "NOERROR"}


class World:
    """What a test may touch."""

    def __init__(self, plane, store, cell, checks, workers, url, http, folder):
        self.plane, self.store, self.cell, self.checks, self.workers = plane, store, cell, checks, workers
        self.url, self.http, self.folder = url, http, folder
        self.reconciler, self.journal = plane.reconciler, plane.journal

    def see(self, *instances, **fields):
        """Offer an inventory and build at once."""
        self.reconciler.offer_inventory(inventory(*instances, **fields))
        self.reconciler.settle()

    async def ask(self, method, path, *, headers=None, **options):
        """(status, decoded answer)."""
        async with self.http.request(method, self.url + path, headers=headers, **options) as response:
            kind = response.content_type
            return response.status, await (response.json(content_type=None) if "json" in kind else response.text())


@contextlib.asynccontextmanager
async def running(folder: Path, *, token: str = "", required=("docker",), engines=None, **more) -> AsyncIterator[World]:
    store = await SqliteStore.open(folder / "store.db")
    cell, checks, workers = TableCell(), Checks(), Workers()
    config = Config(
        admin=AdminConfig(listeners=(Address(host="127.0.0.1", port=0),), token=token),
        state=StateConfig(folder=str(folder)),
        node=NodeConfig(name="node-a", zone="z1"),
    )
    near = Neighbours(
        publisher=cell,
        checks=checks,
        store=store,
        resolve=Resolver(),
        decide=Decider(config.http, b"key"),
        followers=workers,
        status=workers,
        required=required,
        engines=engines or {},
        **more,
    )
    plane = ControlPlane(config, near)
    try:
        async with Tasks("test") as tasks:
            task = tasks.spawn("plane", plane.run())
            await until(lambda: plane.admin.addresses and "overrides" not in plane.reconciler.waiting_for)
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(DEADLINE)) as http:
                yield World(plane, store, cell, checks, workers, f"http://{plane.admin.addresses[0]}", http, folder)
            task.cancel()
    finally:
        await store.close()


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until `condition` holds; fails after the deadline."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110  what is waited for has no event of its own
            await asyncio.sleep(0.002)

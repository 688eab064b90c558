"""Two versions behind several workers, from what is seen and what weights say to the answers that clients get, over real sockets."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.support.client import get
from tests.support.origin import ok, saying, serving
from tests.support.router import running
from tests.support.seen import claim
from tidegate.building import BuildOptions, build
from tidegate.model import (
    Address,
    HealthReport,
    HealthSource,
    HealthState,
    Instance,
    Inventory,
    Overrides,
    Preview,
    PublishedPort,
    ReleasePolicy,
)
from tidegate.policy import FieldMatch, Match
from tidegate.tasks import Tasks

WORKERS = 3
STICKY = {"balance.sticky": "true"}
PREVIEW = Preview(
    backend="v2",
    matches=(
        Match(headers=(FieldMatch(name="x-preview", value="v2"),)),
        Match(cookies=(FieldMatch(name="preview", value="on"),)),
    ),
)


class Mesh:
    """Workers that follow one build. `see` and `weigh` build and publish at once."""

    def __init__(self, workers, origins):
        self.workers, self.origins = workers, origins
        self.made = None
        self.seen = ()
        self.overrides = Overrides()

    def see(self, *names, settings=None, policy=ReleasePolicy()):  # noqa: B008  a frozen value
        """Containers by name: `v1-a` is of version v1. Those of v2 want a release."""
        self.seen = tuple(self._instance(at, name, settings or {}, policy) for at, name in enumerate(names))
        self.publish()

    def _instance(self, at, name, settings, policy):
        port = self.origins[name].address[1]
        version = name.partition("-")[0]
        return Instance(
            id=name,
            name=name,
            provider="docker",
            service="web",
            version=version,
            published=(PublishedPort(container_port=80, host_ip="127.0.0.1", host_port=port),),
            ports=(80,),
            claims=(claim("a.test/", settings=settings),),
            created_at=float(at),
            release=policy if version != "v1" else None,
        )

    def weigh(self, previews=None, **weights):
        self.overrides = Overrides(weights={"web": weights} if weights else {}, previews=previews or {})
        self.publish()

    def publish(self):
        health = {f"{each.id}:80": _healthy(each) for each in self.seen}
        inventory = Inventory(provider="docker", version=1, services={"web": self.seen})
        self.made = build(
            self.made, {"docker": inventory}, health, self.overrides, BuildOptions(), changed_health=health, now=1.0
        )
        for worker in self.workers:
            worker.router.apply(self.made.table, self.made.delta)

    async def clients(self, number):
        """Connections to the workers in turn."""
        return [await self.workers[at % len(self.workers)].client() for at in range(number)]


def _healthy(instance):
    address = Address(host="127.0.0.1", port=instance.published[0].host_port)
    return HealthReport(
        endpoint=f"{instance.id}:80",
        state=HealthState.HEALTHY,
        source=HealthSource.PROBE,
        since=1.0,
        address=address,
    )


@asynccontextmanager
async def meshing(*names, workers=WORKERS):
    async with AsyncExitStack() as stack:
        origins = {name: await stack.enter_async_context(serving(saying(ok(name.encode())))) for name in names}
        parts = [{"offset": at, "workers": workers, "cookie_key": b"key"} for at in range(workers)]
        yield Mesh([await stack.enter_async_context(running(parts=each)) for each in parts], origins)


async def ask(client, extra=b""):
    response = await client.ask(get(extra=extra))
    assert response.status == 200, response
    return response.body.decode()


async def asked(clients, each, extra=b""):
    """How many answers each version gave to `each` requests of every client."""
    found = Counter()

    async def some(client):
        for _ in range(each):
            found[(await ask(client, extra)).partition("-")[0]] += 1

    await asyncio.gather(*(some(client) for client in clients))
    return found


class Browser:
    """A client on a kept connection that keeps its cookie."""

    def __init__(self, client, extra=b""):
        self.client, self.extra, self.cookie, self.where = client, extra, "", ""

    async def ask(self):
        field = f"Cookie: {self.cookie}\r\n".encode() if self.cookie else b""
        response = await self.client.ask(get(extra=self.extra + field))
        assert response.status == 200
        self.cookie = response.headers.get("set-cookie", self.cookie).partition(";")[0]
        self.where = response.body.decode()
        return self.where


async def test_a_version_that_wants_a_release_gets_no_request_before_it():
    async with meshing("v1-a", "v2-a", "v2-b") as mesh:
        mesh.see("v1-a")
        clients = await mesh.clients(6)
        assert await asked(clients, 10) == {"v1": 60}
        async with Tasks("load") as tasks:
            load = tasks.spawn("load", asked(clients, 100))
            for names in (("v1-a", "v2-a"), ("v1-a", "v2-a", "v2-b"), ("v1-a", "v2-b"), ("v1-a", "v2-a")):
                mesh.see(*names)
                await ask((await mesh.clients(1))[0])
            assert await load == {"v1": 600}
        assert not mesh.origins["v2-a"].requests
        mesh.weigh(v1=90, v2=10)
        assert (await asked(clients, 50))["v2"] == 30


@pytest.mark.parametrize("share", [1, 5, 25, 50, 75])
async def test_shares_are_within_two_points_while_endpoints_come_and_go(share):
    async with meshing("v1-a", "v1-b", "v1-c", "v2-a", "v2-b") as mesh:
        mesh.see("v1-a", "v2-a")
        mesh.weigh(v1=100 - share, v2=share)
        clients = await mesh.clients(12)
        async with Tasks("load") as tasks:
            load = tasks.spawn("load", asked(clients, 200))
            others = await mesh.clients(1)
            while not load.done():
                for names in (("v1-a", "v1-b", "v2-a"), ("v1-a", "v1-b", "v1-c", "v2-a", "v2-b"), ("v1-a", "v2-a")):
                    mesh.see(*names)
                    await asked(others, 1)
            found = await load
        assert found.total() == 2400
        assert abs(100 * found["v2"] / found.total() - share) <= 2


async def test_no_request_reaches_a_version_without_weight_sticky_clients_and_kept_connections_included():
    async with meshing("v1-a", "v1-b", "v2-a", "v2-b") as mesh:
        mesh.see("v1-a", "v1-b", "v2-a", "v2-b", settings=STICKY)
        browsers = [Browser(client) for client in await mesh.clients(30)]
        for v1, v2 in ((100, 0), (90, 10), (50, 50), (0, 100), (100, 0)):
            mesh.weigh(v1=v1, v2=v2)
            before = {name: len(origin.requests) for name, origin in mesh.origins.items()}
            for _ in range(4):
                await asyncio.gather(*(browser.ask() for browser in browsers))
            met = {name.partition("-")[0] for name, one in mesh.origins.items() if len(one.requests) > before[name]}
            assert met <= {name for name, weight in (("v1", v1), ("v2", v2)) if weight}
            stays = [browser.where for browser in browsers]
            await asyncio.gather(*(browser.ask() for browser in browsers))
            assert [browser.where for browser in browsers] == stays


async def test_a_sticky_client_stays_while_its_version_has_any_weight():
    async with meshing("v1-a", "v1-b", "v2-a") as mesh:
        mesh.see("v1-a", "v1-b", "v2-a", settings=STICKY)
        mesh.weigh(v1=100, v2=0)
        browsers = [Browser(client) for client in await mesh.clients(12)]
        places = [await browser.ask() for browser in browsers]
        for v1 in (95, 50, 1):
            mesh.weigh(v1=v1, v2=100 - v1)
            assert [await browser.ask() for browser in browsers] == places


@pytest.mark.parametrize("key", ["header:x-user", "cookie:user"])
async def test_a_split_keeps_each_client_on_its_side_on_every_worker_and_a_raised_share_only_adds(key):
    async with meshing("v1-a", "v1-b", "v2-a", "v2-b") as mesh:
        mesh.see("v1-a", "v1-b", "v2-a", "v2-b", settings={"balance.split": key})
        clients = await mesh.clients(WORKERS)
        field = b"X-User: %d\r\n" if key.startswith("header") else b"Cookie: a=b; user=%d\r\n"
        users = range(200)
        before = set()
        for share in (5, 25, 50, 100):
            mesh.weigh(v1=100 - share, v2=share)
            sides = [await asked(clients, 2, field % user) for user in users]
            assert all(len(side) == 1 for side in sides)
            new = {user for user, side in zip(users, sides, strict=True) if "v2" in side}
            assert before <= new
            assert abs(len(new) - 2 * share) <= 16
            before = new
        assert {name for name, one in mesh.origins.items() if one.requests} == set(mesh.origins)


async def test_a_preview_is_met_by_header_or_cookie_before_any_share_and_by_nobody_else():
    async with meshing("v1-a", "v2-a") as mesh:
        mesh.see("v1-a", "v2-a", settings=STICKY)
        clients = await mesh.clients(WORKERS)
        assert await asked(clients, 4, b"X-Preview: v2\r\n") == {"v1": 4 * WORKERS}
        for weights in ({}, {"v1": 100, "v2": 0}):
            mesh.weigh({"web": PREVIEW}, **weights)
            assert await asked(clients, 4, b"X-Preview: v2\r\n") == {"v2": 4 * WORKERS}
            assert await asked(clients, 4, b"Cookie: a=1; preview=on\r\n") == {"v2": 4 * WORKERS}
            assert await asked(clients, 4, b"X-Preview: v1\r\nCookie: preview=off\r\n") == {"v1": 4 * WORKERS}
        browser = Browser(clients[0])
        response = await clients[0].ask(get(extra=b"X-Preview: v2\r\n"))
        browser.cookie = response.headers["set-cookie"].partition(";")[0]
        assert await browser.ask() == "v1-a"
        mesh.weigh(v1=100, v2=0)
        assert await asked(clients, 4, b"X-Preview: v2\r\n") == {"v1": 4 * WORKERS}


async def test_sticky_clients_that_are_parted_by_key_follow_the_share_and_keep_their_endpoint():
    settings = STICKY | {"balance.split": "header:x-user"}
    async with meshing("v1-a", "v1-b", "v2-a", "v2-b") as mesh:
        mesh.see("v1-a", "v1-b", "v2-a", "v2-b", settings=settings)
        browsers = [Browser(client, b"X-User: %d\r\n" % user) for user, client in enumerate(await mesh.clients(120))]
        before = set()
        for share in (0, 10, 50, 100):
            mesh.weigh(v1=100 - share, v2=share)
            places = [await browser.ask() for browser in browsers]
            assert places == [await browser.ask() for browser in browsers]
            new = {at for at, place in enumerate(places) if place.startswith("v2")}
            assert before <= new
            assert abs(len(new) - 1.2 * share) <= 15
            before = new

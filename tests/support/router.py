"""A running router on port 0 of loopback, following a table that is built from plain values."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from tests.support.client import Client
from tidegate.config import HttpConfig
from tidegate.model import Address, Backend, Endpoint, HealthState, Route, Service, TrafficMode
from tidegate.policy import Filters, ForwardAuth, Limits, Policy
from tidegate.router.listener import bind
from tidegate.router.upstream import Upstream
from tidegate.router.worker import Router
from tidegate.routing import Delta, RoutingTable
from tidegate.tasks import Tasks

DEADLINE = 10.0


def endpoint(address, service="web", **values):
    """An endpoint that is ready at (host, port)."""
    host, port = address
    values = {"id": f"{service}-{port}:80", "state": HealthState.HEALTHY, "port": 80, **values}
    return Endpoint(
        instance=values["id"], name=values["id"], service=service, address=Address(host=host, port=port), **values
    )


def upstreams(number, **values):
    """Live sides of that many endpoints, on ports from 1001 on."""
    ready = [endpoint(("127.0.0.1", 1001 + at), **values) for at in range(number)]
    return [Upstream(one, one.address, lambda _: None) for one in ready]


def service(key, *endpoints):
    return Service(key=key, name=key, endpoints=endpoints)


def route(host="a.test", path="/", backends=None, *, mode=TrafficMode.NORMAL, message="", match=None, **policy):
    """A route; `backends` maps a service to its weight, `policy` are sections of its policy."""
    named = {"web": 100} if backends is None else backends
    parts = tuple(Backend(service=key, weight=weight) for key, weight in named.items())
    return Route(
        id=host + path + (f"#{match}" if match else ""),
        host=host,
        path=path,
        backends=parts,
        mode=mode,
        message=message,
        match=match,
        policy=Policy(**policy),
    )


def filtered(path="/", limits=None, match=None, **filters):
    """A route with filters."""
    return route(path=path, match=match, filters=Filters(**filters), limits=limits or Limits())


def asking(authority, **values):
    """A route whose requests an authority is asked about."""
    return filtered(forward_auth=ForwardAuth(url=f"http://127.0.0.1:{authority.address[1]}/check", **values))


def table_of(version, routes, services):
    return RoutingTable(
        version=version, routes={one.id: one for one in routes}, services={one.key: one for one in services}
    )


def difference(old, new):
    """The delta between two tables."""
    return Delta(
        base=old.version,
        version=new.version,
        routes=_changed(old.routes, new.routes),
        services=_changed(old.services, new.services),
    )


def _changed(old, new):
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    return changed | dict.fromkeys(key for key in old if key not in new)


class Running:
    """The router, what it told (`failures`, `drained`), and the table it follows."""

    def __init__(self, config, on_failure=None, parts=None, tls=None):
        self.failures = []
        self.drained = []
        failed = on_failure or (lambda name, reason: self.failures.append((name, reason)))
        parts = {**(parts or {}), **(tls or {})}
        self.router = Router(config, on_failure=failed, on_drained=self.drained.append, **parts)
        self.table = RoutingTable()
        self.listening = bind(Address(host="127.0.0.1", port=0))
        self.address = self.listening.getsockname()
        self.secure = [bind(Address(host="127.0.0.1", port=0))] if tls else []
        self.secure_address = self.secure[0].getsockname() if tls else None
        self.peers = [bind(Address(host="127.0.0.1", port=0))] if "node" in parts else []
        self.done = asyncio.Event()

    @property
    def peer(self):
        """Where routers of other nodes may ask."""
        return Address(host="127.0.0.1", port=self.peers[0].getsockname()[1])

    @property
    def core(self):
        return self.router.core

    @property
    def upstreams(self):
        return list(self.router.book.upstreams.values())

    def publish(self, routes=None, services=None):
        """Publish a table; what is not given stays."""
        new = table_of(
            self.table.version + 1,
            self.table.routes.values() if routes is None else routes,
            self.table.services.values() if services is None else services,
        )
        delta = difference(self.table, new)
        self.table = new
        self.router.apply(new, delta)

    def serve(self, *origins, routes=None, **values):
        """Publish service `web` with these origins behind routes (`a.test/`, if none are given)."""
        ready = [endpoint(one.address, **values) for one in origins]
        self.publish([route()] if routes is None else routes, [service("web", *ready)])

    async def client(self):
        return await Client.connect(self.address)

    async def run(self):
        try:
            await self.router.run([self.listening], self.secure, peers=self.peers)
        finally:
            self.done.set()

    async def at_rest(self):
        """Wait until nothing is in flight and no client connection is open."""
        await until(lambda: not self.core.connections and all(one.in_flight == 0 for one in self.upstreams))


def waiting(mesh):
    """How many requests wait on routes."""
    return sum(len(live.waiting) for live in mesh.router.book.routes.values())


async def until(condition):
    """Let the loop run until `condition()` holds; fails after the deadline."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110  counters of the code under test tell no event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(*origins, config=None, on_failure=None, parts=None, tls=None, **values):
    """A running router; with origins, they serve `web` behind `a.test/`. `parts` are more of the router's arguments, `tls`
    those for HTTPS: with them it listens there too, at `secure_address`."""
    mesh = Running(config or quick(), on_failure, parts, tls)
    if origins or values:
        mesh.serve(*origins, **values)
    async with Tasks("test") as tasks:
        tasks.spawn("router", mesh.run())
        try:
            yield mesh
        finally:
            mesh.router.stop()


def quick(**values):
    """Settings without an access log and with a short drain."""
    return HttpConfig(**{"access_log": "", "drain_seconds": 1.0, **values})

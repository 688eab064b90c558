"""The scenarios of `deploys`: what happens to the containers, and what is counted meanwhile.

Each takes a `Stand` (a running proxy, its engine, actors) and gives figures: `requests` and `failed` among them, the worst
answer in ms, and where something comes up `live_*_ms` from its `start` event to the first good answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager

from bench.fake_dockerd import Container
from bench.macro import loopback, websockets
from bench.macro.actors import Actor, Silent
from bench.macro.asker import Asker, until_live
from bench.macro.engine_program import FakeEngine
from bench.macro.program import free_port
from bench.macro.sample import Absent, Value
from bench.macro.steady import Steady
from bench.macro.summary import percentile

FEW, MANY = 10, 500
BEFORE_SECONDS = 0.5  # traffic before the first event
AFTER_SECONDS = 1.5  # and after the last
EXIT_SECONDS = 2.0  # from SIGTERM to exit
PORT_SECONDS = 3.0  # from start to an open port
NETWORK_STARTS = 12
BURST, BURST_GAP_SECONDS = 10, 0.15
POLL_SECONDS = 0.005
ECHO_SECONDS = 0.05
LIVE_SECONDS = 15.0
STANDING = "standing.bench.test"  # a service that no scenario touches


class Stand:
    """One proxy under test on 127.0.0.1:`port`, the engine it follows, and the actors of its containers."""

    def __init__(self, name: str, port: int, engine: FakeEngine) -> None:
        self.name = name
        self.port = port
        self.engine = engine
        self._addresses = loopback.addresses(60000, first=200)
        self._actors: list[Actor] = []
        self._silent: list[Silent] = []
        self._inside = free_port()

    async def fill(self, count: int) -> None:
        """`count` containers that run before the proxy starts: one service under steady traffic, the others quiet."""
        first, *rest = [self.container(f"quiet-{number}") for number in range(count)]
        standing = self.container("standing")
        await self.actor(standing)
        await self.actor(first)
        await asyncio.to_thread(self.engine.fill, [standing, first, *rest])

    async def wait_ready(self, seconds: float) -> None:
        await until_live(self.port, STANDING, seconds, poll=0.05)

    def container(self, name: str, *, service: str = "", **more: object) -> Container:
        """A new one with an address of its own; its host is `SERVICE.bench.test` unless `host` says otherwise."""
        service = service or name
        host = str(more.pop("host", f"{service}.bench.test"))
        fields = {"ip": next(self._addresses), "port": self._inside, "host": host}
        return Container(name=name, service=service, **fields, **more)  # type: ignore[arg-type]

    async def actor(self, container: Container, *, opened: bool = True) -> Actor:
        """The one who plays `container`."""
        actor = Actor(container.ip, container.port)
        self._actors.append(actor)
        if opened:
            await actor.open()
        return actor

    async def start(self, *containers: Container) -> float:
        """Tells the engine; the moment of the event."""
        return await asyncio.to_thread(self.engine.add, list(containers))

    def silent(self) -> str:
        """An address that answers nothing."""
        ip = next(self._addresses)
        self._silent.append(Silent(ip, self._inside))
        return ip

    async def live(self, host: str, began: float) -> float:
        """Seconds since `began` when `host` first answered."""
        return await until_live(self.port, host, LIVE_SECONDS, poll=POLL_SECONDS) - began

    @asynccontextmanager
    async def traffic(self, host: str, owners: Collection[str] = ()) -> AsyncIterator[Steady]:
        """Requests before, during and after what happens inside."""
        steady = Steady(self.port, host, owners=owners)
        async with asyncio.TaskGroup() as group:
            group.create_task(steady.run())
            await asyncio.sleep(BEFORE_SECONDS)
            yield steady
            await asyncio.sleep(AFTER_SECONDS)
            steady.stop()

    def close(self) -> None:
        for actor in self._actors:
            actor.end()
        for silent in self._silent:
            silent.close()


class Scenario(Value):
    """One row of the table. `known` is how many containers the engine has."""

    case: str
    play: Callable[[Stand], Awaitable[dict[str, float]]]
    known: int = FEW


async def old_stops(stand: Stand) -> dict[str, float]:
    """Two replicas serve; the old one is told to stop, closes its port at once and exits 2 s later."""
    old, new = stand.container("old-1", service="old"), stand.container("old-2", service="old")
    leaving, staying = await stand.actor(old), await stand.actor(new)
    await stand.start(old, new)
    await stand.live(old.host, time.monotonic())
    await _until_asked(stand, old.host, (leaving, staying))
    async with stand.traffic(old.host) as steady:
        leaving.close_port()  # before the event: the engine tells of a signal after sending it
        await asyncio.to_thread(stand.engine.kill, old.id)
        await asyncio.sleep(EXIT_SECONDS)
        leaving.end()
        await asyncio.to_thread(stand.engine.die, old.id)
    return steady.figures()


async def new_is_slow(stand: Stand) -> dict[str, float]:
    """One replica serves; a second is started and opens its port 3 s later."""
    old, new = stand.container("slow-1", service="slow"), stand.container("slow-2", service="slow")
    await stand.actor(old)
    coming = await stand.actor(new, opened=False)
    await stand.start(old)
    await stand.live(old.host, time.monotonic())
    async with stand.traffic(old.host) as steady:
        await stand.start(new)
        await asyncio.sleep(PORT_SECONDS)
        await coming.open()
    return steady.figures()


async def changed_rule(stand: Stand) -> dict[str, float]:
    """A second container of the same service carries another rule (`/v2` only), as in a start-first deploy of new labels."""
    old = stand.container("rule-1", service="rule")
    new = stand.container("rule-2", service="rule", path="/v2")
    await stand.actor(old)
    await stand.actor(new)
    return await _second_arrives(stand, old, new, owners=())


async def taken_host(stand: Stand) -> dict[str, float]:
    """A container of another project claims a host that is served already: an answer from it is a failure too."""
    old = stand.container("mine-1", service="mine")
    new = stand.container("thief-1", service="thief", project="other", host=old.host)
    await stand.actor(old)
    await stand.actor(new)
    return await _second_arrives(stand, old, new, owners=(old.ip,))


async def two_networks(stand: Stand) -> dict[str, float]:
    """Twelve containers on two networks each, the address on one of which answers nothing to the proxy."""
    made = []
    for number in range(NETWORK_STARTS):
        container = stand.container(f"net-{number}")
        networks = {"back": stand.silent(), "front": container.ip}
        made.append(
            Container(
                name=container.name,
                service=container.service,
                host=container.host,
                ip=container.ip,
                port=container.port,
                networks=networks,
            )
        )
        await stand.actor(made[-1])
    await stand.start(*made)
    await asyncio.sleep(PORT_SECONDS)  # every proxy has its configuration by then
    asked = [Steady(stand.port, container.host, rate=10.0) for container in made]
    async with asyncio.TaskGroup() as group:
        for steady in asked:
            group.create_task(steady.run())
        await asyncio.sleep(AFTER_SECONDS)
        for steady in asked:
            steady.stop()
    each = [steady.figures() for steady in asked]
    worst = max(figures["worst_ms"] for figures in each)
    unreachable = sum(figures["failed"] > 0 for figures in each)
    return {
        "requests": sum(f["requests"] for f in each),
        "failed": sum(f["failed"] for f in each),
        "worst_ms": worst,
        "unreachable": float(unreachable),
    }


async def socket_stays(stand: Stand) -> dict[str, float]:
    """A WebSocket is open while an unrelated container starts and ends. Each echo is a request; a client that is cut off
    connects again."""
    other = stand.container("unrelated")
    actor = await stand.actor(other)
    session = await websockets.Session.open(stand.port, STANDING)
    asked = closed = 0

    async def talk(seconds: float) -> None:
        nonlocal asked, closed, session
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            asked += 1
            if not await session.ask(b"%d" % asked):
                closed += 1
                session = await websockets.Session.open(stand.port, STANDING)
            await asyncio.sleep(ECHO_SECONDS)

    await talk(BEFORE_SECONDS)
    began = await stand.start(other)
    await asyncio.gather(talk(AFTER_SECONDS), stand.live(other.host, began))
    actor.end()
    await asyncio.to_thread(stand.engine.die, other.id)
    await talk(AFTER_SECONDS)
    session.close()
    return {"requests": float(asked), "failed": float(closed), "sockets_closed": float(closed)}


async def burst(stand: Stand) -> dict[str, float]:
    """Ten containers start 150 ms apart; each is asked until it answers. Requests are those of a service beside them."""
    made = [stand.container(f"burst-{number}") for number in range(BURST)]
    for container in made:
        await stand.actor(container)
    async with stand.traffic(STANDING) as steady, asyncio.TaskGroup() as group:
        waits = []
        for container in made:
            began = await stand.start(container)
            waits.append(group.create_task(stand.live(container.host, began)))
            await asyncio.sleep(BURST_GAP_SECONDS)
    lives = [wait.result() for wait in waits]
    return steady.figures() | _lives(lives)


async def one_among_many(stand: Stand) -> dict[str, float]:
    """One container starts where 500 run; API calls for it are counted."""
    container = stand.container("one")
    await stand.actor(container)
    await asyncio.to_thread(stand.engine.reset)
    async with stand.traffic(STANDING) as steady:
        lives = [await stand.live(container.host, await stand.start(container))]
    calls = await asyncio.to_thread(stand.engine.counters)
    return (
        steady.figures()
        | _lives(lives)
        | {"inspects": float(calls.get("inspect", 0)), "lists": float(calls.get("list", 0))}
    )


SCENARIOS = (
    Scenario(case="1 old closes its port at SIGTERM, exits 2 s later", play=old_stops),
    Scenario(case="2 new opens its port 3 s after start", play=new_is_slow),
    Scenario(case="3a same service, changed rule", play=changed_rule),
    Scenario(case="3b another project claims the host", play=taken_host),
    Scenario(case="4 two networks, one shared, 12 starts", play=two_networks),
    Scenario(case="5 WebSocket across an unrelated change", play=socket_stays),
    Scenario(case="6 burst of 10 starts, 150 ms apart", play=burst),
    Scenario(case="7 one start among 500", play=one_among_many, known=MANY),
)


async def _second_arrives(stand: Stand, old: Container, new: Container, owners: Collection[str]) -> dict[str, float]:
    """Traffic to `old` for as long as it takes every proxy to follow, then `new` ends again."""
    await stand.start(old)
    await stand.live(old.host, time.monotonic())
    async with stand.traffic(old.host, owners) as steady:
        await stand.start(new)
        await asyncio.sleep(PORT_SECONDS)
    await asyncio.to_thread(stand.engine.die, new.id)
    return steady.figures()


async def _until_asked(stand: Stand, host: str, actors: Collection[Actor]) -> None:
    """Every one of `actors` has answered a request."""
    asker, deadline = Asker(stand.port, host), time.monotonic() + LIVE_SECONDS
    while not all(actor.requests for actor in actors):
        if time.monotonic() > deadline:
            raise Absent("a second replica never got a request")
        await asker.ask()
        await asyncio.sleep(POLL_SECONDS)
    asker.close()


def _lives(lives: list[float]) -> dict[str, float]:
    return {"live_p50_ms": percentile(lives, 0.5) * 1e3, "live_worst_ms": max(lives) * 1e3}

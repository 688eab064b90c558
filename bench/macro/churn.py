"""What an engine event costs and how soon it counts, against a scripted engine (`bench/fake_dockerd.py`).

Three questions, each with few and with many containers known: from a `start` event to the first answer through the new route, one at
a time and in a burst; from a `kill` event to the last request that container is sent; API calls for each event. Both clocks are the
machine's monotonic one. A peer only sees the engine's socket and its own listener.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvloop

from bench.fake_dockerd import Container
from bench.macro import loopback
from bench.macro.asker import Asker, until_live
from bench.macro.engine_program import FakeEngine
from bench.macro.followers import Follower, Tidegate, Traefik
from bench.macro.program import PROXY_CORE, Program, free_port
from bench.macro.proxies import PROXIES
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent, plainly
from bench.macro.summary import percentile

BENCH = "churn"
SIZES = (10, 1000)
LARGE = (100, 10000)  # one event among so many endpoints
SINGLES = 20
BURST = 50
BURST_GAP_SECONDS = 0.02
POLL_SECONDS = 0.002
LIVE_DEADLINE_SECONDS = 20.0
KILLS = 5
KILL_RATE = 200.0
KILL_WATCH_SECONDS = 1.0
READY_SECONDS = 90.0


FOLLOWERS = (Tidegate(), Traefik("traefik", "2s"), Traefik("traefik-0s", "0s"))


def measure(plan: Plan, record: Record) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_measure(plan, record))


async def _measure(plan: Plan, record: Record) -> None:
    endpoints = loopback.Endpoints()
    await endpoints.start()
    try:
        for follower in FOLLOWERS:
            if plan.wants(follower.name.partition("-")[0]):
                await _measure_one(plan, record, follower, endpoints)
    finally:
        await endpoints.stop()


async def _measure_one(plan: Plan, record: Record, follower: Follower, endpoints: loopback.Endpoints) -> None:
    product = follower.name.partition("-")[0]
    try:
        record.note_version(product, (PROXIES[product].find(), PROXIES[product].version_argument))
    except Absent as why:
        record.miss(BENCH, "start", follower.name, why)
        return
    for size in SIZES:
        await _guarded(plan, record, follower, size, endpoints, _all_questions)
    for size in LARGE if follower.name == "tidegate" else ():
        await _guarded(plan, record, follower, size, endpoints, _large_question)


async def _guarded(
    plan: Plan, record: Record, follower: Follower, size: int, endpoints: loopback.Endpoints, ask: Ask
) -> None:
    case = f"{size} containers"
    try:
        for turn in range(1, min(plan.rounds, 3) + 1):
            with _stage(plan, follower, size, turn, endpoints) as stage:
                await stage.wait_ready()
                with plainly():
                    await ask(stage, record, case, turn)
    except Absent as why:
        label = "one event" if ask is _large_question else "start to live"
        record.miss(BENCH, f"{label}, {case}", follower.name, why)


class Stage:
    """One proxy, one engine with `size` containers, and endpoints that all answer."""

    def __init__(
        self, name: str, program: Program, port: int, engine: FakeEngine, endpoints: loopback.Endpoints
    ) -> None:
        self.name = name
        self.program = program
        self.port = port
        self.engine = engine
        self.endpoints = endpoints
        self._number = 0
        self._addresses = loopback.addresses(60000, first=100)

    def containers(self, count: int, *, replicas_of: str = "") -> list[Container]:
        """New ones; each its own service and host, or all replicas of one."""
        made = []
        for _ in range(count):
            self._number += 1
            name = f"c{self._number}"
            service = replicas_of or name
            made.append(
                Container(
                    name=name,
                    host=f"{service}.bench.test",
                    ip=next(self._addresses),
                    port=self.endpoints.port,
                    service=service,
                )
            )
        return made

    async def wait_ready(self) -> None:
        """The proxy serves the first and the last of the containers it started with."""
        for host in ("p0.bench.test", self.engine.last_host):
            await until_live(self.port, host, READY_SECONDS, poll=0.05)


Ask = Callable[[Stage, Record, str, int], Awaitable[None]]


@contextmanager
def _stage(plan: Plan, follower: Follower, size: int, turn: int, endpoints: loopback.Endpoints) -> Iterator[Stage]:
    folder = plan.folder / f"churn-{follower.name}-{size}-{turn}"
    folder.mkdir()
    listen = free_port()
    launch = follower.launch(str(folder / "engine.sock"), f"127.0.0.1:{listen}", folder)
    engine = FakeEngine(folder)
    program = None
    try:
        engine.fill(_population(size, endpoints.port))
        program = Program(follower.name, launch, folder, PROXY_CORE)
        program.wait_ready("127.0.0.1", listen, seconds=READY_SECONDS)
        yield Stage(follower.name, program, listen, engine, endpoints)
    finally:
        if program:
            program.stop()
        engine.stop()


def _population(size: int, port: int) -> list[Container]:
    """`size` containers in services of up to ten replicas."""
    found = []
    for number, ip in enumerate(loopback.addresses(size)):
        service = f"p{number // 10}"
        found.append(Container(name=f"p-{number}", host=f"{service}.bench.test", ip=ip, port=port, service=service))
    return found


# ------------------------------------------------------------------------------------------------------ the questions


async def _all_questions(stage: Stage, record: Record, case: str, turn: int) -> None:
    record.add(BENCH, f"start to live, {case}", stage.name, turn, **await _singles(stage))
    record.add(BENCH, f"burst of {BURST}, {case}", stage.name, turn, **await _burst(stage))
    record.add(BENCH, f"kill to last request, {case}", stage.name, turn, **await _kills(stage))


async def _large_question(stage: Stage, record: Record, case: str, turn: int) -> None:
    record.add(BENCH, f"one event, {case}", stage.name, turn, **await _singles(stage))


async def _singles(stage: Stage) -> dict[str, float]:
    """One container at a time, while a request each millisecond to an old route shows any pause."""
    stage.engine.reset()
    waits = []
    async with asyncio.TaskGroup() as group:
        pauses = group.create_task(_worst_pause(stage.port, "p0.bench.test", stop := asyncio.Event()))
        for _ in range(SINGLES):
            waits.append(await _start_one(stage, POLL_SECONDS))
            await asyncio.sleep(0.05)  # events that come apart, not a burst
        stop.set()
    calls = stage.engine.counters()
    return {
        "p50_ms": percentile(waits, 0.5) * 1e3,
        "p99_ms": percentile(waits, 0.99) * 1e3,
        "inspects_per_event": calls.get("inspect", 0) / SINGLES,
        "lists_per_event": calls.get("list", 0) / SINGLES,
        "worst_pause_ms": pauses.result() * 1e3,
    }


async def _burst(stage: Stage) -> dict[str, float]:
    """Many containers 20 ms apart; pollers slow down together so that asking does not become the load."""
    stage.engine.reset()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for _ in range(BURST):
            tasks.append(group.create_task(_start_one(stage, POLL_SECONDS * 5)))
            await asyncio.sleep(BURST_GAP_SECONDS)  # the gap between two starts is the script
    waits = [task.result() for task in tasks]
    calls = stage.engine.counters()
    return {
        "p50_ms": percentile(waits, 0.5) * 1e3,
        "p99_ms": percentile(waits, 0.99) * 1e3,
        "inspects_per_event": calls.get("inspect", 0) / BURST,
    }


async def _kills(stage: Stage) -> dict[str, float]:
    """Two replicas under constant load; one is told to stop. Its last request, and every failed one, is counted."""
    waits, failed = [], 0
    for number in range(KILLS):
        pair = stage.containers(2, replicas_of=f"victim{number}")
        await asyncio.to_thread(stage.engine.add, pair)
        await until_live(stage.port, pair[0].host, LIVE_DEADLINE_SECONDS, poll=0.01)
        await _until_both(stage, pair)
        async with asyncio.TaskGroup() as group:
            load = group.create_task(_steady(stage.port, pair[0].host, stop := asyncio.Event()))
            await asyncio.sleep(0.2)  # load before the event
            at = await asyncio.to_thread(stage.engine.kill, pair[0].id)
            await asyncio.sleep(KILL_WATCH_SECONDS)  # the time the container takes to stop
            await asyncio.to_thread(stage.engine.die, pair[0].id)
            stop.set()
        waits.append(max(0.0, stage.endpoints.last_request.get(pair[0].ip, 0.0) - at))
        failed += load.result()
    return {"p50_ms": percentile(waits, 0.5) * 1e3, "worst_ms": max(waits) * 1e3, "failed": float(failed)}


async def _start_one(stage: Stage, poll: float) -> float:
    """Seconds from the event of one new container to the first good answer through its route."""
    [container] = stage.containers(1)
    at = await asyncio.to_thread(stage.engine.add, [container])
    return await until_live(stage.port, container.host, LIVE_DEADLINE_SECONDS, poll=poll) - at


async def _until_both(stage: Stage, pair: list[Container]) -> None:
    deadline = time.monotonic() + LIVE_DEADLINE_SECONDS
    while not all(each.ip in stage.endpoints.last_request for each in pair):
        if time.monotonic() > deadline:
            raise Absent("the second replica never got a request")
        await until_live(stage.port, pair[0].host, LIVE_DEADLINE_SECONDS, poll=0.01)


# ------------------------------------------------------------------------------------------------------ the clients


async def _worst_pause(port: int, host: str, stop: asyncio.Event) -> float:
    """The longest answer seen, in seconds, asking every millisecond until told to stop."""
    asker, worst = Asker(port, host), 0.0
    while not stop.is_set():
        began = time.monotonic()
        await asker.ask()
        worst = max(worst, time.monotonic() - began)
        await asyncio.sleep(0.001)
    asker.close()
    return worst


async def _steady(port: int, host: str, stop: asyncio.Event) -> int:
    """KILL_RATE requests a second over four connections; how many did not answer 200."""
    askers = [Asker(port, host) for _ in range(4)]
    failed = 0

    async def stream(asker: Asker) -> None:
        nonlocal failed
        while not stop.is_set():
            failed += await asker.ask() != 200
            await asyncio.sleep(len(askers) / KILL_RATE)

    async with asyncio.TaskGroup() as group:
        for asker in askers:
            group.create_task(stream(asker))
    for asker in askers:
        asker.close()
    return failed

"""What a deploy costs its users: requests that fail while containers come and go, with every proxy's defaults.

A scripted engine (`bench/fake_dockerd.py`) tells each proxy what happens; `actors` play the containers, each on an address of
its own; `steady` asks 100 times a second throughout. `traefik-retry` is Traefik with its retry middleware (3 attempts) on every
route. Caddy is the stock program, configured as caddy-docker-proxy would (`caddy_push`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop

from bench.macro import deploy_scenarios
from bench.macro.deploy_scenarios import SCENARIOS, Scenario, Stand
from bench.macro.engine_program import FakeEngine
from bench.macro.followers import Caddy, Companion, Follower, RetryingTraefik, Tidegate, Traefik
from bench.macro.program import PROXY_CORE, Program, free_port
from bench.macro.proxies import PROXIES
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent, plainly

BENCH = "deploys"
READY_SECONDS = 60.0
FOLLOWERS: tuple[Follower, ...] = (
    Tidegate(),
    Traefik("traefik", "2s"),
    RetryingTraefik("traefik-retry", "2s"),
    Caddy(),
)


def measure(plan: Plan, record: Record) -> None:
    """A round is some two and a half minutes; `plan.seconds` has no part in it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for turn in range(1, plan.rounds + 1):
            for follower in FOLLOWERS:
                if plan.wants(follower.name):
                    runner.run(_one_round(plan, record, follower, turn))


async def _one_round(plan: Plan, record: Record, follower: Follower, turn: int) -> None:
    """All scenarios in turn on one running proxy with few containers, the last on one with 500."""
    product = follower.name.partition("-")[0]
    try:
        record.note_version(product, (PROXIES[product].find(), PROXIES[product].version_argument))
        few = [scenario for scenario in SCENARIOS if scenario.known == deploy_scenarios.FEW]
        many = [scenario for scenario in SCENARIOS if scenario.known != deploy_scenarios.FEW]
        for group in (few, many):
            with plainly():
                async with _stand(plan, follower, turn, group[0].known) as stand:
                    for scenario in group:
                        await _play(record, scenario, stand, turn)
    except Absent as why:
        record.miss(BENCH, "start", follower.name, why)


async def _play(record: Record, scenario: Scenario, stand: Stand, turn: int) -> None:
    """One scenario; what keeps it from an end is noted for it alone."""
    try:
        with plainly():
            figures = await scenario.play(stand)
    except Absent as why:
        record.miss(BENCH, scenario.case, stand.name, why)
    else:
        record.add(BENCH, scenario.case, stand.name, turn, **figures)


@asynccontextmanager
async def _stand(plan: Plan, follower: Follower, turn: int, known: int) -> AsyncIterator[Stand]:
    """A running proxy that serves the containers it started with."""
    folder = plan.folder / f"deploys-{follower.name}-{known}-{turn}"
    folder.mkdir()
    port = free_port()
    listen = f"127.0.0.1:{port}"
    launch = follower.launch(str(folder / "engine.sock"), listen, folder)
    engine, program = await asyncio.to_thread(FakeEngine, folder), None
    stand = Stand(follower.name, port, engine)
    try:
        await stand.fill(known)
        program = Program(follower.name, launch, folder, PROXY_CORE)
        await asyncio.to_thread(program.wait_ready, "127.0.0.1", port, seconds=READY_SECONDS)
        async with _beside(follower.companion(str(folder / "engine.sock"), listen)):
            await stand.wait_ready(READY_SECONDS)
            yield stand
    finally:
        stand.close()
        if program:
            program.stop()
        engine.stop()


@asynccontextmanager
async def _beside(companion: Companion | None) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(companion.run()) if companion else None
        yield
        if task:
            task.cancel()

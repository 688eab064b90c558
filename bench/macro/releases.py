"""What a release costs those who use the service, on a real Docker Engine: v2 in the place of v1, four containers each, with every proxy
as its users do it (`releasers`), under a `crowd`. A good v2, one that never gets ready, one that answers 5 % with errors, one that crashes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import click
import uvloop

from bench.macro import replica_image
from bench.macro.asker import until_live
from bench.macro.crowd import Crowd, share_of
from bench.macro.dockerd import Dockerd
from bench.macro.program import Program, descriptors, free_port
from bench.macro.proxies import PROXIES
from bench.macro.record import Plan, Record
from bench.macro.releasers import WAYS, Tidegate, Way
from bench.macro.sample import Absent, Value, plainly
from bench.macro.stage import HOST, Stage

BENCH = "releases"
REPLICAS = 4
LIVE_SECONDS = 30.0
BEFORE_SECONDS = 3.0
AFTER_SECONDS = 10.0
LEAST_SECONDS = 45.0  # from the begin of a release: longer than a version takes to crash
LAST_SECONDS = 2.0  # in which is looked who serves at the end


class Case(Value):
    """One row of cases: what is wrong with v2, as its containers are told."""

    title: str
    bad: dict[str, str] = {}


CASES = (
    Case(title="1 v2 is good"),
    Case(title="2 v2 never gets ready", bad={"NEVER": "1"}),
    Case(title="3 v2 answers 5 % with 503", bad={"ERRORS": "20"}),
    Case(title="4 v2 crashes after 30 s", bad={"CRASH": "30"}),
)


def measure(plan: Plan, record: Record) -> None:
    """A round is some thirty minutes; `plan.seconds` has no part in it."""
    descriptors()
    try:
        engine = Dockerd(plan.folder / "engine")
    except Absent as why:
        record.miss(BENCH, "start", "all", why)
        return
    try:
        replica_image.make(engine, plan.folder, ("v1", "v2"))
        record.versions["docker"] = engine.call("version", "--format", "{{.Server.Version}}")
        for turn in range(1, plan.rounds + 1):
            for case in (each for each in CASES if plan.case in each.title):
                for way in (each for each in WAYS if plan.wants(each.name)):
                    _one(plan, record, engine, case, way, turn)
    finally:
        engine.stop()


def _one(plan: Plan, record: Record, engine: Dockerd, case: Case, way: Way, turn: int) -> None:
    """One way in one case; what keeps it from an end is noted."""
    try:
        record.note_version(way.product, (PROXIES[way.product].find(), PROXIES[way.product].version_argument))
        with plainly(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            record.add(BENCH, case.title, way.name, turn, **runner.run(_through(plan, engine, case, way)))
    except (Absent, TimeoutError) as why:
        record.miss(BENCH, case.title, way.name, str(why) or "took too long")


async def _through(plan: Plan, engine: Dockerd, case: Case, way: Way) -> dict[str, float]:
    """One release, watched from before its begin until ten seconds after its end, and for 45 at least."""
    async with standing(plan, engine, way, REPLICAS) as (stage, port), Crowd(port, HOST) as crowd:
        await asyncio.sleep(BEFORE_SECONDS)
        began = time.monotonic()
        steps = await way.release(stage, case.bad)
        took = time.monotonic() - began
        await asyncio.sleep(max(AFTER_SECONDS, LEAST_SECONDS - took))
        ended = time.monotonic()
    tell(way, crowd.faults())
    last = [each.who for each in crowd.answers if each.due >= ended - LAST_SECONDS and each.who]
    figures = crowd.figures(steps) | {"took_seconds": took}
    return figures | ({"v2_at_end": share_of(last)} if last else {})


@asynccontextmanager
async def standing(plan: Plan, engine: Dockerd, way: Way, replicas: int) -> AsyncIterator[tuple[Stage, int]]:
    """v1 in containers and a proxy that serves them, until the block ends."""
    stage, port = Stage(engine, replicas), free_port()
    folder = plan.folder / f"{BENCH}-{way.name}-{time.monotonic_ns()}"
    folder.mkdir()
    program = None
    try:
        await stage.fill(way.labels())
        program = Program(way.name, way.launch(stage, f"127.0.0.1:{port}", folder), folder, None)
        await asyncio.to_thread(program.wait_ready, "127.0.0.1", port, seconds=LIVE_SECONDS)
        await until_live(port, HOST, LIVE_SECONDS, poll=0.05)
        yield stage, port
    finally:
        if program:
            program.stop()
        await stage.clear()


def tell(way: Way, faults: Iterable[str] | dict[str, int]) -> None:
    """What the table has no room for."""
    said = way.said if isinstance(way, Tidegate) else ""
    click.echo(f"  {way.name}: {faults or 'nothing failed'} {said}", err=True)

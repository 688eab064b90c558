"""A service bound by CPU on a real engine, its load, and what automatic scaling makes of it: `python -m bench autoscaling`.

Each container may use 15 % of a core. The load is open: light, then more than
one of them should have, then more than two, then light again. Each second is noted; at the end there is a table of the changes, the
failures counted, and a chart. With its period of 60 s the original's own rule takes 21 minutes; `--period 10` shows the same in a
sixth of that. Needs root, an engine of its own, and no other engine in its network namespace (`unshare --net` gives one).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec import json

from bench.macro import machine
from bench.macro.sample import Machine, Value
from bench.macro.summary import percentile
from bench.macro.timeline import Chart, Curve, svg
from tests.support.containers import containers
from tests.support.docker_engine import own_engine
from tests.support.load import Load
from tests.support.serve import running

HOST = "web.example.test"
HIGH, LOW, MOST = 35, 12, 4  # far below what one can do: on a host with other work it would fall behind first
CORES, BURN = (
    0.15,
    0.0015,
)  # little, so that a busy host can give it; less than 5 ms in 100 ms the kernel cannot share out
#: Requests per second, and for how many periods: none of it is more than those that are there can do, or what fails would say
#: nothing of scaling. One container manages 70.
PROFILE = ((4, 2), (30, 5), (60, 5), (4, 9))
CHART = Path(__file__).resolve().parents[2] / "docs" / "autoscaling.svg"


class Second(Value):
    """What was so at one time: seconds since the beginning, requests per second, CPU percent, replicas, and how many programs
    of the whole machine wanted a core (the load average of a minute)."""

    at: float
    rate: float
    cpu: float
    running: int
    wanted: int
    crowd: float


def labels(period: float) -> dict[str, str]:
    return {
        "tidegate.service": "shop/web",
        "aliyun.routing.port_80": f"http://{HOST}",
        "aliyun.routing.session_sticky": "false",
        "aliyun.auto_scaling.max_cpu": str(HIGH),
        "aliyun.auto_scaling.min_cpu": str(LOW),
        "aliyun.auto_scaling.max_instances": str(MOST),
        "aliyun.auto_scaling.period": f"{period:g}",
    }


class Show:
    """One run. `seconds` are noted as they pass."""

    def __init__(self, tidegate, period, profile):
        self.tidegate, self.period, self.profile = tidegate, period, profile
        self.began = time.monotonic()
        self.seconds: list[Second] = []
        self.loads: list[Load] = []

    async def run(self):
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch())
            for rate, periods in self.profile:
                await self._load(rate, periods * self.period)
            watching.cancel()
        return (await self.tidegate.api("/v1/scaling/shop/web"))["changes"]

    async def _load(self, rate, seconds):
        load = Load(self.tidegate.http, HOST, path=f"/burn/{BURN}", rate=rate, connections=8)
        self.loads.append(load)
        async with load:
            await asyncio.sleep(seconds)

    async def _watch(self):
        while True:
            with contextlib.suppress(OSError, TimeoutError, EOFError):
                await self._note()
            await asyncio.sleep(1)

    async def _note(self):
        (service,) = (await self.tidegate.api("/v1/scaling"))["scaling"] or [None]
        if service is None:
            return
        now = time.monotonic()
        answers = [each for load in self.loads for each in load.answers[-400:]]
        rate = sum(now - 2 <= each.ended < now for each in answers) / 2
        cpu = service["figures"].get("cpu", self.seconds[-1].cpu if self.seconds else 0.0)
        self.seconds.append(
            Second(
                at=round(now - self.began, 1),
                rate=rate,
                cpu=round(cpu, 2),
                running=service["running"],
                wanted=service["wanted"],
                crowd=round(os.getloadavg()[0], 1),
            )
        )


def drawn(seconds: list[Second], period: float) -> str:
    """The chart."""
    end = seconds[-1].at

    def curve(name, *, steps=False, ours=True):
        points = [(each.at, float(getattr(each, name))) for each in seconds]
        if steps:  # where it changes, and the end
            points = [
                at for last, at in zip([None, *points], points, strict=False) if not last or last[1] != at[1]
            ] + points[-1:]
        return Curve(name=name, points=tuple(points), steps=steps, ours=ours)

    bounds = ((float(HIGH), f"{HIGH}"), (float(LOW), f"{LOW}"))
    charts = [
        Chart(title="requests per second", curves=(curve("rate"),), top=120.0),
        Chart(
            title="CPU, percent of the limit, mean over the replicas", curves=(curve("cpu"),), top=110.0, marks=bounds
        ),
        Chart(
            title="replicas (grey: wanted)",
            curves=(curve("wanted", steps=True, ours=False), curve("running", steps=True)),
            top=float(MOST),
        ),
    ]
    return svg(f"Bounds {LOW} and {HIGH}, three periods of {period:g} s in a row", end, charts)


class Change(Value):
    """Another number of replicas was wanted, so many seconds after the beginning."""

    at: float
    current: int
    wanted: int
    why: str


class Result(Value):
    """One run, as it is stored."""

    date: str
    machine: Machine
    period: float
    requests: int
    failed: int
    p50_ms: float
    p99_ms: float
    changes: tuple[Change, ...]
    seconds: tuple[Second, ...]


async def measured(url: str, period: float, profile) -> tuple[Show, list[dict]]:
    async with containers(url) as box:
        await box.serve("web", labels(period), options=("--cpus", str(CORES)))
        with tempfile.TemporaryDirectory() as folder:
            async with running(Path(folder), docker=url) as tidegate:
                await tidegate.answers(HOST)
                show = Show(tidegate, period, profile)
                return show, await show.run()


def run(period: float, target: Path, *, readme: bool) -> int:
    """Show it, print the table, write the result, and the chart of the page where `readme`; how many requests failed."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-", ignore_cleanup_errors=True) as folder:
        engine = own_engine(Path(folder))
        show, changes = asyncio.run(measured(next(engine), period, PROFILE))
        with contextlib.suppress(StopIteration):
            next(engine)
    found = result(show, changes, began)
    click.echo(table(found))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(json.format(json.encode(found), indent=1) + b"\n")
    if readme:
        CHART.write_text(drawn(list(found.seconds), period))
    return found.failed


def result(show: Show, changes: list[dict], began: float) -> Result:
    """What the run found."""
    answers = [each for load in show.loads for each in load.answers]
    failures = [each for load in show.loads for each in load.failures]
    times = sorted(each.ended - each.began for each in answers)
    started = time.time() - (time.monotonic() - show.began)
    return Result(
        date=f"{datetime.fromtimestamp(began, UTC):%Y-%m-%d %H:%M}",
        machine=machine.facts(),
        period=show.period,
        requests=len(answers),
        failed=len(failures),
        p50_ms=1000 * percentile(times, 0.5),
        p99_ms=1000 * percentile(times, 0.99),
        changes=tuple(
            Change(at=each["when"] - started, current=each["current"], wanted=each["wanted"], why=each["why"])
            for each in changes
        ),
        seconds=tuple(show.seconds),
    )


def table(found: Result) -> str:
    """The changes, and what clients and the machine went through."""
    lines = [f"{each.at:6.0f} s  {each.current} -> {each.wanted}  {each.why}" for each in found.changes]
    crowd = [each.crowd for each in found.seconds]
    lines.append(
        f"{found.requests} requests, {found.failed} failed, p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms"
    )
    lines.append(
        f"{found.machine.cores} cores, load average {sum(crowd) / len(crowd):.1f} ({min(crowd):.1f} to {max(crowd):.1f})"
    )
    return "\n".join(lines)

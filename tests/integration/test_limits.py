"""What ends, met by the real program: file descriptors, memory, a log that nobody reads. Nothing of it ends a worker."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path

from tests.support.children import alive, children, descriptors
from tests.support.cli import ROOT, environment
from tests.support.client import Client, get
from tests.support.origin import ok
from tests.support.serve import fetch, free_port, until
from tests.support.static import HOST, static

SLEEPS = 50


def sleeps(pid):
    """How often the main thread of a process gave up the processor of its own accord: a loop that spins never does."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:"))


async def rests(pid):
    """Wait until it has gone to sleep many times."""
    before = sleeps(pid)
    await until(lambda: sleeps(pid) >= before + SLEEPS, what="the worker sleeps between its ticks")


async def counted(tidegate, name):
    """The value of a counter of the router, over all workers; 0 if nothing was counted."""
    _, text = await tidegate.get("/metrics")
    lines = [line.split() for line in text.decode().splitlines() if line.startswith(name)]
    return sum(float(value) for _, value in lines)


async def flood(where, count):
    """Connections that never send anything; those that are not even taken are left out."""
    made = await asyncio.gather(*(Client.connect(where) for _ in range(count)), return_exceptions=True)
    return [each for each in made if isinstance(each, Client)]


async def test_a_flood_of_connections_beyond_the_descriptors_harms_nobody_who_is_there_and_passes(tmp_path):
    release = asyncio.Event()

    async def slowly(peer):
        while (request := await peer.request()) is not None:
            if request.target == "/slow":
                await release.wait()
            await peer.send(ok(b"one"))

    async with static(tmp_path, script=slowly, limit=200) as tidegate:
        worker = tidegate.pids()["worker-0"]
        client = await Client.connect(tidegate.http)
        await client.send(get("/slow", HOST))
        flooding = await flood(tidegate.http, 300)
        await until(lambda: counted(tidegate, "tidegate_router_listener_pauses_total"), what="the listeners pause")
        await rests(worker)
        release.set()
        assert (await client.response()).status == 200
        for each in flooding:
            each.reset()
        await until(lambda: _serves(tidegate), what="it serves again by itself")
        assert tidegate.pids()["worker-0"] == worker


async def _serves(tidegate):
    try:
        return (await fetch(tidegate.http, "/", HOST, 2.0))[0] == 200
    except (OSError, EOFError, TimeoutError):
        return False


async def test_descriptors_taken_away_from_a_running_worker_end_neither_it_nor_who_is_there(tmp_path):
    async with static(tmp_path) as tidegate:
        worker = tidegate.pids()["worker-0"]
        client = await Client.connect(tidegate.http)
        assert (await client.ask(get("/", HOST))).status == 200
        limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (descriptors(worker) + 1, limits[1]))
        flooding = await flood(tidegate.http, 50)
        await rests(worker)
        resource.prlimit(worker, resource.RLIMIT_NOFILE, limits)
        for each in flooding:
            each.reset()
        await until(lambda: _serves(tidegate), what="it serves again by itself")
        assert tidegate.pids()["worker-0"] == worker


async def test_memory_beyond_the_bound_is_answered_503_and_the_worker_lives(tmp_path):
    async with static(
        tmp_path, settings="http: {max_memory_bytes: 1m}\n"
    ) as tidegate:  # what it starts with, and 32 MiB
        worker = tidegate.pids()["worker-0"]
        holding = await flood(tidegate.http, 1200)
        for each in holding:
            await each.send(b"GET / HTTP/1.1\r\nX: " + b"x" * 60_000)  # a head that does not end is kept
        await until(lambda: _refuses(tidegate), what="requests are refused")
        await until(lambda: counted(tidegate, "tidegate_router_refused_requests_total"), what="and counted")
        for each in holding:
            each.reset()
        await until(lambda: _serves(tidegate), what="it serves again by itself")
        assert alive(worker)
        assert tidegate.pids()["worker-0"] == worker


async def _refuses(tidegate):
    return (await fetch(tidegate.http, "/", HOST))[0] == 503


async def test_a_log_that_nobody_reads_stops_no_request_and_its_loss_is_counted(tmp_path):
    os.mkfifo(tmp_path / "access.log")
    async with static(tmp_path) as tidegate:
        client = await Client.connect(tidegate.http)
        long = "/" + "x" * 8000
        async with asyncio.timeout(60):
            while not await counted(tidegate, "tidegate_router_log_lines_dropped_total"):
                for _ in range(200):
                    assert (await client.ask(get(long, HOST))).status == 200
        assert (await client.ask(get("/", HOST))).status == 200


async def test_a_demo_that_is_killed_leaves_no_program_behind(tmp_path):
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegate", "demo", "--engine", "process", "--http", f"127.0.0.1:{free_port()}"),
        cwd=ROOT,
        env=environment(TMPDIR=str(tmp_path)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        (serve,) = await until(lambda: children(demo.pid), what="serve is started")
        found = await until(lambda: len(children(serve)) >= 2 and children(serve), what="its children")
    finally:
        demo.kill()
        await demo.wait()
    await until(lambda: not any(map(alive, {serve, *found})), what="serve and its children end")

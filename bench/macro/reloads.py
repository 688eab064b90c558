"""What reloads and upgrades cost those who are being served: requests, downloads and WebSockets through many of them.

Four kinds of clients (`strict`) load one proxy while it becomes its next generation every `plan.seconds`, or as soon after that as the
one before is done: kept connections in constant use, kept connections that pause for up to 4 s, new connections, and what lives longer
than a generation. A tunnel or a download may be cut when it has had `DRAIN_SECONDS` since the first reload that it met, not before.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from statistics import median

import uvloop

from bench.macro import misbehaving
from bench.macro.asker import until_live
from bench.macro.backend import Backend
from bench.macro.generations import DRAIN_SECONDS, RELOADS, UPGRADES, Turn
from bench.macro.program import descriptors
from bench.macro.proxies import Running
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent, plainly
from bench.macro.strict import Downloads, Lives, Requests, Sockets

BENCH = "reloads"
READY_SECONDS = 30.0
HOST = "good.bench.test"
SOCKET = "socket.bench.test"
BULK = "bulk.bench.test"
UPGRADE_SHARE = 5  # one upgrade for so many reloads
BUSY_CLIENTS, BUSY_PAUSE = 32, 0.06  # some 500 requests a second
SLOW_CLIENTS, SLOW_SECONDS = 64, 4.0  # each idle for 0 to 4 s between its requests
FRESH_CLIENTS, FRESH_PAUSE = 16, 0.15
SOCKETS = 8
DOWNLOADS, DOWNLOAD_BYTES, DOWNLOAD_SECONDS = 4, 16 << 20, 20.0


def measure(plan: Plan, record: Record) -> None:
    """A round is `plan.reloads` reloads of each peer, and a fifth as many upgrades."""
    descriptors()
    backend = Backend(plan.folder / "reloads-backend")
    echo, port = misbehaving.start(plan.folder / "reloads-echo")
    others = {SOCKET: f"127.0.0.1:{port}", BULK: backend.addresses[0]}
    cases = ((f"{plan.reloads} reloads", RELOADS, plan.reloads), (_upgrades(plan), UPGRADES, _many(plan)))
    try:
        for turn in range(1, plan.rounds + 1):
            for case, ways, count in cases:
                for name in filter(plan.wants, ways):
                    _one(plan, record, case, ways, name, count, turn, backend.addresses, others)
    finally:
        echo.stop()
        backend.stop()


def _many(plan: Plan) -> int:
    return max(1, plan.reloads // UPGRADE_SHARE)


def _upgrades(plan: Plan) -> str:
    return f"{_many(plan)} upgrades"


def _one(
    plan: Plan,
    record: Record,
    case: str,
    ways: Mapping[str, Turn],
    name: str,
    count: int,
    turn: int,
    upstreams: tuple[str, ...],
    others: dict[str, str],
) -> None:
    """One peer in one case; what keeps it from an end is noted."""
    way = ways[name]
    folder = plan.folder / f"reloads-{turn}-{case.partition(' ')[2]}"
    (folder / name).mkdir(parents=True, exist_ok=True)
    try:
        record.note_version(name, (way.proxy.find(), way.proxy.version_argument))
        peer = way.prepared(folder / name).start(folder, (HOST,), upstreams, others)
        try:
            with plainly(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                record.add(BENCH, case, name, turn, **runner.run(_through(peer, way, count, plan.seconds)))
        finally:
            peer.program.stop()
    except Absent as why:
        record.miss(BENCH, case, name, why)


async def _through(peer: Running, way: Turn, count: int, pause: float) -> dict[str, float]:
    """Figures of `count` generations under load."""
    turns: list[tuple[float, float]] = []
    busy = Requests(peer.port, HOST, clients=BUSY_CLIENTS, pause=lambda: BUSY_PAUSE)
    slow = Requests(peer.port, HOST, clients=SLOW_CLIENTS, pause=lambda: random.uniform(0.0, SLOW_SECONDS))
    fresh = Requests(peer.port, HOST, clients=FRESH_CLIENTS, pause=lambda: FRESH_PAUSE, fresh=True)
    sockets = Sockets(peer.port, SOCKET, Lives(turns, DRAIN_SECONDS), clients=SOCKETS)
    downloads = Downloads(
        peer.port,
        BULK,
        "/huge",
        Lives(turns, DRAIN_SECONDS),
        clients=DOWNLOADS,
        size=DOWNLOAD_BYTES,
        seconds=DOWNLOAD_SECONDS,
    )
    await until_live(peer.port, HOST, READY_SECONDS, poll=0.05)
    async with _running(busy, slow, fresh, sockets, downloads):
        await asyncio.sleep(2.0)
        before = _files(peer.program.pid)
        for _ in range(count):
            begun = time.monotonic()
            turns.append((begun, float("inf")))
            await asyncio.to_thread(way.begin, peer)
            await asyncio.to_thread(way.wait)
            turns[-1] = (begun, time.monotonic())
            await asyncio.sleep(max(0.0, begun + pause - time.monotonic()))
        after = _files(peer.program.pid)
    figures = {"generations": float(len(turns)), "took_ms": median(done - begun for begun, done in turns) * 1e3}
    for kind, some in (("busy", busy), ("slow", slow), ("fresh", fresh)):
        figures |= some.tally.figures(kind)
        if some.tally.faults:
            print(f"  {peer.name}: {kind} {dict(some.tally.faults)}", flush=True)
    for kind, lives in (("sockets", sockets.lives), ("downloads", downloads.lives)):
        figures |= {f"{kind}_opened": float(lives.opened), f"{kind}_early": float(lives.early)}
    return figures | {"more_files": float(after - before)}


@contextlib.asynccontextmanager
async def _running(*clients: Requests | Sockets | Downloads) -> AsyncIterator[None]:
    """Clients at work inside; at its end they have all their outcome."""
    async with asyncio.TaskGroup() as group:
        for each in clients:
            group.create_task(each.run())
        try:
            yield
        finally:
            for each in clients:
                each.stop()


def _files(pid: int) -> int:
    """Open files of a process; 0 if it is gone."""
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except FileNotFoundError:
        return 0

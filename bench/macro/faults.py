"""What becomes of good traffic while something misbehaves: its p99 beside the undisturbed one, failures, memory.

One proxy serves a good host and several that misbehave. Good traffic (`watch`, 2 000 requests/s) is measured undisturbed, then disturbed,
then undisturbed again once what was held is gone, fault by fault; the undisturbed p99 is that of the two phases around the fault.

Placement: the proxy, good traffic's client and its backend share one core, client and backend before everything else (they take a sixth
of it, always the same); whoever disturbs has the other core alone, with the backends that misbehave and this program. So a disturber
cannot take the good client's time, and is not starved itself: what it came to is in the table. What is left to see is what the proxy
itself makes good traffic wait. `direct` is the same traffic straight to its backend in the same seconds: what the machine did.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from bench.macro import misbehaving, packages
from bench.macro.actors import Silent
from bench.macro.backend import Backend
from bench.macro.havoc import BIG_RATE, DIAL_RATE, FLOOD_RATE, QUERY_RATE, SLOW_RATE, Havoc
from bench.macro.program import LOAD_CORE, PROXY_CORE, Program, descriptors, free_port, spent
from bench.macro.proxies import PROXIES, Running
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent, Value
from bench.macro.watch import Seen, Watch

BENCH = "faults"
PEERS = ("nginx", "tidegate")
GOOD = "good.bench.test"
BAD = "bad.bench.test"  # the misbehaving backend
BULK = "bulk.bench.test"  # an nginx with large files
HOLE = "hole.bench.test"
RATE, DIRECT_RATE = 2000.0, 400.0
SETTLE_SECONDS = 8.0
QUIET_SECONDS = 0.1
QUIET_SHARE = 0.05  # of a core, by the process that serves
POOLED = 300
SAMPLE_SECONDS = 0.2
SLOW_CONNECTIONS = 1000
SLOW_SECONDS = 5.0
SPARE_DESCRIPTORS = 20
GRASPING = 200
LIMIT_SECONDS = 1.0  # within which a worker has seen that its limit is another one
# each takes two files of the worker: as many as its limit allows, 10 000 at most
WEBSOCKETS = min(10000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 2000) // 2)


class Came:
    """What a disturbance came to; `value` is set when it is over."""

    def __init__(self) -> None:
        self.value = 0.0


class Fault(Value):
    """One row. `make` is what disturbs, in force while its context lasts. `stated` is what it shall come to at least, in what the name
    says: connections held, or acts a second."""

    case: str
    make: Callable[[Scene], Iterator[Came]]
    stated: float = 0.0
    connections: int = 0  # held at once: memory is given for each, so these come first, on a fresh process
    fresh: bool = True  # whether good traffic opens connections, too
    peers: tuple[str, ...] = PEERS


class Scene:
    """A running proxy, what stands behind it, and good traffic. `base` is its memory before the first fault."""

    def __init__(self, peer: Running, hole: Hole, direct: int) -> None:
        self.peer = peer
        self.hole = hole
        self.watches = tuple(
            Watch(port, GOOD, rate=rate, core=PROXY_CORE) for port, rate in ((peer.port, RATE), (direct, DIRECT_RATE))
        )
        self.base = 0

    @property
    def worker(self) -> int:
        """The process that serves."""
        for pid in self.peer.program.pids()[1:]:
            if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        raise Absent("no worker process")

    def prepare(self, seconds: float, *, fresh: bool = True) -> None:
        for watch in self.watches:
            watch.prepare(seconds, fresh=fresh)

    def run(self) -> Phase:
        """The phase that was prepared."""
        with _Peak(self.peer.program) as peak:
            cpu, clock = self.peer.program.cpu(), time.monotonic()
            for watch in self.watches:
                watch.go()
            good, direct = (watch.result() for watch in self.watches)
            share = spent(cpu, self.peer.program.cpu()).busiest.total / (time.monotonic() - clock)
        return Phase(good=good, direct=direct, peak=peak.bytes, share=share)

    def calm(self, seconds: float) -> Phase:
        self.prepare(seconds)
        return self.run()

    def stop(self) -> None:
        for watch in self.watches:
            watch.stop()


class Phase(Value):
    """What good traffic saw through the proxy and straight to its backend, the proxy's peak memory and share of its core."""

    good: Seen
    direct: Seen
    peak: int
    share: float


class Hole:
    """An address that takes connections until `open` is over, as a container would that worked and then vanished."""

    def __init__(self) -> None:
        self.ip, self.port = "127.77.0.1", free_port()
        self._socket = socket.create_server((self.ip, self.port), backlog=64)

    @contextmanager
    def silent(self) -> Iterator[None]:
        self._socket.close()
        silent = Silent(self.ip, self.port)
        try:
            yield
        finally:
            silent.close()
            self._socket = socket.create_server((self.ip, self.port), backlog=64)

    def close(self) -> None:
        self._socket.close()


def measure(plan: Plan, record: Record) -> None:
    """Each round every peer in turn, started anew, with all faults one after the other."""
    descriptors()
    with ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
        with suppress(OSError):  # a machine with one core
            os.sched_setaffinity(0, {LOAD_CORE})
        good = _stopped(stack, Backend(plan.folder / "faults-good", PROXY_CORE))
        good.prefer()
        bulk = _stopped(stack, Backend(plan.folder / "faults-bulk"))
        bad, bad_port = misbehaving.start(plan.folder / "faults-bad")
        stack.callback(bad.stop)
        hole = Hole()
        stack.callback(hole.close)
        others = {BAD: f"127.0.0.1:{bad_port}", BULK: bulk.addresses[0], HOLE: f"{hole.ip}:{hole.port}"}
        direct = int(good.addresses[0].rpartition(":")[2])
        for turn in range(1, plan.rounds + 1):
            for name in filter(plan.wants, PEERS):
                with ExitStack() as started:
                    try:
                        peer = PROXIES[name].start(plan.folder / f"faults-{turn}", (GOOD,), good.addresses, others)
                        started.callback(peer.program.stop)
                        scene = Scene(peer, hole, direct)
                        started.callback(scene.stop)
                        record.note_version(name, (PROXIES[name].find(), PROXIES[name].version_argument))
                        _round(plan, record, scene, turn)
                    except Absent as why:
                        record.miss(BENCH, "start", name, why)


def _stopped(stack: ExitStack, backend: Backend) -> Backend:
    stack.callback(backend.stop)
    return backend


def _round(plan: Plan, record: Record, scene: Scene, turn: int) -> None:
    scene.calm(plan.seconds / 2)  # pools filled
    scene.base = sum(scene.peer.program.memory().values())
    before = scene.calm(plan.seconds)
    for fault in FAULTS:
        if scene.peer.name not in fault.peers:
            continue
        try:
            memory = sum(scene.peer.program.memory().values())
            rough, came = _disturbed(scene, fault, plan.seconds)
            after = scene.calm(plan.seconds)
            found = _found(fault, before, rough, after, memory, scene.base)
            found |= {"came_share": came / fault.stated} if fault.stated else {"came_mib": came}
            record.add(BENCH, fault.case, scene.peer.name, turn, **found)
            before = after
        except (Absent, OSError) as why:
            record.miss(BENCH, fault.case, scene.peer.name, str(why))


def _disturbed(scene: Scene, fault: Fault, seconds: float) -> tuple[Phase, float]:
    """The phase under a fault, and what the fault came to; returns when nothing of it is left."""
    files = len(_files(scene.worker))
    scene.prepare(seconds, fresh=fault.fresh)
    with contextmanager(fault.make)(scene) as came:
        phase = scene.run()
    _settle(scene.worker, files)
    return phase, came.value


def _found(fault: Fault, before: Phase, rough: Phase, after: Phase, memory: int, base: int) -> dict[str, float]:
    calm = before.good + after.good
    p99, direct = rough.good.p99_ms, rough.direct.p99_ms / (before.direct + after.direct).p99_ms
    found = {
        "calm_p99_ms": calm.p99_ms, "p99_ms": p99, "p99_times": p99 / calm.p99_ms, "direct_times": direct,
        "worst_ms": rough.good.worst_ms, "calm_worst_ms": calm.worst_ms,
        "requests": float(rough.good.requests), "failed": float(rough.good.failed), "calm_failed": float(calm.failed),
        "before_mib": memory / 2**20, "peak_mib": rough.peak / 2**20, "grown_mib": max(0, rough.peak - memory) / 2**20,
        "after_mib": after.peak / 2**20, "core_share": rough.share,
    }  # fmt: skip
    if fault.connections:
        found["each_kib"] = (rough.peak - base) / fault.connections / 1024
    return found


def _files(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/fd").iterdir())


def _settle(worker: int, files: int) -> None:
    """Until what was held is let go of, save pools, and the process that serves rests; some seconds at most."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while len(_files(worker)) > files + POOLED and time.monotonic() < deadline:
        time.sleep(QUIET_SECONDS)
    ran = _ran(worker)
    while time.monotonic() < deadline:
        time.sleep(QUIET_SECONDS)
        before, ran = ran, _ran(worker)
        if ran - before < QUIET_SECONDS * QUIET_SHARE:
            return


def _ran(pid: int) -> float:
    """Seconds of CPU so far, of all threads, to the nanosecond (/proc/PID/task/TID/schedstat)."""
    return sum(int(each.read_text().split()[0]) for each in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


class _Peak:
    """The most anonymous memory a program had while the context lasted."""

    def __init__(self, program: Program) -> None:
        self.bytes = 0
        self._program = program
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.bytes = max(self.bytes, sum(self._program.memory().values()))
            if self._over.wait(SAMPLE_SECONDS):
                return


# ------------------------------------------------------------------------------------------------------ the faults


def _slow(*options: str, url: str = f"http://{BULK}/large", each: int = 1) -> Callable[[Scene], Iterator[Came]]:
    """Debian's slowhttptest, once it holds its connections, of which each takes so many files of the worker."""

    def make(scene: Scene) -> Iterator[Came]:
        program = packages.debian("slowhttptest", "slowhttptest")
        arguments = ("-c", str(SLOW_CONNECTIONS), "-r", str(SLOW_CONNECTIONS), "-l", "60", "-i", "10", "-p", "3")
        # as a proxy it is sent absolute targets, so that the host need not resolve
        way = ("-u", url, "-d", f"127.0.0.1:{scene.peer.port}")
        argv = ("taskset", "-c", str(LOAD_CORE), program, *options, *arguments, *way)
        deadline, worker, came = time.monotonic() + SLOW_SECONDS, scene.worker, Came()
        files = len(_files(worker))
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while len(_files(worker)) < files + SLOW_CONNECTIONS * each and time.monotonic() < deadline:
                time.sleep(0.05)
            yield came
            came.value = min(SLOW_CONNECTIONS, (len(_files(worker)) - files) / each)
        finally:
            process.terminate()
            process.wait(timeout=10)

    return make


def _havoc(name: str, host: str) -> Callable[[Scene], Iterator[Came]]:
    def make(scene: Scene) -> Iterator[Came]:
        havoc, came = Havoc(name, scene.peer.port, host), Came()
        try:
            yield came
        finally:
            came.value = havoc.stop()

    return make


def _dns(name: str) -> Callable[[Scene], Iterator[Came]]:
    """At the DNS listener, which the same loop serves."""

    def make(scene: Scene) -> Iterator[Came]:
        argv = scene.peer.program.argv
        port = int(argv[argv.index("--dns") + 1].rpartition(":")[2])
        havoc, came = Havoc(name, port, GOOD), Came()
        try:
            yield came
        finally:
            came.value = havoc.stop()

    return make


def _hole(scene: Scene) -> Iterator[Came]:
    with scene.hole.silent():
        yield from _havoc("blackhole", HOLE)(scene)


def _few_descriptors(scene: Scene) -> Iterator[Came]:
    """The worker may open a few files more than it has; ten times as many connections come."""
    worker = scene.worker
    soft, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    used = len(_files(worker))
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (used + SPARE_DESCRIPTORS, hard))
    try:
        yield from _havoc(f"connections-{GRASPING}", GOOD)(scene)
    finally:
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (soft, hard))
        time.sleep(LIMIT_SECONDS)


FAULTS = (
    Fault(case="1 000 WebSockets held", make=_havoc("websockets-1000", BAD), stated=1000, connections=1000),
    Fault(
        case=f"{WEBSOCKETS:,} WebSockets held".replace(",", " "), make=_havoc(f"websockets-{WEBSOCKETS}", BAD), stated=WEBSOCKETS,
        connections=WEBSOCKETS,
    ),
    Fault(case="10 000 idle connections held", make=_havoc("idle-10000", BULK), stated=10000),
    Fault(case="slowloris, 1 000 connections (slowhttptest -H)", make=_slow("-H", "-x", "24"), stated=SLOW_CONNECTIONS),
    Fault(
        case="slow body, 1 000 connections (-B)", stated=SLOW_CONNECTIONS,
        make=_slow("-B", "-s", "8192", "-x", "10", url=f"http://{BAD}/", each=2),
    ),
    Fault(case="file descriptors used up", make=_few_descriptors, stated=GRASPING, fresh=False, peers=("tidegate",)),
    Fault(case="backend takes no connection and refuses none, 50/s", make=_hole, stated=SLOW_RATE),
    Fault(case="backend never answers, 50/s", make=_havoc("never", BAD), stated=SLOW_RATE),
    Fault(case="backend resets mid-response, 100/s", make=_havoc("cut", BAD), stated=BIG_RATE),
    Fault(case="1 GiB uploads, one after the other", make=_havoc("upload", BULK)),
    Fault(case="1 GiB downloads, one after the other", make=_havoc("download", BULK)),
    Fault(case="clients reset mid-request, 1 000/s", make=_havoc("reset", BAD), stated=FLOOD_RATE),
    Fault(case="100 000 bytes of header, 100/s", make=_havoc("heads", BAD), stated=BIG_RATE),
    Fault(case="garbage, 1 000/s", make=_havoc("garbage", BAD), stated=FLOOD_RATE),
    Fault(
        case="DNS, 10 000 queries/s by UDP, half of them for made-up names", make=_dns("dns-flood"), stated=QUERY_RATE,
        peers=("tidegate",),
    ),
    Fault(
        case="DNS, 500 connections/s that are left idle", make=_dns("dns-idle"), stated=DIAL_RATE, peers=("tidegate",),
    ),
    Fault(
        case="slow read of 1 MiB, 1 000 connections (-X)", make=_slow("-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", each=2),
        stated=SLOW_CONNECTIONS,
    ),
)  # fmt: skip

"""What becomes of good traffic while something misbehaves: its p99 beside the undisturbed one, failures, memory.

One proxy on the proxies' core serves a good host and several that misbehave; good traffic (`watch`, 1 000 requests/s) is measured
undisturbed and disturbed in turn, next to each other in time. `direct` is the same traffic straight to its backend in the same seconds:
what the machine, whose cores disturber and proxy share, did to it by itself.
"""

from __future__ import annotations

import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from bench.macro import misbehaving, packages
from bench.macro.actors import Silent
from bench.macro.backend import Backend
from bench.macro.havoc import Havoc
from bench.macro.program import LOAD_CORE, Program, descriptors, free_port, spent
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
RATE, DIRECT_RATE = 1000.0, 200.0
WARM_SECONDS = 1.0
SETTLE_SECONDS = 0.3
SETTLE_DEADLINE_SECONDS = 5.0
POOLED = 300
SAMPLE_SECONDS = 0.2
SLOW_CONNECTIONS = 1000
SLOW_SECONDS = 5.0
SPARE_DESCRIPTORS = 20
GRASPING = 200
# each takes two files of the worker: as many as its limit allows, 10 000 at most
WEBSOCKETS = min(10000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 2000) // 2)


class Fault(Value):
    """One row. `make` is what disturbs, in force while its context lasts."""

    case: str
    make: Callable[[Scene], Iterator[None]]
    connections: int = 0  # held at once: memory is given for each, so these come first, on a fresh process
    fresh: bool = True  # whether good traffic opens connections, too
    peers: tuple[str, ...] = PEERS


class Scene:
    """A running proxy and what stands behind it. `base` is its memory before the first fault."""

    def __init__(self, peer: Running, hole: Hole) -> None:
        self.peer = peer
        self.hole = hole
        self.base = sum(peer.program.memory().values())

    @property
    def worker(self) -> int:
        """The process that serves."""
        for pid in self.peer.program.pids()[1:]:
            if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        raise Absent("no worker process")


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
    """Each fault for each peer in each round, undisturbed before disturbed; every round with peers started anew."""
    descriptors()
    with ExitStack() as stack:
        good = _stopped(stack, Backend(plan.folder / "faults-good"))
        good.prefer()
        bulk = _stopped(stack, Backend(plan.folder / "faults-bulk"))
        bad, bad_port = misbehaving.start(plan.folder / "faults-bad")
        stack.callback(bad.stop)
        hole = Hole()
        stack.callback(hole.close)
        others = {BAD: f"127.0.0.1:{bad_port}", BULK: bulk.addresses[0], HOLE: f"{hole.ip}:{hole.port}"}
        direct = int(good.addresses[0].rpartition(":")[2])
        for turn in range(1, plan.rounds + 1):
            with ExitStack() as started:
                scenes = []
                for name in filter(plan.wants, PEERS):
                    folder = plan.folder / f"faults-{turn}"
                    try:
                        peer = PROXIES[name].start(folder, (GOOD,), good.addresses, others)
                        started.callback(peer.program.stop)
                        _traffic(peer.port, direct, WARM_SECONDS, fresh=True)  # pools filled
                        scenes.append(Scene(peer, hole))
                        record.note_version(name, (PROXIES[name].find(), PROXIES[name].version_argument))
                    except Absent as why:
                        record.miss(BENCH, "start", name, why)
                _round(plan, record, scenes, direct, turn)


def _stopped(stack: ExitStack, backend: Backend) -> Backend:
    stack.callback(backend.stop)
    return backend


def _round(plan: Plan, record: Record, scenes: list[Scene], direct: int, turn: int) -> None:
    for fault in FAULTS:
        for scene in scenes:
            if scene.peer.name not in fault.peers:
                continue
            try:
                record.add(BENCH, fault.case, scene.peer.name, turn, **_both(scene, fault, plan.seconds, direct))
            except (Absent, OSError) as why:
                record.miss(BENCH, fault.case, scene.peer.name, str(why))


def _both(scene: Scene, fault: Fault, seconds: float, direct: int) -> dict[str, float]:
    """Undisturbed, then disturbed."""
    calm, calm_direct = _traffic(scene.peer.port, direct, seconds, fresh=fault.fresh)
    program, files = scene.peer.program, len(_files(scene.worker))
    before = sum(program.memory().values())
    watches = _watches(scene.peer.port, direct, seconds, fresh=fault.fresh)
    with _Peak(program) as peak, contextmanager(fault.make)(scene):
        cpu, clock = program.cpu(), time.monotonic()
        rough, rough_direct = _run(watches)
        share = spent(cpu, program.cpu()).busiest.total / (time.monotonic() - clock)
    _settle(scene.worker, files)
    machine = rough_direct.p99_ms / calm_direct.p99_ms
    found = {
        "calm_p99_ms": calm.p99_ms, "p99_ms": rough.p99_ms, "p99_times": rough.p99_ms / calm.p99_ms,
        "direct_times": machine, "own_times": rough.p99_ms / calm.p99_ms / max(1.0, machine), "worst_ms": rough.worst_ms,
        "requests": float(rough.requests), "failed": float(rough.failed), "calm_failed": float(calm.failed),
        "before_mib": before / 2**20, "peak_mib": peak.bytes / 2**20, "grown_mib": max(0, peak.bytes - before) / 2**20,
        "core_share": share,
    }  # fmt: skip
    if fault.connections:
        found["each_kib"] = (peak.bytes - scene.base) / fault.connections / 1024
    return found


def _files(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/fd").iterdir())


def _settle(worker: int, files: int) -> None:
    """Until what was held is let go of, save pools, and a moment more; five seconds at most."""
    deadline = time.monotonic() + SETTLE_DEADLINE_SECONDS
    while len(_files(worker)) > files + POOLED and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(SETTLE_SECONDS)


def _traffic(port: int, direct: int, seconds: float, *, fresh: bool) -> tuple[Seen, Seen]:
    return _run(_watches(port, direct, seconds, fresh=fresh))


def _watches(port: int, direct: int, seconds: float, *, fresh: bool) -> tuple[Watch, Watch]:
    """Connected, and waiting for the word."""
    return (
        Watch(port, GOOD, rate=RATE, seconds=seconds, fresh=fresh),
        Watch(direct, GOOD, rate=DIRECT_RATE, seconds=seconds, fresh=fresh),
    )


def _run(watches: tuple[Watch, Watch]) -> tuple[Seen, Seen]:
    for watch in watches:
        watch.go()
    return watches[0].result(), watches[1].result()


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


def _slow(*options: str) -> Callable[[Scene], Iterator[None]]:
    """Debian's slowhttptest, once it holds its connections."""

    def make(scene: Scene) -> Iterator[None]:
        program = packages.debian("slowhttptest", "slowhttptest")
        arguments = ("-c", str(SLOW_CONNECTIONS), "-r", str(SLOW_CONNECTIONS), "-l", "60", "-i", "10", "-p", "3")
        # as a proxy it is sent absolute targets, so that the host need not resolve
        url = ("-u", f"http://{BULK}/large", "-d", f"127.0.0.1:{scene.peer.port}")
        argv = ("nice", "-n", "10", "taskset", "-c", str(LOAD_CORE), program, *options, *arguments, *url)
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline, worker = time.monotonic() + SLOW_SECONDS, scene.worker
            while len(_files(worker)) < SLOW_CONNECTIONS * 0.9 and time.monotonic() < deadline:
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait(timeout=10)

    return make


def _havoc(name: str, host: str) -> Callable[[Scene], Iterator[None]]:
    def make(scene: Scene) -> Iterator[None]:
        havoc = Havoc(name, scene.peer.port, host)
        try:
            yield
        finally:
            havoc.stop()

    return make


def _hole(scene: Scene) -> Iterator[None]:
    with scene.hole.silent():
        yield from _havoc("blackhole", HOLE)(scene)


def _few_descriptors(scene: Scene) -> Iterator[None]:
    """The worker may open a few files more than it has; ten times as many connections come."""
    worker = scene.worker
    soft, hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    used = len(_files(worker))
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (used + SPARE_DESCRIPTORS, hard))
    try:
        yield from _havoc(f"connections-{GRASPING}", GOOD)(scene)
    finally:
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (soft, hard))


FAULTS = (
    Fault(case="1 000 WebSockets held", make=_havoc("websockets-1000", BAD), connections=1000),
    Fault(case=f"{WEBSOCKETS:,} WebSockets held".replace(",", " "), make=_havoc(f"websockets-{WEBSOCKETS}", BAD), connections=WEBSOCKETS),
    Fault(case="10 000 idle connections held", make=_havoc("idle-10000", BULK)),
    Fault(case="slowloris, 1 000 connections (slowhttptest -H)", make=_slow("-H", "-x", "24")),
    Fault(case="slow body, 1 000 connections (-B)", make=_slow("-B", "-s", "8192", "-x", "10")),
    Fault(case="file descriptors used up", make=_few_descriptors, fresh=False, peers=("tidegate",)),
    Fault(case="backend takes no connection and refuses none, 50/s", make=_hole),
    Fault(case="backend never answers, 50/s", make=_havoc("never", BAD)),
    Fault(case="backend resets mid-response, 100/s", make=_havoc("cut", BAD)),
    Fault(case="1 GiB uploads, one after the other", make=_havoc("upload", BULK)),
    Fault(case="1 GiB downloads, one after the other", make=_havoc("download", BULK)),
    Fault(case="clients reset mid-request, 1 000/s", make=_havoc("reset", BAD)),
    Fault(case="100 000 bytes of header, 100/s", make=_havoc("heads", BAD)),
    Fault(case="garbage, 1 000/s", make=_havoc("garbage", BAD)),
    Fault(case="slow read of 1 MiB, 1 000 connections (-X)", make=_slow("-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32")),
)  # fmt: skip

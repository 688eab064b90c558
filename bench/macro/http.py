"""CPU per proxied request, throughput, latency at saturation and latency at half of nginx's peak.

Peers run side by side, idle until their turn, and take turns round by round (A B C A B C), so that whatever else the machine
does falls on all of them alike.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.macro import openloop, wrk
from bench.macro.backend import Backend
from bench.macro.program import PROXY_CORE, Spent, core_busy, spent
from bench.macro.proxies import PROXIES, Proxy, Running
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent, Value

BENCH = "http"
HOST = "www.bench.test"
WARM_SECONDS = 1.0
WARM_DEADLINE_SECONDS = 20.0
HALF_PEAK = "open loop, half of nginx's peak"
STEADY = "open loop, 2 000 requests/s"
STEADY_RATE = 2000.0


class Variant(Value):
    """One shape of request and answer."""

    case: str
    path: str
    headers: int
    connections: int = wrk.CONNECTIONS
    secure: bool = False


SMALL = Variant(case="12 headers, 100 B", path="/", headers=12)
VARIANTS = (
    SMALL,
    Variant(case="1 header, 100 B", path="/", headers=1),
    Variant(case="12 headers, 1 MiB", path="/large", headers=12, connections=16),
    Variant(case="TLS, 12 headers, 100 B", path="/", headers=12, secure=True),
    Variant(case="TLS, 12 headers, 1 MiB", path="/large", headers=12, connections=16, secure=True),
)


def measure(plan: Plan, record: Record) -> None:
    """All variants for all peers, then the open loop."""
    backend = Backend(plan.folder / "backend")
    try:
        with running(plan, record, backend, (HOST,), bench=BENCH) as peers:
            for variant in VARIANTS:
                _closed_loop(plan, record, variant, peers)
            _open_loop(plan, record, peers, backend)
    finally:
        backend.stop()


@contextmanager
def running(
    plan: Plan, record: Record, backend: Backend, hosts: tuple[str, ...], *, bench: str, case: str = "start"
) -> Iterator[list[Running]]:
    """All wanted peers that start, each serving `hosts`; stopped at the end. Those that do not are noted."""
    started: list[Running] = []
    folder = plan.folder / f"{bench}-{len(hosts)}"
    try:
        for proxy in PROXIES.values():
            if not plan.wants(proxy.name):
                continue
            try:
                started.append(_started(proxy, folder, hosts, backend))
                record.note_version(proxy.name, (proxy.find(), proxy.version_argument))
            except Absent as why:
                record.miss(bench, case, proxy.name, why)
        yield started
    finally:
        for peer in started:
            peer.program.stop()


def load_once(peer: Running, load: wrk.Load, seconds: float) -> dict[str, float]:
    """One closed-loop run: figures named with their unit. `foreign` is the share of the core that others used."""
    core, clock, before = core_busy(PROXY_CORE), time.monotonic(), peer.program.cpu()
    outcome = wrk.run(load, seconds)
    used = spent(before, peer.program.cpu())
    core, clock = core_busy(PROXY_CORE) - core, time.monotonic() - clock
    values = per_request(used, outcome.requests)
    values |= {
        "requests_per_second": outcome.requests / outcome.seconds,
        "requests_per_cpu_second": outcome.requests / max(used.total.total, 1e-9),
        "p50_ms": outcome.p50_ms,
        "p99_ms": outcome.p99_ms,
        "foreign": max(0.0, core - used.total.total) / clock,
    }
    return values | {"mib_per_cpu_second": outcome.bytes / 2**20 / max(used.total.total, 1e-9)}


def per_request(used: Spent, requests: int) -> dict[str, float]:
    """Microseconds of CPU for each request: all processes, its two parts, and the busiest process alone."""
    return {
        "cpu_us": used.total.total / requests * 1e6,
        "user_us": used.total.user / requests * 1e6,
        "kernel_us": used.total.kernel / requests * 1e6,
        "worker_us": used.busiest.total / requests * 1e6,
    }


def _closed_loop(plan: Plan, record: Record, variant: Variant, peers: list[Running]) -> None:
    for turn in range(1, plan.rounds + 1):
        for peer in peers:
            if variant.secure and not peer.secure_port:
                continue  # the method says which peers take part
            load = wrk.Load(
                port=peer.secure_port if variant.secure else peer.port,
                path=variant.path,
                headers=variant.headers,
                host=HOST,
                connections=variant.connections,
                secure=variant.secure,
            )
            try:
                record.add(BENCH, variant.case, peer.name, turn, **load_once(peer, load, plan.seconds))
            except Absent as why:
                record.miss(BENCH, variant.case, peer.name, why)


def _open_loop(plan: Plan, record: Record, peers: list[Running], backend: Backend) -> None:
    """Half of nginx's peak for the peers whose own peak is above it, then a rate that every peer carries."""
    found = peaks(record)
    half = half_peak(found)
    able = [peer for peer in peers if found.get(peer.name, half) >= half * 1.1]
    for peer in peers:
        if peer not in able:
            record.miss(BENCH, HALF_PEAK, peer.name, f"its own peak is {found[peer.name]:.0f}/s, the rate {half:.0f}/s")
    for case, rate, carried in ((HALF_PEAK, half, able), (STEADY, STEADY_RATE, peers)):
        for turn in range(1, plan.rounds + 1):
            _open_loop_round(plan, record, case, rate, turn, carried, backend)


def _open_loop_round(
    plan: Plan, record: Record, case: str, rate: float, turn: int, peers: list[Running], backend: Backend
) -> None:
    """The generator straight to the backend first ("direct": its own share of the latency), then through each peer."""
    ports = {"direct": int(backend.addresses[0].rpartition(":")[2])} | {peer.name: peer.port for peer in peers}
    direct = 0.0
    for name, port in ports.items():
        try:
            seen = openloop.run(port, rate=rate, seconds=plan.seconds, host=HOST)
        except Absent as why:
            record.miss(BENCH, case, name, why)
            continue
        direct = seen.p99_ms if name == "direct" else direct
        record.add(
            BENCH, case, name, turn,
            rate=rate, p50_ms=seen.p50_ms, p90_ms=seen.p90_ms, p99_ms=seen.p99_ms, p999_ms=seen.p999_ms,
            added_p99_ms=seen.p99_ms - direct, own_cpu_us=seen.own_cpu_us, late_share=seen.late_share,
        )  # fmt: skip


def peaks(record: Record) -> dict[str, float]:
    """Median requests per second of each peer in the small case of this run."""
    rates: dict[str, list[float]] = {}
    for sample in record.samples:
        if sample.case == SMALL.case:
            rates.setdefault(sample.peer, []).append(sample.values["requests_per_second"])
    return {peer: median(found) for peer, found in rates.items()}


def half_peak(found: dict[str, float]) -> float:
    """Half of nginx's peak; of the fastest peer's where nginx took no part."""
    return round(found.get("nginx", max(found.values(), default=2 * STEADY_RATE)) / 2)


def _started(proxy: Proxy, folder: Path, hosts: tuple[str, ...], backend: Backend) -> Running:
    """The peer with its pools and caches filled, proved to answer for its last host; else stopped, and Absent raised."""
    peer = proxy.start(folder, hosts, backend.addresses)
    deadline = time.monotonic() + WARM_DEADLINE_SECONDS
    while True:
        try:
            wrk.run(wrk.Load(port=peer.port, host=hosts[-1]), WARM_SECONDS)
        except Absent:
            if time.monotonic() > deadline:
                peer.program.stop()
                raise
        else:
            return peer


def hosts_file(folder: Path, hosts: tuple[str, ...]) -> str:
    """One host per line, for wrk to cycle through."""
    path = folder / f"hosts-{len(hosts)}.txt"
    path.write_text("\n".join(hosts) + "\n")
    return str(path)

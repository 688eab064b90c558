"""DNS latency of the whole program at half of its peak while containers come and go: 10 000 names, 100 engine events a second.

A scripted engine has 2 500 containers, ten replicas in each service, each with four names. The last replica of one service
after the other stops, and starts again: the service's names, which are asked for, lose an address and get it back.
Supervisor, control and worker share the server's core; engine, endpoints and load are on the other.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Self

from bench.fake_dockerd import Container
from bench.macro import dnsload, dnsperf, loopback
from bench.macro.engine_program import FakeEngine
from bench.macro.program import LOAD_CORE, PROXY_CORE, Launch, Program, free_port, spent
from bench.macro.proxies import PROXIES, serve
from bench.macro.record import Plan, Record
from bench.macro.resolvers import ZONE
from bench.macro.sample import Absent

BENCH = "dns"
PEER = "tidegate"
CONTAINERS = 2500
REPLICAS = 10
RATES = (0, 100)  # engine events a second
READY_SECONDS = 90.0


def measure(plan: Plan, record: Record) -> None:
    """The same load while nothing happens and while containers come and go."""
    if not plan.wants(PEER):
        return
    endpoints, port = loopback.start(plan.folder / "dns-churn-endpoints")
    try:
        for rate in RATES:
            case = f"{4 * CONTAINERS} names, {rate} engine events a second, half load"
            try:
                _measure_rate(plan, record, case, rate, port)
            except Absent as why:
                record.miss(BENCH, case, PEER, why)
    finally:
        endpoints.stop()


def _measure_rate(plan: Plan, record: Record, case: str, rate: int, endpoint_port: int) -> None:
    folder = plan.folder / f"dns-churn-{rate}"
    folder.mkdir()
    everybody = population(endpoint_port)
    engine = FakeEngine(folder)
    program = None
    try:
        engine.fill(everybody)
        port = free_port()
        program = Program(PEER, _launch(folder, port), folder, PROXY_CORE)
        dnsload.wait(program, port, f"{everybody[-1].name}.{ZONE}", READY_SECONDS)
        with Comings(engine, everybody[REPLICAS - 1 :: REPLICAS], rate) as comings:
            _under_load(plan, record, case, program, port, comings)
    finally:
        if program is not None:
            program.stop()
        engine.stop()


def _under_load(plan: Plan, record: Record, case: str, program: Program, port: int, comings: Comings) -> None:
    names = [name for number in range(CONTAINERS // REPLICAS) for name in (f"p{number}", f"p{number}.bench")]
    names += [f"p-{number}" for number in range(CONTAINERS) if number % REPLICAS != REPLICAS - 1]
    queries = dnsload.query_file(plan.folder, ZONE, names)
    dnsperf.warm(port, queries)
    peak = dnsperf.flood(port, queries, plan.seconds)
    load = peak.answers / peak.seconds / 2
    for turn in range(1, plan.rounds + 1):
        before, events, clock = program.cpu(), comings.events, time.monotonic()
        middle, high = dnsperf.paced(port, queries, min(plan.seconds, 3), load)
        used, took = spent(before, program.cpu()), time.monotonic() - clock
        record.add(
            BENCH, case, PEER, turn, rate=load, p50_ms=middle, p99_ms=high,
            events_per_second=(comings.events - events) / took, rest_share=(used.total - used.busiest).total / took,
        )  # fmt: skip


def population(port: int) -> list[Container]:
    """`CONTAINERS` replicas of services p0, p1 ..., all at `port` of addresses of their own."""
    found = []
    for number, ip in enumerate(loopback.addresses(CONTAINERS)):
        service = f"p{number // REPLICAS}"
        found.append(Container(name=f"p-{number}", host=f"{service}.bench.test", ip=ip, port=port, service=service))
    return found


def _launch(folder: Path, port: int) -> Launch:
    return Launch(
        argv=serve(
            PROXIES[PEER].find(),
            str(folder),
            http=f"127.0.0.1:{free_port()}",
            dns=f"127.0.0.1:{port}",
            options=("--docker", f"unix://{folder}/engine.sock"),
        )
    )


class Comings:
    """While entered, one event after the other, `rate` a second on a fixed schedule: a container stops, and starts again."""

    def __init__(self, engine: FakeEngine, containers: list[Container], rate: int) -> None:
        self.events = 0
        self._engine = engine
        self._containers = containers
        self._rate = rate
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        if self._rate:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._rate:
            self._thread.join(10)

    def _run(self) -> None:
        os.sched_setaffinity(0, {LOAD_CORE})  # this thread
        began = time.monotonic()
        while not self._over.wait(max(0.0, began + self.events / self._rate - time.monotonic())):
            container = self._containers[self.events // 2 % len(self._containers)]
            if self.events % 2:
                self._engine.add([container])
            else:
                self._engine.die(container.id)
            self.events += 1

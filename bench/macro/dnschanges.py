"""DNS latency at half of the peak while names change: 10 000 names, 100 changes a second through the worker's own way."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.macro import dnsload, dnsperf
from bench.macro.program import PROXY_CORE, Launch, Program, free_port
from bench.macro.record import Plan, Record
from bench.macro.resolvers import ZONE
from bench.macro.sample import Absent

BENCH = "dns"
COUNT = 10000
RATES = (0, 100)  # changes a second
PEER = "tidegate"
READY_SECONDS = 30.0
ROOT = Path(__file__).resolve().parent.parent.parent


def measure(plan: Plan, record: Record) -> None:
    """The same load on a table that stands still and on one that changes."""
    if not plan.wants(PEER):
        return
    queries = dnsload.query_file(plan.folder, ZONE, [f"s{number:05}" for number in range(COUNT)])
    for rate in RATES:
        case = f"{COUNT} names, {rate} changes a second, half load"
        try:
            _measure_rate(plan, record, case, queries, rate)
        except Absent as why:
            record.miss(BENCH, case, PEER, why)


def _measure_rate(plan: Plan, record: Record, case: str, queries: str, rate: int) -> None:
    folder = plan.folder / f"dns-changes-{rate}"
    folder.mkdir()
    port = free_port()
    argv = (sys.executable, "-m", "bench.macro.changing_zone", str(port), str(COUNT), str(rate))
    program = Program(PEER, Launch(argv=argv, env={"PYTHONPATH": str(ROOT)}), folder, PROXY_CORE)
    try:
        dnsload.wait(program, port, f"s00000.{ZONE}", READY_SECONDS)
        dnsperf.warm(port, queries)
        peak = dnsperf.flood(port, queries, plan.seconds)
        load = peak.answers / peak.seconds / 2
        for turn in range(1, plan.rounds + 1):
            middle, high = dnsperf.paced(port, queries, min(plan.seconds, 3), load)
            record.add(BENCH, case, PEER, turn, rate=load, p50_ms=middle, p99_ms=high)
    finally:
        program.stop()

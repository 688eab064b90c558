"""What the DNS benches share: servers that are up, the file of queries, one round of load at each server in turn."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dnslib import DNSRecord

from bench.macro import dnsperf
from bench.macro.program import Program, spent
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent

BENCH = "dns"


class Serving:
    """A resolver that answers on 127.0.0.1:`port`."""

    def __init__(self, name: str, port: int, program: Program) -> None:
        self.name = name
        self.port = port
        self.program = program


def wait(program: Program, port: int, name: str, seconds: float) -> None:
    """Returns once `name` has an address at 127.0.0.1:`port`; raises Absent if the program ends or it takes longer."""
    deadline = time.monotonic() + seconds
    while program.alive() and time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client, suppress(OSError):
            client.settimeout(0.5)
            client.connect(("127.0.0.1", port))
            client.send(DNSRecord.question(name, "A").pack())
            if DNSRecord.parse(client.recv(1500)).rr:
                return
        time.sleep(0.1)
    raise Absent(f"does not know {name}" if program.alive() else f"ended at start: {program.last_words()}")


def query_file(folder: Path, zone: str, names: Iterable[str]) -> str:
    """Every name as A and as AAAA, in one shuffled order for all servers."""
    lines = [f"{name}.{zone} {kind}" for name in names for kind in ("A", "AAAA")]
    random.Random(1).shuffle(lines)
    path = folder / f"queries-{zone}-{len(lines)}.txt"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def warm(serving: list[Serving], queries: str) -> None:
    """Every name twice, for every server alike: what is prepared or cached at a first question is a cost of the start."""
    for server in serving:
        with suppress(Absent):
            dnsperf.warm(server.port, queries)


def flood(plan: Plan, record: Record, case: str, serving: list[Serving], queries: str) -> None:
    """As many answers as there can be, and what they cost."""
    for turn in range(1, plan.rounds + 1):
        for server in serving:
            before = server.program.cpu()
            try:
                outcome = dnsperf.flood(server.port, queries, plan.seconds)
            except Absent as why:
                record.miss(BENCH, case, server.name, why)
                continue
            used = spent(before, server.program.cpu())
            record.add(
                BENCH, case, server.name, turn,
                answers_per_cpu_second=outcome.answers / max(used.total.total, 1e-9),
                answers_per_worker_second=outcome.answers / max(used.busiest.total, 1e-9),
                cpu_us=used.total.total / outcome.answers * 1e6,
                user_us=used.total.user / outcome.answers * 1e6,
                kernel_us=used.total.kernel / outcome.answers * 1e6,
                answers_per_second=outcome.answers / outcome.seconds,
            )  # fmt: skip

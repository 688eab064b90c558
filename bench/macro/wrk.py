"""Closed-loop load: wrk with a fixed number of keep-alive connections, on the load's core."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench.macro import packages
from bench.macro.program import LOAD_CORE
from bench.macro.sample import Absent, Value

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 64


class Load(Value):
    """What to ask for. `hosts_file`, one host per line, is cycled through instead of `host`."""

    port: int
    path: str = "/"
    headers: int = 12
    host: str = "www.bench.test"
    hosts_file: str = ""
    connections: int = CONNECTIONS
    secure: bool = False  # over TLS


class Outcome(Value):
    """What came of it. `broken` counts connect, read, write and timeout errors, `bad_status` answers of 400 and above."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    bad_status: int
    broken: int


def run(load: Load, seconds: float) -> Outcome:
    """Loads for whole seconds (wrk's resolution); raises Absent if any request failed: its figures would mean nothing."""
    whole = max(1, round(seconds))
    argv = (
        packages.debian("wrk", "wrk"), "-t", "1", "-c", str(load.connections), "-d", f"{whole}s", "--timeout", "10s",
        "-s", str(SCRIPT), f"{'https' if load.secure else 'http'}://127.0.0.1:{load.port}{load.path}",
        "--", str(load.headers), load.host, *([load.hosts_file] if load.hosts_file else []),
    )  # fmt: skip
    done = subprocess.run(
        ("taskset", "-c", str(LOAD_CORE), *argv), capture_output=True, text=True, timeout=whole + 30, check=False
    )
    outcome = parse(done.stdout)
    if outcome is None:
        raise Absent(f"wrk gave no result: {(done.stderr or done.stdout).strip()[-160:]}")
    if outcome.bad_status or outcome.broken or not outcome.requests:
        raise Absent(f"{outcome.bad_status} bad answers and {outcome.broken} broken of {outcome.requests} requests")
    return outcome


def parse(output: str) -> Outcome | None:
    """The outcome in the line that `load.lua` writes; None where there is none."""
    for line in output.splitlines():
        if line.startswith("RESULT "):
            fields = dict(field.split("=") for field in line.split()[1:])
            return Outcome(
                requests=int(fields["requests"]), seconds=float(fields["seconds"]), bytes=int(fields["bytes"]),
                p50_ms=float(fields["p50_ms"]), p99_ms=float(fields["p99_ms"]),
                bad_status=int(fields["bad_status"]), broken=int(fields["broken"]),
            )  # fmt: skip
    return None

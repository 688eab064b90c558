"""DNS load: dnsperf over UDP on the load's core, as fast as answers come or at a set rate.

Latencies are those that dnsperf tells per answer. It makes one write of each: into a pipe that would wake a reader 50 000 times
a second, on the server's core or its own. So it writes into memory that is read when it has ended, and goes before its
neighbours on its core, where it may: what is asked for is the server's latency.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from functools import cache

from bench.macro import packages
from bench.macro.program import LOAD_CORE
from bench.macro.sample import Absent, Value
from bench.macro.summary import percentile

OUTSTANDING = 100
WARM_SECONDS = 60.0  # at most


class Outcome(Value):
    """What came of it. `answers` are NOERROR answers."""

    sent: int
    answers: int
    seconds: float
    average_ms: float


def flood(port: int, queries: str, seconds: float) -> Outcome:
    """As many queries as fit, 100 outstanding; raises Absent if any answer was an error or more than 0.1 % were lost."""
    output = _run(port, queries, seconds)
    outcome = parse(output)
    if outcome is None or not outcome.answers:
        raise Absent("dnsperf got no answer")
    if outcome.answers < outcome.sent * 0.999:
        raise Absent(f"{outcome.sent - outcome.answers} of {outcome.sent} queries were lost or answered with an error")
    return outcome


def warm(port: int, queries: str) -> None:
    """Every query twice, as fast as answers come; raises Absent if some got none."""
    outcome = parse(_run(port, queries, WARM_SECONDS, "-n", "2"))
    if outcome is None or outcome.answers < outcome.sent * 0.999:
        raise Absent("not every name was answered before the first round")


def paced(port: int, queries: str, seconds: float, rate: float) -> tuple[float, float]:
    """Median and 99th percentile latency in milliseconds at `rate` queries a second."""
    latencies = parse_latencies(_run(port, queries, seconds, "-v", "-Q", str(round(rate)), before=_first()))
    if not latencies:
        raise Absent("dnsperf got no answer")
    return percentile(latencies, 0.5) * 1e3, percentile(latencies, 0.99) * 1e3


def parse(output: str) -> Outcome | None:
    """The outcome in dnsperf's statistics; None where there are none."""
    patterns = (
        r"Queries sent:\s+(\d+)",
        r"NOERROR (\d+)",
        r"Run time \(s\):\s+([\d.]+)",
        r"Average Latency \(s\):\s+([\d.]+)",
    )
    found = [re.search(pattern, output) for pattern in patterns]
    if not all(found):
        return None
    sent, answers, seconds, average = (match.group(1) for match in found if match)
    return Outcome(sent=int(sent), answers=int(answers), seconds=float(seconds), average_ms=float(average) * 1e3)


def parse_latencies(output: str) -> list[float]:
    """Seconds of each answered query in dnsperf's verbose output (`> NOERROR name type seconds`)."""
    return [float(line.rpartition(" ")[2]) for line in output.splitlines() if line.startswith("> NOERROR ")]


def _run(port: int, queries: str, seconds: float, *options: str, before: Sequence[str] = ()) -> str:
    dnsperf = packages.debian("dnsperf", "dnsperf")
    argv = (dnsperf, "-s", "127.0.0.1", "-p", str(port), "-d", queries, "-l", str(max(1, round(seconds))))
    rest = ("-c", "4", "-T", "1", "-q", str(OUTSTANDING), "-t", "2", *options)
    memory = os.memfd_create("dnsperf")
    with os.fdopen(memory, "rb") as said:
        subprocess.run(
            ("taskset", "-c", str(LOAD_CORE), *before, *argv, *rest),
            stdout=memory, stderr=subprocess.DEVNULL, timeout=seconds + 30, check=False,
        )  # fmt: skip
        said.seek(0)
        return said.read().decode()


@cache
def _first() -> tuple[str, ...]:
    """What to start a program with that is to go before ordinary ones (sched(7), SCHED_RR); nothing where we may not."""
    argv = ("chrt", "--rr", "2")
    try:
        return argv if subprocess.run((*argv, "true"), capture_output=True, check=False).returncode == 0 else ()
    except FileNotFoundError:
        return ()

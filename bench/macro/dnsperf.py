"""DNS load: dnsperf over UDP on the load's core, as fast as answers come or at a set rate."""

from __future__ import annotations

import re
import subprocess

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
    latencies = parse_latencies(_run(port, queries, seconds, "-v", "-Q", str(round(rate))))
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


def _run(port: int, queries: str, seconds: float, *options: str) -> str:
    dnsperf = packages.debian("dnsperf", "dnsperf")
    argv = (dnsperf, "-s", "127.0.0.1", "-p", str(port), "-d", queries, "-l", str(max(1, round(seconds))))
    rest = ("-c", "4", "-T", "1", "-q", str(OUTSTANDING), "-t", "2", *options)
    done = subprocess.run(
        ("taskset", "-c", str(LOAD_CORE), *argv, *rest),
        capture_output=True, text=True, timeout=seconds + 30, check=False,
    )  # fmt: skip
    return done.stdout

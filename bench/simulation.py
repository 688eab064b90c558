"""`python -m bench simulation --seeds N`: clusters in virtual time under storms, one per seed, and every law checked after each write.

Small clusters of 3 to 12 nodes with all kinds of services, in as many processes as there are cores; `--full N` plays N further seeds at full
size (1 000 nodes, 10 000 replicas). A broken law is told with its seed, and `--first` begins elsewhere. No sockets, no threads, no waiting
in what is played. `--interpreter pypy3` plays the same source two to three times as fast, with stand-ins for what PyPy does not have
(`bench/standins`); the same seeds end the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import click
from msgspec import json

HERE = Path(__file__).parent


def run(seeds: int, first: int, full: int, jobs: int, interpreter: str) -> int:
    """Play them all and print what was checked; the number of seeds in which a law was broken."""
    begun = time.perf_counter()
    checks: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    broken = 0
    for told in _all(seeds, first, full, jobs or os.cpu_count() or 1, interpreter):
        checks.update(told["checks"])
        totals.update(told["counts"])
        if told["said"]:
            broken += 1
            click.echo(f"seed {told['seed']} ({told['size']}): {told['said']}")
    for name, count in sorted(checks.items()):
        click.echo(f"  {count:>12}  {name}")
    click.echo(
        f"{seeds} small and {full} full-size seeds from {first}, {sum(checks.values())} checks of {len(checks)} laws, "
        f"{broken} seeds broken; {totals['plans']} plans, {totals['writes']} writes, {totals['seconds'] / 3600:.0f} h of "
        f"virtual time in {time.perf_counter() - begun:.0f} s"
    )
    return broken


def _all(seeds: int, first: int, full: int, jobs: int, interpreter: str) -> Iterator[dict]:
    """What is told of each, in no order, by `jobs` processes."""
    waiting: SimpleQueue[str] = SimpleQueue()
    told: SimpleQueue[dict | None] = SimpleQueue()
    for size, count in (("small", seeds), ("full", full)):
        for seed in range(first, first + count):
            waiting.put(f"{size} {seed}\n")
    with ThreadPoolExecutor(jobs) as pool:
        players = [pool.submit(_play, waiting, told, interpreter) for _ in range(jobs)]
        for number, one in enumerate(one for _ in players for one in iter(told.get, None)):
            if one["size"] == "full":
                click.echo(f"{number + 1} of {seeds + full}: full-size seed {one['seed']}", err=True)
            yield one
        for each in players:
            each.result()


def _play(waiting: SimpleQueue[str], told: SimpleQueue[dict | None], interpreter: str) -> None:
    """One process, seed after seed, until none waits; None is told at its end. RuntimeError or OSError where it ends before."""
    command = [interpreter or sys.executable, "-m", "bench.storms"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    try:
        with subprocess.Popen(command, **pipes, cwd=HERE.parent, env=_environment(interpreter)) as process:
            while not waiting.empty():
                with suppress(Empty):  # another one was faster
                    line = waiting.get_nowait()
                    process.stdin.write(line)
                    process.stdin.flush()
                    answer = process.stdout.readline()
                    if not answer:
                        raise RuntimeError(f"{' '.join(command)} ended at {line.strip()}")
                    told.put(json.decode(answer))
    finally:
        told.put(None)


def _environment(interpreter: str) -> dict[str, str]:
    """Another interpreter gets what it lacks, and room for PyPy's young objects: a cluster of full size makes and drops many."""
    if not interpreter:
        return dict(os.environ)
    paths = os.pathsep.join((str(HERE / "standins"), str(HERE.parent)))
    return {**os.environ, "PYTHONPATH": paths, "PYPY_GC_NURSERY": "64M"}

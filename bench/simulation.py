"""`python -m bench simulation --seeds N`: clusters in virtual time under storms, one per seed, and every law checked after each write.

Small clusters of 3 to 12 nodes with all kinds of services, in as many processes as there are cores; `--full N` runs N further seeds at full
size (1 000 nodes, 10 000 replicas). A broken law is told with its seed, and `--first` begins elsewhere. No sockets, no threads, no waiting.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import click

from tests.support.cluster_stories import large, large_storm, small, storm


def run(seeds: int, first: int, full: int, jobs: int) -> int:
    """Run them all and print what was checked; the number of seeds in which a law was broken."""
    begun = time.perf_counter()
    checks: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    broken = 0
    with ProcessPoolExecutor(max_workers=jobs or os.cpu_count()) as pool:
        told = pool.map(_small, range(first, first + seeds), chunksize=8)
        for results in (told, pool.map(_large, range(first, first + full))):
            for seed, size, found, counts, said in results:
                checks.update(found)
                totals.update(counts)
                if said:
                    broken += 1
                    click.echo(f"seed {seed} ({size}): {said}")
    _table(checks)
    click.echo(
        f"{seeds} small and {full} full-size seeds from {first}, {sum(checks.values())} checks of {len(checks)} laws, "
        f"{broken} seeds broken; {totals['plans']} plans, {totals['writes']} writes, {totals['seconds'] / 3600:.0f} h of "
        f"virtual time in {time.perf_counter() - begun:.0f} s"
    )
    return broken


def _small(seed: int) -> tuple[int, str, Counter[str], Counter[str], str]:
    world, rng = small(seed)
    return seed, "small", *_told(world, lambda: storm(world, rng))


def _large(seed: int) -> tuple[int, str, Counter[str], Counter[str], str]:
    world, rng = large(seed)
    begun = time.perf_counter()
    told = _told(world, lambda: large_storm(world, rng))
    click.echo(
        f"full-size seed {seed}: {len(world.places)} places, {time.perf_counter() - begun:.0f} s", file=sys.stderr
    )
    return seed, "full", *told


def _told(world, story) -> tuple[Counter[str], Counter[str], str]:
    began, said = world.now, ""
    try:
        story()
    except AssertionError as fault:
        said = str(fault)[:500]
    counts = Counter(plans=world.plans, writes=world.writes, seconds=int(world.now - began))
    return world.laws.checks, counts, said


def _table(checks: Counter[str]) -> None:
    for name, count in sorted(checks.items()):
        click.echo(f"  {count:>12}  {name}")

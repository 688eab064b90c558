"""Three hosts with an engine and an etcd member each, a stack over all of them, and what goes wrong with hosts and stores, under load.

Hosts are network namespaces. The load comes from none of them, to the router of each that is to live: requests on a fixed schedule over
kept connections, nothing is asked twice. What `up` placed is `macro/shop`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from bench.macro import hosts_logs, hosts_nodes, hosts_store, shop
from bench.macro.hosts_stage import BENCH, CASE, REACH_SECONDS, Stage, eventually
from bench.macro.placed import doubled
from bench.macro.record import Plan, Record
from bench.macro.sample import Absent
from tests.support.containers import ensure_images
from tests.support.hosts import hosts, lacking
from tidegate.placement.standing import FRESH

OURS = "tidegate"
PHASES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "node": hosts_nodes.node_killed,
    "leader": hosts_nodes.leader_killed,
    "power": hosts_nodes.power_cut,
    "drain": hosts_nodes.drained,
    "update": hosts_nodes.renewed,
    "etcd-leader": hosts_store.member_killed,
    "etcd-minority": hosts_store.minority,
    "cut": hosts_store.cut,
    "etcd-away": hosts_store.away,
    "etcd-frozen": hosts_store.frozen,
    "both": hosts_store.both,
    "control": hosts_store.forgotten,
    "logs": hosts_logs.told,
}


def measure(plan: Plan, record: Record) -> None:
    """Some fifteen minutes; `plan.rounds` and `plan.seconds` have no part in it. `plan.case` names phases, with commas between."""
    if reason := lacking():
        record.miss(BENCH, CASE, OURS, reason)
        return
    try:
        with hosts("a", "b", "c", prefix="tghosts", members=True) as (made, store):
            record.note_version(OURS, (sys.executable, "-m", "tidegate", "--version"))
            record.note_version("docker", ("dockerd", "--version"))
            record.note_version("etcd", ("etcd", "--version"))
            asyncio.run(_play(Stage(made, store, plan, record), plan))
    except (Absent, OSError, EOFError, AssertionError) as why:  # TimeoutError is an OSError
        record.miss(BENCH, CASE, OURS, str(why) or "it took too long")


async def _play(stage: Stage, plan: Plan) -> None:
    chosen = [each for each in plan.case.split(",") if each] or list(PHASES)
    try:
        for host in stage.hosts:
            await ensure_images(host.engine.url)
        for host in stage.hosts:
            host.start(stage.store)
        await eventually(lambda: _all_there(stage), REACH_SECONDS, "not all nodes have joined")
        joined = time.monotonic()
        await _put_up(stage)
        await asyncio.sleep(max(0.0, joined + FRESH - time.monotonic()))  # before, nobody is taken for lost
        for name in chosen:
            await PHASES[name](stage)
    finally:
        if kept := os.environ.get("BENCH_LOGS"):  # a folder, for who wants to know why
            for host in stage.hosts:
                shutil.copy(host.folder / "serve.log", Path(kept) / f"hosts-{host.name}.log")


async def _all_there(stage: Stage) -> bool:
    with contextlib.suppress(OSError, EOFError, TimeoutError, AssertionError):
        nodes = (await stage.hosts[0].api("/v1/nodes"))["nodes"]
        return sum(each["state"] == "ready" for each in nodes) == len(stage.hosts)
    return False


async def _put_up(stage: Stage) -> None:
    """The stack, spread over the zones; every route and every name on every node."""
    began = time.monotonic()
    stage.file.write_text(shop.compose())
    first = stage.hosts[0]
    said = await first.cli("up", "-f", str(stage.file), "--no-wait")
    if isinstance(said, str):
        raise Absent(f"tidegate up: {said}")
    await stage.settle(stage.hosts)
    took = time.monotonic() - began
    now = await stage.placed(first)
    for service in (*shop.ROAMING, "static", "db"):
        click.echo(f"  {service}: {now.spread(service)}", err=True)
    faults = await stage.reached()
    asked = 2 * len(shop.ROUTED) * len(stage.hosts)
    stage.record.add(
        BENCH, CASE, "`up` of six services", 1, ready_s=took, places_after=float(sum(each.stays for each in now.puts)),
        requests=float(asked), failed=float(len(faults)), failed_later=float(len(faults)), doubles=float(len(doubled(await stage.running()))),
    )  # fmt: skip

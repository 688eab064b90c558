"""What `tidegate logs` tells on one node of what replicas write on all, and when one of those is dead."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import click

from bench.macro import shop
from bench.macro.hosts_stage import BENCH, REACH_SECONDS, TELL_SECONDS, Stage, eventually
from tests.support.hosts import Host

CASE = "`tidegate logs`, asked of one node"
UNASKED = "T2307"


async def told(stage: Stage) -> None:
    """Of the stack, and of one service since some time; then the same with a node that was killed."""
    asked = stage.hosts[0]
    victim = stage.others(asked)[0]
    await asyncio.sleep(TELL_SECONDS)  # so that there is something of all that time
    await _ask(stage, asked, "all three live", shop.NAME, "--tail", "1000")
    await _ask(stage, asked, "all three live", f"{shop.NAME}/static", "--since", f"{TELL_SECONDS:g}s")
    await asyncio.to_thread(victim.die)
    await _ask(stage, asked, "one is dead", shop.NAME, "--since", f"{TELL_SECONDS:g}s")
    await asyncio.to_thread(victim.engine.start)
    victim.start(stage.store)
    await eventually(lambda: _asked(asked, victim), REACH_SECONDS, "the node's lines are not told again")
    await stage.whole()


async def _ask(stage: Stage, host: Host, how: str, *arguments: str) -> None:
    began = time.monotonic()
    code, out, err = await host.verb("logs", *arguments, "--json")
    took = time.monotonic() - began
    if code:
        click.echo(f"  logs: {err}", err=True)
    found = {**seen(json.loads(out)), "took_ms": took * 1e3} if code == 0 else {"lines": 0.0}
    stage.record.add(BENCH, CASE, f"`logs {' '.join(arguments)}`, {how}", 1, **found)


async def _asked(host: Host, other: Host) -> bool:
    """Whether a host tells what was written on another one just now."""
    code, out, _ = await host.verb("logs", f"{shop.NAME}/static", "--since", "2s", "--json")
    return code == 0 and other.name in {each["node"] for each in json.loads(out)["data"]["lines"]}


def seen(answer: Mapping[str, Any]) -> dict[str, float]:
    """What is in an answer: lines, of how many nodes and replicas; lines that are earlier than one before them; ticks of a replica that are
    not there between two that are (a container that starts again counts from 1); nodes that are named as not asked."""
    lines = answer["data"]["lines"]
    ticks: dict[tuple[str, str], list[int]] = {}
    for each in lines:
        ticks.setdefault((each["service"], each["replica"]), []).append(int(each["text"].removeprefix(shop.TICK)))
    named = [each for each in answer.get("warnings", ()) if each["code"] == UNASKED]
    return {
        "lines": float(len(lines)),
        "nodes": float(len({each["node"] for each in lines})),
        "replicas": float(len(ticks)),
        "disordered": float(sum(one["at"] > other["at"] for one, other in pairwise(lines))),
        "gaps": float(sum(other not in (1, one + 1) for each in ticks.values() for one, other in pairwise(each))),
        "named": float(len(named)),
    }

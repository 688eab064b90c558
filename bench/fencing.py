"""`python -m bench fencing --rounds 4`: exclusive replicas on two nodes over a real etcd, in real time; the node that runs one is cut off.

All rounds go on at once, each with nodes, engines (in memory) and a prefix of its own; half of them cut off the node that leads. Told is,
in seconds since the last word of that node which the store heard, when its container was last seen running and when the other one began.
"""

from __future__ import annotations

import asyncio

import click

from tests.support.beside import beside
from tests.support.etcd import QUICK, Cluster
from tests.support.etcd import cluster as etcd
from tests.support.memory_store import Way
from tests.support.two_nodes import GRACE, Watched, cluster, placed, until
from tidegate.cluster.lease import TTL_SECONDS
from tidegate.cluster.membership import FENCE_SECONDS
from tidegate.store.etcd import EtcdStore
from tidegate.tasks import Tasks

PATIENCE_SECONDS = 120.0
AFTER_SECONDS = 10.0  # that both are watched after the cut has healed


class Outcome:
    """Of one round."""

    def __init__(self, led: bool, stopped: float, began: float, twice: int) -> None:
        self.led, self.stopped, self.began, self.twice = led, stopped, began, twice

    @property
    def wrong(self) -> bool:
        """Whether both ran, or might have."""
        late = self.stopped > TTL_SECONDS - FENCE_SECONDS + GRACE + 1.5
        return bool(self.twice) or late or self.began <= self.stopped


def run(rounds: int) -> int:
    """Run and print a line for each; 0 if none ever ran twice."""
    with etcd(1, QUICK) as made:
        outcomes = asyncio.run(_run(made, rounds))
    click.echo("| cut off led | stopped, s | elsewhere, s | between, s | seen twice |\n|---|---|---|---|---|")
    for each in outcomes:
        gap = each.began - each.stopped
        click.echo(
            f"| {'yes' if each.led else 'no'} | {each.stopped:.1f} | {each.began:.1f} | {gap:.1f} | {each.twice} |"
        )
    return 1 if any(each.wrong for each in outcomes) else 0


async def _run(made: Cluster, rounds: int) -> list[Outcome]:
    async with Tasks("fencing") as tasks:
        going = [tasks.spawn(str(number), _round(made, number)) for number in range(rounds)]
    return [each.result() for each in going]


async def _round(made: Cluster, number: int) -> Outcome:
    address = made.address()
    stores = [await EtcdStore.open(address) for _ in "ab"]
    ways = {name: Way(store) for name, store in zip("ab", stores, strict=True)}
    try:
        async with cluster(ways) as nodes:
            await until(lambda: all(each.leader for each in nodes), PATIENCE_SECONDS)
            leader = nodes[0].leader
            holder, other = await placed(nodes, leader if number % 2 else ({"a", "b"} - {leader}).pop())
            watched = Watched(nodes)
            async with beside(watched.run()):
                await asyncio.sleep(number % 5)
                spoke = holder.spoke_at
                holder.way.broken = True
                began = await until(other.running, PATIENCE_SECONDS)
                stopped = watched.last[holder.name]
                holder.way.broken = False
                await asyncio.sleep(AFTER_SECONDS)
            return Outcome(bool(number % 2), stopped - spoke, began - spoke, len(watched.twice))
    finally:
        for store in stores:
            await store.close()

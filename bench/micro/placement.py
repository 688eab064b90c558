"""How long the scheduler decides, with 1 000 nodes and 10 000 replicas known (budget: p99 of a round <= 250 ms).

Each row is one question asked of the same cluster over and over with another seed; process CPU time, no store, no network.
`python -m bench placement`, or `python -m bench.micro.placement`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from random import Random

import click
from msgspec.structs import replace

from tests.support.placement import demand, node, replica, standing
from tidegate.placement.explain import explained
from tidegate.placement.memory import Ledger, Memory
from tidegate.placement.place import place
from tidegate.placement.planning import plan
from tidegate.placement.replica import Pending
from tidegate.placement.scene import Scene

NODES, SERVICES, EACH = 1000, 200, 50
NOW = 10_000.0
BUDGET_MS = 250.0
UNBOUNDED = "1 000 slots of 200 services, unbounded"  # what a round would take if it did not leave the rest to the next


def cluster(seed: int = 1) -> tuple[Scene, Memory]:
    """1 000 nodes in four zones, 200 services of 50 replicas placed at random; every fourth service has rules."""
    rng = Random(seed)
    nodes = tuple(
        node(f"n{n}", f"z{n % 4}", cpu=32.0, memory=2**37, labels={"disk": rng.choice(("ssd", "hdd"))})
        for n in range(NODES)
    )
    rules = ("constraint:disk==ssd", "affinity:service!=s0", "affinity:service==~s1", "availability:az==3")
    demands = tuple(
        demand(f"shop/s{n}", *(rules if n and n % 4 == 0 else ()), cpu=0.25, memory=2**28, replicas=EACH)
        for n in range(SERVICES)
    )
    replicas = tuple(
        replica(rng.choice(nodes).name, slot, each.service, reservation=each.reservation)
        for each in demands
        for slot in range(1, EACH + 1)
    )
    standings = {each.name: standing(each.name, each.zone) for each in nodes}
    return Scene(demands=demands, nodes=nodes, replicas=replicas), Memory(
        standings=standings, ledger=Ledger(rebalanced_at=NOW)
    )


def without(scene: Scene, count: int) -> Scene:
    """The same after `count` nodes went."""
    return replace(scene, nodes=scene.nodes[count:])


def questions() -> dict[str, Callable[[int], object]]:
    """What is asked, by name; each takes a seed."""
    scene, memory = cluster()
    one = [Pending(service="shop/s4", slot=51, revision="r1")]
    many = [Pending(service=f"shop/s{n}", slot=51, revision="r1") for n in range(SERVICES)]
    thousand = [Pending(service=f"shop/s{n}", slot=51 + k, revision="r1") for n in range(SERVICES) for k in range(5)]
    fresh = replace(scene, replicas=())
    due = replace(memory, ledger=Ledger())
    return {
        "a round with nothing to do": lambda seed: plan(scene, memory, NOW, seed),
        "a node is gone": lambda seed: plan(without(scene, 1), memory, NOW, seed),
        "20 nodes are gone": lambda seed: plan(without(scene, 20), memory, NOW, seed),
        "100 nodes are gone": lambda seed: plan(without(scene, 100), memory, NOW, seed),
        "10 000 replicas of 200 services are new": lambda seed: plan(fresh, memory, NOW, seed),
        "the rebalancer's turn": lambda seed: plan(scene, due, NOW, seed),
        "1 slot, counting all": lambda seed: place(one, scene, NOW, seed),
        "200 slots of 200 services": lambda seed: place(many, scene, NOW, seed),
        UNBOUNDED: lambda seed: place(thousand, scene, NOW, seed, 10**9),
        "explain": lambda seed: explained(one[0], scene, seed),
    }


def run(rounds: int) -> bool:
    """Print a table; whether every round of the leader kept the budget."""
    kept = True
    click.echo(f"{'':42}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
    for name, ask in questions().items():
        times = _times(ask, rounds)
        p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
        kept = kept and (p99 <= BUDGET_MS or name == UNBOUNDED)
        click.echo(f"{name:42}{times[len(times) // 2]:>9.1f}{p99:>9.1f}{times[-1]:>9.1f}")
    return kept


def _times(ask: Callable[[int], object], rounds: int) -> list[float]:
    ask(0)
    times = []
    for seed in range(1, rounds + 1):
        gc.collect()
        begun = time.process_time()
        ask(seed)
        times.append(1000 * (time.process_time() - begun))
    return sorted(times)


if __name__ == "__main__":
    run(100)

"""Which replicas go when a service shall have fewer: those that serve least go first, and what is left stays even.

On a node that is drained or gone, not running, not ready, of an older revision; then from the zone with the most, from the node with the
most; then the one with no long-lived connections and the fewest requests; then the youngest (ages count as equal up to a factor of two);
then the highest slot. Swarm mode evens out nodes only, Kubernetes neither zones: both leave what is lopsided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Replica, State

_RUNNING = (State.STARTING, State.READY, State.UNHEALTHY)


def victims(
    replicas: Iterable[Replica], count: int, nodes: Mapping[str, NodeFacts], revision: str, now: float
) -> tuple[Replica, ...]:
    """The `count` replicas to go, in their order."""
    left = list(replicas)
    zones = Counter(_zone(each, nodes) for each in left)
    hosts = Counter(each.node for each in left)
    gone: list[Replica] = []
    while left and len(gone) < count:
        worst = min(
            left,
            key=lambda each: (
                *_rank(each, nodes, revision),
                -zones[_zone(each, nodes)],
                -hosts[each.node],
                *_use(each, now),
            ),
        )
        left.remove(worst)
        gone.append(worst)
        zones[_zone(worst, nodes)] -= 1
        hosts[worst.node] -= 1
    return tuple(gone)


def _rank(replica: Replica, nodes: Mapping[str, NodeFacts], revision: str) -> tuple[bool, bool, bool, bool]:
    """False comes first: what is no use goes before what is."""
    facts = nodes.get(replica.node)
    placed = facts is not None and facts.ready and not facts.drained
    return placed, replica.state in _RUNNING, replica.ready, replica.revision == revision


def _use(replica: Replica, now: float) -> tuple[bool, int, int, int]:
    age = max(now - replica.place.since, 1.0)
    carried = replica.carried
    return carried.long_lived > 0, carried.in_flight, int(age).bit_length(), -replica.slot


def _zone(replica: Replica, nodes: Mapping[str, NodeFacts]) -> str:
    facts = nodes.get(replica.node)
    return facts.zone if facts is not None else ""

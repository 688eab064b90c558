"""Where a service fails again and again, remembered: five times within five minutes on a node make it the last choice there.

Swarm mode's rule. Kept per revision, since the next one may have mended it; stored, so that a new leader does not begin anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.placement.replica import Replica
from tidegate.value import Value

LIMIT, WINDOW = 5, 300.0


class Failures(Value):
    """`nodes`: when replicas of the revision ended there. `noted`: place -> ends that were counted already."""

    service: str
    revision: str
    nodes: dict[str, tuple[float, ...]] = {}
    noted: dict[str, int] = {}

    def failing(self, now: float) -> frozenset[str]:
        """Nodes that are the last choice now."""
        return frozenset(
            node for node, times in self.nodes.items() if sum(when > now - WINDOW for when in times) >= LIMIT
        )


def followed(
    before: Failures | None, service: str, revision: str, replicas: Iterable[Replica], now: float
) -> Failures | None:
    """What is remembered after the service's replicas were looked at: the same object if nothing, None if there is nothing to say."""
    known = before if before is not None and before.revision == revision else None
    noted = known.noted if known else {}
    ended = {each.key: each for each in replicas if each.ended and each.revision == revision}
    if known is not None and all(noted.get(key) == each.ended for key, each in ended.items()) and _recent(known, now):
        return known
    nodes = (
        {node: tuple(when for when in times if when > now - WINDOW) for node, times in known.nodes.items()}
        if known
        else {}
    )
    for key, each in ended.items():
        more = min(each.ended - noted.get(key, 0), LIMIT)
        if more > 0:
            nodes[each.node] = (*nodes.get(each.node, ()), *(now,) * more)[-LIMIT:]
    nodes = {node: times for node, times in nodes.items() if times}
    counted = {key: each.ended for key, each in ended.items()}
    if not nodes and not counted:
        return None
    after = Failures(service=service, revision=revision, nodes=nodes, noted=counted)
    return before if after == before else after


def _recent(known: Failures, now: float) -> bool:
    """Whether nothing of it is so old that it is to be forgotten."""
    return all(when > now - WINDOW for times in known.nodes.values() for when in times)

"""Which of several nodes does what one has to do for a service: roll a release out, scale it.

What acts on containers acts through an engine, so it is a node that has some of them: the leader where it has any, else the first by
name. All nodes see the same containers, and so agree; where for a moment they do not, what they write compares what it was decided
from, and what they do to containers is done once however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tidegate.control.ports import OthersPort
from tidegate.model import Inventory


class Duty:
    """Of this node, `own`, among `others`."""

    def __init__(self, own: str, others: OthersPort, inventories: Callable[[], Mapping[str, Inventory]]) -> None:
        self._own = own
        self._others = others
        self._inventories = inventories

    def has(self, service: str) -> bool:
        """Whether it is ours to act for a service; nobody's containers are the leader's."""
        if self._others.alone:
            return True
        seen = self._inventories().values()
        nodes = {instance.node for each in seen for instance in each.services.get(service, ())}
        leader = self._others.leader
        return self._own == (leader if leader in nodes or not nodes else min(nodes))

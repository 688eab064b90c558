"""Which of several nodes does what one has to do for a service: roll a release out, scale it.

What acts on containers acts through an engine, so it is a node that has some of them: the leader where it has any, else the first by
name. All nodes see the same containers, and so agree; where for a moment they do not, what they write compares what it was decided
from, and what they do to containers is done once however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tidegate.control.ports import OthersPort
from tidegate.model import Instance, Inventory


class Duty:
    """Of this node, `own`, among `others`."""

    def __init__(self, own: str, others: OthersPort, inventories: Callable[[], Mapping[str, Inventory]]) -> None:
        self._own = own
        self._others = others
        self._inventories = inventories

    def has(self, service: str) -> bool:
        """Whether it is ours to act for a service; nobody's containers are the leader's."""
        return self._others.alone or self._is_first({each.node for each in self._instances(service)})

    def scales(self, service: str) -> bool:
        """Whether it is ours to scale a service: copies are counted where they were made, so who made some goes on."""
        makers = {each.node for each in self._instances(service) if each.made == "scaling"}
        return self._is_first(makers) if makers and not self._others.alone else self.has(service)

    def _is_first(self, nodes: set[str]) -> bool:
        leader = self._others.leader
        return self._own == (leader if leader in nodes or not nodes else min(nodes))

    def _instances(self, service: str) -> Iterator[Instance]:
        for each in self._inventories().values():
            yield from each.services.get(service, ())

"""The names we hold: nodes by wire name, with what claims them, and the empty names between them and their zone.

A node lives while something claims it: a name of the table, an address that points to it (reverse names), or a node
below it in the same zone (an empty non-terminal, RFC 8020: it exists and has no data).
"""

from __future__ import annotations

from collections.abc import Iterator

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.model import DnsName

STAR = b"\x01*"

_STAR = STAR


class Node:
    """One name that exists. `claims` by table key; `pointers` counts the uses of each canonical name by the address that
    a reverse name stands for."""

    __slots__ = ("children", "claims", "name", "pointers")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.claims: dict[str, DnsName] = {}
        self.pointers: dict[str, int] = {}
        self.children = 0

    @property
    def claim(self) -> DnsName | None:
        """The claim that holds: what is written out in full goes before what is derived, then by table key."""
        if not self.claims:
            return None
        return self.claims[min(self.claims, key=lambda key: (not self.claims[key].absolute, key))]

    @property
    def is_empty(self) -> bool:
        """Does nothing hold this node any more?"""
        return not (self.claims or self.pointers or self.children)


class Tree:
    """All nodes. `apexes` are the zones we own: only below them do empty non-terminals and closest enclosers count."""

    def __init__(self, apexes: frozenset[bytes]) -> None:
        self.nodes: dict[bytes, Node] = {}
        self._apexes = apexes
        self._wildcards = 0  # names that have one, and are claimed
        for apex in apexes:
            self.nodes[apex] = Node(apex)

    def claim(self, name: bytes, key: str, value: DnsName) -> bool:
        """Let table entry `key` stand behind `name`. True if the name did not exist before."""
        node, is_new = self._reach(name)
        if not node.claims and name.startswith(_STAR):
            self._wildcards += 1
        node.claims[key] = value
        return is_new

    def unclaim(self, name: bytes, key: str) -> bool:
        """Undo `claim`. True if the name is gone."""
        node = self.nodes[name]
        del node.claims[key]
        if not node.claims and name.startswith(_STAR):
            self._wildcards -= 1
        return self._leave(node)

    def point(self, name: bytes, canonical: str) -> bool:
        """Count one more use of `canonical` by the address whose reverse name is `name`. True if the name is new."""
        node, is_new = self._reach(name)
        node.pointers[canonical] = node.pointers.get(canonical, 0) + 1
        return is_new

    def unpoint(self, name: bytes, canonical: str) -> bool:
        """Undo `point`. True if the name is gone."""
        node = self.nodes[name]
        node.pointers[canonical] -= 1
        if not node.pointers[canonical]:
            del node.pointers[canonical]
        return self._leave(node)

    def wildcard(self, name: bytes) -> Node | None:
        """The wildcard that covers `name`, which has no node: only that of the closest encloser (RFC 4592 3.3.1)."""
        if not self._wildcards:
            return None
        position = 0
        while name[position]:
            position += name[position] + 1
            above = raw.part(name, position, len(name))
            found = self.nodes.get(_STAR + above)
            if found is not None and found.claims:
                return found
            if above in self.nodes:
                return None
        return None

    def _reach(self, name: bytes) -> tuple[Node, bool]:
        node = self.nodes.get(name)
        if node is not None:
            return node, False
        node = self.nodes[name] = Node(name)
        parent = self._parent(name)
        if parent is not None:
            self._reach(parent)[0].children += 1
        return node, True

    def _leave(self, node: Node) -> bool:
        if not node.is_empty or node.name in self._apexes:
            return False
        del self.nodes[node.name]
        parent = self._parent(node.name)
        if parent is not None:
            above = self.nodes[parent]
            above.children -= 1
            self._leave(above)
        return True

    def _parent(self, name: bytes) -> bytes | None:
        """The name above, where both lie in a zone of ours."""
        if name in self._apexes or not any(above in self._apexes for above in ancestors(name)):
            return None
        return name[name[0] + 1 :]


def ancestors(name: bytes) -> Iterator[bytes]:
    """Every name above `name`, nearest first, the root last."""
    position = 0
    while name[position]:
        position += name[position] + 1
        yield name[position:]

"""Names that say on which network: `web.front` is what `web` is on the network `front`, as in Docker's own DNS.

They are not in the tree, which would double it; a name that is not there is looked at once more from its end. The longest
name of something goes first, so `a.b.c` is `a.b` on `c` before it is `a` on `b.c`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from msgspec.structs import replace

from tidegate.dns.tree import Node, Tree
from tidegate.model import DnsMode, DnsName


class NamedNetworks(Protocol):
    """Who knows the networks' names."""

    @property
    def named(self) -> Mapping[bytes, Collection[str]]:
        """The networks of each name, in wire form without the final zero."""
        ...


def scoped(tree: Tree, networks: NamedNetworks, name: bytes, apex: bytes) -> tuple[Node, DnsName] | None:
    """Whose name `name` is on a network, and the claim with its addresses there; None if it is nobody's."""
    if not networks.named:
        return None
    end = len(name) - (len(apex) or 1)
    starts = []
    position = name[0] + 1
    while position < end:
        starts.append(position)
        position += name[position] + 1
    for start in reversed(starts):
        ids = networks.named.get(name[start:end])
        node = tree.nodes.get(name[:start] + name[end:]) if ids else None
        claim = _on(node.claim, ids) if ids and node is not None else None
        if node is not None and claim is not None:
            return node, claim
    return None


def is_network(networks: NamedNetworks, name: bytes, apex: bytes) -> bool:
    """Is `name` that of a network below `apex`? Then there are names below it."""
    return bool(apex) and name[: -len(apex)] in networks.named


def _on(claim: DnsName | None, ids: Collection[str]) -> DnsName | None:
    if claim is None or claim.absolute or claim.mode is DnsMode.PROXY:
        return None
    targets = []
    for target in claim.targets:
        places = tuple(place for place in target.addresses if place.network in ids)
        if places:
            targets.append(replace(target, addresses=places))
    return replace(claim, targets=tuple(targets)) if targets else None

"""How the admin API shows what a node has of stacks, what that sets aside, and what else its engine holds. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.control.answers import Document
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Place
from tidegate.placement.resources import NOTHING


def shown(node: NodeFacts, places: Iterable[Place]) -> Document:
    """One node; of `places` those that are there count. `left_out`: kinds of things of which there are more than a node tells."""
    here = [place for place in places if place.node == node.name]
    reserved = sum((place.reservation for place in here), NOTHING)
    return {
        "labels": node.labels,
        "cpus": node.capacity.cpu,
        "memory": node.capacity.memory,
        "replicas": sum(not place.leaving for place in here),
        "reserved": {"cpus": reserved.cpu, "memory": reserved.memory},
        "drained_since": node.drained_since,
        "holds": {
            "images": sum(each.startswith("sha256:") for each in node.images),  # ids; each has names beside
            "volumes": len(node.volumes),
            "containers": len(node.containers),
            "ports": list(node.ports),
            "memory": node.taken.memory,
        },
        "left_out": node.cut,
    }

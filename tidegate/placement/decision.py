"""What a round of placing came to."""

from __future__ import annotations

from enum import StrEnum

from tidegate.placement.replica import Pending, Place
from tidegate.value import Value


class Filter(StrEnum):
    """What excludes a node, in the order in which it is asked; the first one counts. VOLUME: it is not where the slot's data is, or
    where a person or the rebalancer wants it. AVOID: the slot comes from there."""

    READY = "ready"
    CORDON = "cordon"
    CONSTRAINT = "constraint"
    PLATFORM = "platform"
    RESOURCES = "resources"
    PORT = "port"
    VOLUME = "volume"
    AVOID = "avoid"
    MAX_PER_NODE = "max-per-node"
    AFFINITY = "affinity"
    ZONE = "zone"
    QUOTA = "quota"


class Refusal(Value):
    """A slot that no node may take. `counts`: filter -> nodes it excluded, of `nodes` in all. `text` is one sentence."""

    service: str
    slot: int
    revision: str
    counts: dict[str, int]
    nodes: int
    text: str = ""


class Decision(Value):
    """`places` are the new orders, in the order they were decided in; `refusals` are the slots that stay without a node.
    `left` were not looked at, since there was too much to do for one round."""

    places: tuple[Place, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    left: tuple[Pending, ...] = ()

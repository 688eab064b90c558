"""All that placing looks at: one picture of the cluster."""

from __future__ import annotations

from tidegate.placement.demand import Demand, Quota
from tidegate.placement.node import NodeFacts
from tidegate.placement.replica import Replica
from tidegate.value import Value


class Scene(Value):
    """`demands`: one of each service that is wanted. What has places and no demand goes, once none of those that `after` names for it
    has any.

    `nodes` are those that can be seen, `replicas` all places that are stored with what is seen of them. `failing`: service -> nodes where
    it fails again and again. `held` are services whose slots somebody else decides about (a release): only failures are answered.

    `unseen`: since when nodes that are not seen have surely not been there, by the clock of whoever decides, in epoch seconds; of a node that
    is not among them, from when it was said to be gone.
    """

    demands: tuple[Demand, ...] = ()
    nodes: tuple[NodeFacts, ...] = ()
    replicas: tuple[Replica, ...] = ()
    quotas: tuple[Quota, ...] = ()
    failing: dict[str, frozenset[str]] = {}
    held: frozenset[str] = frozenset()
    after: dict[str, tuple[str, ...]] = {}
    unseen: dict[str, float] = {}

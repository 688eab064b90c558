"""Which node a slot goes to: asked of `placement`, for all slots of a service at once, with all that is placed already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidegate.placement.demand import Demand
from tidegate.placement.node import NodeFacts
from tidegate.placement.place import place
from tidegate.placement.replica import Pending, Place, Replica
from tidegate.placement.scene import Scene
from tidegate.stacks.deciding import Spot


class Chooser:
    """For one decision. `refusals` says why slots stay without a node, by service."""

    def __init__(self, nodes: Iterable[NodeFacts], demands: Iterable[Demand], now: float, seed: int) -> None:
        self._nodes = tuple(nodes)
        self._demands = {demand.service: demand for demand in demands}
        self._now = now
        self._seed = seed
        self.refusals: dict[str, str] = {}

    def __call__(self, spots: tuple[Spot, ...], places: Iterable[Place]) -> Mapping[int, str]:
        """Slot to node, of those that there is a node for. A slot with local volumes stays where its last replica was."""
        demand = spots[0].demand
        others = (each for service, each in self._demands.items() if service != demand.service)
        scene = Scene(
            demands=(demand, *others), nodes=self._nodes, replicas=tuple(Replica(place=each) for each in places)
        )
        pending = tuple(
            Pending(
                service=demand.service,
                slot=spot.slot,
                revision=demand.revision,
                generation=spot.generation,
                home=spot.near if demand.volumes else "",
            )
            for spot in spots
        )
        decision = place(pending, scene, self._now, self._seed)
        if decision.refusals:
            self.refusals[demand.service] = decision.refusals[0].text
        return {each.slot: each.node for each in decision.places}

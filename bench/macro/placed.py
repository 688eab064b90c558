"""Where the replicas of a stack are, as the admin API tells it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

from bench.macro.sample import Value


class Put(Value):
    """One place. `key` names it and no other ever; `state` is `leaving` where it is to go."""

    key: str
    service: str
    slot: int
    node: str
    state: str

    @property
    def stays(self) -> bool:
        return self.state != "leaving"


class Placed(Value):
    """All places of a stack at one time."""

    puts: tuple[Put, ...] = ()
    settled: bool = False

    def on(self, node: str) -> int:
        """How many are to stay on a node."""
        return sum(each.stays and each.node == node for each in self.puts)

    def left(self, node: str, services: Container[str]) -> int:
        """How many of some services there are on a node at all, with those that leave."""
        return sum(each.node == node and each.service in services for each in self.puts)

    def spread(self, service: str) -> dict[str, int]:
        """How many replicas of a service each node has."""
        return dict(Counter(each.node for each in self.puts if each.stays and each.service == service))

    def has(self, wanted: Mapping[str, int], without: str = "", *, ready: bool = False) -> bool:
        """Whether as many slots of each service as are wanted have a node, or a replica that serves, on nodes other than `without`."""
        found = {
            (each.service, each.slot)
            for each in self.puts
            if each.stays and each.node != without and (each.state == "ready" or not ready)
        }
        counts = Counter(service for service, _ in found)
        return all(counts[service] >= count for service, count in wanted.items())

    def twice(self) -> int:
        """Slots with more than one place that stays."""
        slots = Counter((each.service, each.slot) for each in self.puts if each.stays)
        return sum(count > 1 for count in slots.values())


def placed(told: Mapping[str, Any]) -> Placed:
    """What `GET /v1/stacks/STACK` tells."""
    puts = tuple(
        Put(
            key=each["key"],
            service=member["name"],
            slot=each["slot"],
            node=each["node"],
            state=each["state"],
        )
        for member in told["members"]
        for each in member["replicas"]
    )
    return Placed(puts=puts, settled=told["state"] == "settled")


def doubled(keys: Iterable[str]) -> list[str]:
    """Of places that have a running container, `stack/service/slot.generation`, the slots that have several."""
    slots = Counter(key.rpartition(".")[0] for key in keys)
    return [slot for slot, count in slots.items() if count > 1]

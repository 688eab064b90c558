"""How even replicas are over zones, or over what a service prefers to be spread over.

Only replicas of the same revision count that stay and whose node is seen: with those of the revision they replace an update would stand
still, or end lopsided. The hard rule is Kubernetes' `minDomains` with a skew of one: with fewer zones than asked for the emptiest one
counts as empty, so there is one replica per zone and no second.
"""

from __future__ import annotations

from collections import defaultdict

from tidegate.placement.demand import Demand
from tidegate.placement.tally import Room, Tally

Bucket = tuple[str, ...]


class Zones:
    """Counts per zone (and per value of each preference, nested) of one demand."""

    def __init__(self, demand: Demand, rooms: list[Room], tally: Tally) -> None:
        rule = demand.zones
        hard = (
            rule is not None and not rule.soft and not demand.everywhere
        )  # what is everywhere is as even as the nodes are
        self.needed = rule.zones if rule is not None and hard else 0
        self._by_zone = rule is not None or not demand.spread
        self._spread = demand.spread
        self._plain = not demand.spread
        self._buckets: dict[str, Bucket] = {}
        self._count: defaultdict[Bucket, int] = defaultdict(int)
        self._in_zone: dict[str, int] = {}
        if self.needed:
            self._in_zone = dict.fromkeys((room.zone for room in rooms), 0)
        for node, count in tally.live[demand.service, demand.revision].items():
            room = tally.rooms.get(node)
            if room is not None:
                self._add(room, count)
        self._least = self._minimum()

    def bucket(self, room: Room) -> Bucket:
        """What the node is counted in, outermost first."""
        if self._plain:
            return room.bucket
        known = self._buckets.get(room.name)
        if known is None:
            known = room.bucket if self._by_zone else ()
            known += tuple(room.facts.values(key)[0] for key in self._spread)
            self._buckets[room.name] = known
        return known

    def skew(self, bucket: Bucket) -> tuple[int, ...]:
        """Replicas already there, level by level; the least one is next."""
        if len(bucket) == 1:
            return (self._count[bucket],)
        return tuple(self._count[bucket[: depth + 1]] for depth in range(len(bucket)))

    def allows(self, room: Room) -> bool:
        """Whether the hard rule lets one replica more into the node's zone."""
        return not self.needed or self._in_zone.get(room.zone, 0) <= self._least

    def placed(self, room: Room) -> None:
        """One replica more is on the node."""
        self._add(room, 1)
        self._least = self._minimum()

    def _add(self, room: Room, count: int) -> None:
        bucket = self.bucket(room)
        for depth in range(len(bucket)):
            self._count[bucket[: depth + 1]] += count
        if room.zone in self._in_zone:
            self._in_zone[room.zone] += count

    def _minimum(self) -> int:
        return min(self._in_zone.values(), default=0) if len(self._in_zone) >= self.needed else 0

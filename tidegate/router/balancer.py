"""Who is next: smooth weighted round robin over backends, then over the ready endpoints of the one chosen. Pure.

HOT: one `pick` per request (`make bench`). Both levels are built when the table is; a pick only moves counters.
Smooth weighted round robin as in nginx: each candidate gains its weight, the richest is taken and pays the total, so
that 5:1 gives `a a a b a a`, never `a a a a a b`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Rotation:
    """Smooth weighted round robin over fixed items; equal weights become a plain rotation."""

    __slots__ = ("credit", "even", "items", "next", "size", "total", "weights")

    def __init__(self, items: Sequence[Any], weights: Sequence[int], offset: int = 0) -> None:
        assert len(items) == len(weights) and all(weight > 0 for weight in weights)
        self.items: list[Any] = list(items)
        self.weights: list[int] = list(weights)
        self.credit: list[int] = [0] * len(self.items)
        self.size = len(self.items)
        self.total = sum(self.weights)
        self.even = len(set(self.weights)) <= 1
        self.next = 0
        if self.size:
            for _ in range(offset % (self.size if self.even else self.total)):  # workers must not march in step
                self.pick()

    def pick(self) -> Any:
        """The next item. The rotation must not be empty."""
        if self.even:
            index = self.next
            self.next = index + 1 if index + 1 < self.size else 0
            return self.items[index]
        best = 0
        highest = -1 << 60
        for index in range(self.size):
            gained = self.credit[index] + self.weights[index]
            self.credit[index] = gained
            if gained > highest:
                highest = gained
                best = index
        self.credit[best] = highest - self.total
        return self.items[best]


class Balancer:
    """Two levels: backends by weight, endpoints of a backend by theirs. `backends` holds only non-empty rotations."""

    __slots__ = ("backends",)

    def __init__(self, backends: Rotation) -> None:
        self.backends = backends

    def ready(self) -> bool:
        """Whether anybody can be picked."""
        return self.backends.size > 0

    def pick(self, tried: list[Any] | None) -> Any:
        """The next endpoint that is not in `tried`, or None. Without `tried` one step per level."""
        backends = self.backends
        if backends.size == 0:
            return None
        rotation: Rotation = backends.pick()
        choice = rotation.pick()
        if tried is None or choice not in tried:
            return choice
        return self._pick_untried(rotation, tried)

    def _pick_untried(self, first: Rotation, tried: list[Any]) -> Any:
        for rotation in [first, *self.backends.items]:
            for _ in range(rotation.size):
                choice = rotation.pick()
                if choice not in tried:
                    return choice
            for choice in rotation.items:  # one of little weight may not have had its turn
                if choice not in tried:
                    return choice
        return None


def build_balancer(backends: Sequence[tuple[int, Sequence[tuple[Any, int]]]], offset: int) -> Balancer:
    """From (weight, [(endpoint, weight), ...]) per backend; those with weight 0 or without endpoints are left out."""
    rotations: list[Rotation] = []
    weights: list[int] = []
    for weight, endpoints in backends:
        usable = [(endpoint, share) for endpoint, share in endpoints if share > 0]
        if weight > 0 and usable:
            rotations.append(Rotation([e for e, _ in usable], [share for _, share in usable], offset))
            weights.append(weight)
    return Balancer(Rotation(rotations, weights, offset))

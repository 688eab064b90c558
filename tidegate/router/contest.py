"""The less busy of two: least requests by the power of two choices. Pure; the dice are a small generator of its own.

Two different candidates are drawn by weight, the one with fewer requests in flight for its weight is taken, the first one
where they are level. So an idle service is shared out by weight and a slow endpoint is avoided, without the herd
that runs to the single least busy one (Mitzenmacher 2001). `in_flight` is this worker's own count.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from tidegate.router.balancer import Group

_MASK = 0xFFFFFFFFFFFFFFFF
_START = 0x9E3779B97F4A7C15


class Contest(Group):
    """Least requests of two. `offset` keeps the dice of several workers apart."""

    __slots__ = ("dice", "ends", "even", "total")

    def __init__(self, items: Sequence[Any], weights: Sequence[int], offset: int = 0) -> None:
        super().__init__(items, weights)
        self.ends: list[int] = list(accumulate(self.weights))
        self.total = sum(self.weights)
        self.even = len(set(self.weights)) <= 1
        self.dice = _START ^ (offset + 1)

    def pick(self) -> Any:
        """The less busy of two."""
        if self.size == 1:
            return self.items[0]
        first = self._draw(-1)
        second = self._draw(first)
        one = self.items[first]
        other = self.items[second]
        if other.in_flight * self.weights[first] < one.in_flight * self.weights[second]:
            return other
        return one

    def pick_allowed(self, key: int, bounds: Any) -> Any:
        """The less busy of two if `bounds` allows it, else the least busy it allows; None if it allows none."""
        choice = self.pick()
        if bounds.allows(choice):
            return choice
        best = None
        busy = 0.0
        for index in range(self.size):
            item = self.items[index]
            load = item.in_flight / self.weights[index]
            if (best is None or load < busy) and bounds.allows(item):
                best = item
                busy = load
        return best

    def _draw(self, taken: int) -> int:
        """An index by weight, another one than `taken` (-1: none is)."""
        roll = self._roll()
        if self.even:
            if taken < 0:
                return roll % self.size
            index = roll % (self.size - 1)
            return index + 1 if index >= taken else index
        if taken < 0:
            return bisect_right(self.ends, roll % self.total)
        before = self.ends[taken] - self.weights[taken]
        place = roll % (self.total - self.weights[taken])
        if place >= before:
            place += self.weights[taken]
        return bisect_right(self.ends, place)

    def _roll(self) -> int:
        """The next number of a xorshift generator (Marsaglia 2003), 32 bits of it."""
        dice = self.dice
        dice ^= (dice << 13) & _MASK
        dice ^= dice >> 7
        dice ^= (dice << 17) & _MASK
        self.dice = dice
        return dice >> 32

"""Who has the best claim on a key: weighted rendezvous hashing. Pure; the same on every worker and after each restart.

Each candidate gets a number out of the key and its own name; the best number, weighed, wins. When a candidate goes only its
own keys move, to the others by their weights; when its weight grows it only gains keys. A pick costs a few nanoseconds per candidate
and nothing is built (docs/decisions/0076).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import log
from typing import Any
from zlib import crc32

from tidegate.router.balancer import Group, Rotation

_MASK = 0xFFFFFFFFFFFFFFFF
_FIRST = 0xBF58476D1CE4E5B9  # the finaliser of splitmix64 (Steele, Lea, Flood 2014)
_SECOND = 0x94D049BB133111EB
_UNIT = 1.0 / (1 << 53)


def key_of(value: bytes) -> int:
    """A key for these bytes, never 0: that stands for "no key" (`mix` maps nothing but 0 to 0)."""
    return mix(crc32(value) + 1)


def seed_of(name: str) -> int:
    """A candidate's own number."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


def mix(value: int) -> int:
    """64 bits that depend on all 64 given ones."""
    value = (value ^ (value >> 30)) & _MASK
    value = (value * _FIRST) & _MASK
    value = ((value ^ (value >> 27)) * _SECOND) & _MASK
    return value ^ (value >> 31)


class Rendezvous(Group):
    """Candidates by key; without a key, in rotation. `names` are theirs, unique."""

    __slots__ = ("even", "rotation", "seeds")

    def __init__(self, items: Sequence[Any], weights: Sequence[int], names: Sequence[str], offset: int = 0) -> None:
        super().__init__(items, weights)
        self.seeds: list[int] = [seed_of(name) for name in names]
        self.even = len(set(weights)) <= 1
        self.rotation = Rotation(items, weights, offset)

    def pick(self) -> Any:
        """The next in rotation."""
        return self.rotation.pick()

    def resume(self, before: Any) -> None:
        """Take over the turn of those without a key."""
        if isinstance(before, Rendezvous):
            self.rotation.resume(before.rotation)

    def pick_for(self, key: int) -> Any:
        """Whom the key belongs to."""
        return self.rotation.pick() if key == 0 else self._best(key, None)

    def pick_allowed(self, key: int, bounds: Any) -> Any:
        """The best claim among those that `bounds` allows, or None."""
        if key == 0:
            return self.rotation.pick_allowed(0, bounds)
        return self._best(key, bounds)

    def _best(self, key: int, bounds: Any) -> Any:
        best = None
        lowest = 0.0
        for index in range(self.size):
            seed = self.seeds[index]
            number = mix(key ^ seed)
            share = ((number >> 11) + 1) * _UNIT  # in (0, 1]
            score = 1.0 - share if self.even else -log(share) / self.weights[index]
            if best is None or score < lowest:
                item = self.items[index]
                if bounds is None or bounds.allows(item):
                    best = item
                    lowest = score
        return best

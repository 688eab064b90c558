"""Amounts of what a node has and a replica reserves."""

from __future__ import annotations

from typing import Self

from tidegate.value import Value

#: Sums of fractions of a core differ from what was meant by less than this.
ROUNDING = 1e-6


class Resources(Value):
    """`cpu` in cores, `memory` in bytes. Of a reservation 0 means that nothing is reserved."""

    cpu: float = 0.0
    memory: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(cpu=self.cpu + other.cpu, memory=self.memory + other.memory)

    def __sub__(self, other: Self) -> Self:
        return type(self)(cpu=self.cpu - other.cpu, memory=self.memory - other.memory)

    def fits(self, room: Self) -> bool:
        """Whether this can be taken from `room`."""
        return self.cpu <= room.cpu + ROUNDING and self.memory <= room.memory


NOTHING = Resources()

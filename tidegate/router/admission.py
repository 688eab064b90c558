"""How much a worker takes on: from what it holds and what it may hold to how strict it is with what is new. Pure.

Levels, by memory: NORMAL -> FRUGAL (answers close their connections, nothing new is held) -> SHEDDING (new requests are
answered 503).
A level rises at once, and falls by one step when the figures have been clearly better for a while, so that it does not
flutter. The bound on connections is apart from the levels: beyond it connections that rest go first, then requests are refused,
and beyond the surplus nothing is accepted at all until some have gone.
"""

from __future__ import annotations

from msgspec import Struct

NORMAL = 0
FRUGAL = 1
SHEDDING = 2

SOFT_SHARE = 0.85  # of the memory limit: from here on nothing new is kept
CALM_SHARE = 0.05  # of the limit: how far below its mark the memory must be for a level to fall
CALM_SECONDS = 2.0
SMALLEST_DESCRIPTORS = 128  # with fewer there is no program
_RESERVED_DESCRIPTORS = 96  # listeners, log, channel, DNS, control's files, and what we did not think of
_RESERVED_SHARE = 4  # at most this part of the limit is reserved
_SURPLUS_SHARE = 16  # connections accepted beyond the bound to be answered 503, as a part of it
_SURPLUS_AT_MOST = 256


class Bounds(Struct, frozen=True, kw_only=True):
    """What one worker may hold. `connections` are clients'; half as many are left for containers at least, since most
    connections of clients are idle, and who then finds none is answered 503. 0 bytes: no bound."""

    connections: int
    surplus: int
    upstream_connections: int
    memory_bytes: int = 0


class Figures(Struct, frozen=True, kw_only=True):
    """What it holds: client connections and tunnels, connections to containers, resident memory."""

    connections: int
    upstream_connections: int = 0
    memory_bytes: int = 0


def bounds_of(descriptors: int, connections: int = 0, memory_bytes: int = 0) -> Bounds:
    """What fits into a limit of file descriptors. `connections` is what the settings ask for, 0 for as many as fit."""
    reserved = min(_RESERVED_DESCRIPTORS, descriptors // _RESERVED_SHARE)
    usable = descriptors - reserved
    fits = max(1, usable * 2 * _SURPLUS_SHARE // (3 * _SURPLUS_SHARE + 2))
    taken = min(connections or fits, fits)
    surplus = max(1, min(_SURPLUS_AT_MOST, taken // _SURPLUS_SHARE))
    left = max(1, min(taken, usable - taken - surplus))
    return Bounds(connections=taken, surplus=surplus, upstream_connections=left, memory_bytes=memory_bytes)


def descriptors_for(connections: int) -> int:
    """The smallest limit of file descriptors with which so many connections fit."""
    wanted = -(-connections * (3 * _SURPLUS_SHARE + 2) // (2 * _SURPLUS_SHARE))
    return max(SMALLEST_DESCRIPTORS, wanted + min(_RESERVED_DESCRIPTORS, -(-wanted // (_RESERVED_SHARE - 1))))


class Admission:
    """The level of one worker over time."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.level = NORMAL
        self._calm_since = -1.0

    def look(self, now: float, figures: Figures) -> int:
        """The level by these figures; call it at a steady pace."""
        if _level(figures, self.bounds, 0.0) > self.level:
            self.level = _level(figures, self.bounds, 0.0)
            self._calm_since = -1.0
        elif _level(figures, self.bounds, CALM_SHARE) < self.level:
            if self._calm_since < 0:
                self._calm_since = now
            elif now - self._calm_since >= CALM_SECONDS:
                self.level -= 1
                self._calm_since = now
        else:
            self._calm_since = -1.0
        return self.level


def _level(figures: Figures, bounds: Bounds, margin: float) -> int:
    memory, limit = figures.memory_bytes, bounds.memory_bytes
    if limit and memory > limit * (1.0 - margin):
        return SHEDDING
    if limit and memory > limit * (SOFT_SHARE - margin):
        return FRUGAL
    return NORMAL


def to_evict(connections: int, bounds: Bounds) -> int:
    """How many idle connections to close when one more has come than may be: some at once, so that the search pays."""
    return max(0, connections - bounds.connections) + bounds.connections // 64


def may_accept(figures: Figures, bounds: Bounds) -> bool:
    """Whether another connection may be accepted, if only to be refused politely."""
    return figures.connections < bounds.connections + bounds.surplus

"""Who is next: a backend by its weight, then an endpoint of it. Pure.

HOT: one `pick` per request (`make bench`). Both levels are built when the table is; a pick only moves counters.
Smooth weighted round robin as in nginx: each candidate gains its weight, the richest is taken and pays the total, so
that 5:1 gives `a a a b a a`, never `a a a a a b`. What else can stand at the second level is in `contest` and `hashing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Group:
    """Fixed items with weights, one of which is picked at a time. Never asked to pick while empty."""

    __slots__ = ("items", "size", "weights")

    def __init__(self, items: Sequence[Any], weights: Sequence[int]) -> None:
        assert len(items) == len(weights) and all(weight > 0 for weight in weights)
        self.items: tuple[Any, ...] = tuple(items)  # not a list: one step less in memory for each pick
        self.weights: list[int] = list(weights)
        self.size = len(self.items)

    def pick(self) -> Any:
        """The next item."""
        raise AssertionError

    def pick_for(self, key: int) -> Any:
        """The item for a key (0: none); those who know nothing of keys give the next one."""
        return self.pick()

    def pick_allowed(self, key: int, bounds: Any) -> Any:
        """An item that `bounds` allows, the preferred one if it does; None if there is none."""
        raise AssertionError

    def resume(self, before: Any) -> None:
        """Go on where `before` is, which has the same items; those without a memory have nothing to do."""


class Rotation(Group):
    """Smooth weighted round robin over fixed items; equal weights become a plain rotation."""

    __slots__ = ("credit", "even", "next", "total")

    def __init__(self, items: Sequence[Any], weights: Sequence[int], offset: int = 0) -> None:
        super().__init__(items, weights)
        self.credit: list[int] = [0] * self.size
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

    def resume(self, before: Any) -> None:
        """Take over the turn of a rotation with the same weights."""
        if isinstance(before, Rotation) and before.weights == self.weights:
            self.next = before.next
            self.credit = list(before.credit)

    def pick_allowed(self, key: int, bounds: Any) -> Any:
        """The next item that `bounds` allows, or None."""
        for _ in range(self.size):
            choice = self.pick()
            if bounds.allows(choice):
                return choice
        for choice in self.items:  # one of little weight may not have had its turn
            if bounds.allows(choice):
                return choice
        return None


class Balancer:
    """Two levels: backends by weight, endpoints of a backend by theirs. `backends` holds only non-empty groups; `names` are
    theirs."""

    __slots__ = ("backends", "names")

    def __init__(self, backends: Group, names: tuple[str, ...] = ()) -> None:
        self.backends = backends
        self.names = names

    def resume(self, before: Any) -> None:
        """Go on where `before` is, if it parts the same backends by the same weights: a round that begins anew with each change
        of an endpoint would keep a small share small."""
        if self.names == before.names:
            self.backends.resume(before.backends)

    def only(self) -> Group | None:
        """The endpoints of the one backend, where there is no second."""
        group: Group | None = self.backends.items[0] if self.backends.size == 1 else None
        return group

    def ready(self) -> bool:
        """Whether anybody can be picked."""
        return self.backends.size > 0

    def pick(self, tried: list[Any] | None) -> Any:
        """The next endpoint that is not in `tried`, or None. Without `tried` one step per level."""
        backends = self.backends
        if backends.size == 0:
            return None
        group: Group = backends.pick()
        choice = group.pick()
        if tried is None or choice not in tried:
            return choice
        return self._pick_untried(group, tried)

    def pick_allowed(self, key: int, bounds: Any) -> Any:
        """The endpoint for a key (0: the next one) that `bounds` allows, or None."""
        backends = self.backends
        if backends.size == 0:
            return None
        group: Group = backends.pick_for(key)
        choice = group.pick_allowed(key, bounds)
        if choice is not None:
            return choice
        for other in backends.items:
            if other is not group:
                choice = other.pick_allowed(key, bounds)
                if choice is not None:
                    return choice
        return None

    def _pick_untried(self, first: Group, tried: list[Any]) -> Any:
        for group in [first, *self.backends.items]:
            for _ in range(group.size):
                choice = group.pick()
                if choice not in tried:
                    return choice
            for choice in group.items:  # one of little weight may not have had its turn
                if choice not in tried:
                    return choice
        return None

"""A mapping being changed: reads see the changes, the base stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from tidegate.routing import patched

K = TypeVar("K")
V = TypeVar("V")


class Draft(Generic[K, V]):
    """Changes over `base`; None stands for removed. Only `done` costs a copy, and only if anything changed."""

    __slots__ = ("base", "changes")

    def __init__(self, base: Mapping[K, V]) -> None:
        self.base = base
        self.changes: dict[K, V | None] = {}

    def get(self, key: K) -> V | None:
        """The value as changed, or None."""
        return self.changes[key] if key in self.changes else self.base.get(key)

    def put(self, key: K, value: V | None) -> None:
        """Set, or remove with None; a value equal to that of the base is no change and keeps the old object."""
        if self.base.get(key) == value:
            self.changes.pop(key, None)
        else:
            self.changes[key] = value

    def done(self) -> Mapping[K, V]:
        """The mapping after the changes; the base itself if there are none."""
        return patched(self.base, self.changes)


class Index:
    """A relation key -> sorted members, kept as tuples so that untouched keys are shared."""

    __slots__ = ("draft",)

    def __init__(self, base: Mapping[str, tuple[str, ...]]) -> None:
        self.draft: Draft[str, tuple[str, ...]] = Draft(base)

    def get(self, key: str) -> tuple[str, ...]:
        """Members of `key`, sorted."""
        return self.draft.get(key) or ()

    def add(self, key: str, member: str) -> None:
        """Relate `member` to `key`; no change if it is already."""
        members = self.get(key)
        if not members:
            self.draft.put(key, (member,))
        elif member not in members:
            self.draft.put(key, tuple(sorted((*members, member))))

    def remove(self, key: str, member: str) -> None:
        """Forget the relation; a key without members goes."""
        rest = tuple(each for each in self.get(key) if each != member)
        self.draft.put(key, rest or None)

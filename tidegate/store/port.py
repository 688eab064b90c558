"""The store's interface and values. Keys are slash-separated ASCII (`overrides/weights/shop/web`), values are bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from tidegate.errors import Problem, StoreError
from tidegate.telemetry import Metrics
from tidegate.value import Value

MAX_OPERATIONS = 100  # of one transaction; etcd's own default is 128
MAX_BYTES = 1 << 20  # of one transaction's values together; etcd's request limit is 1.5 MiB


class WatchLost(StoreError):
    """A watch cannot go on without a gap: list again, and watch from that listing's revision."""


class Entry(Value):
    """One key as read. `revision` is the store's revision when it was last written; it starts at 1 and only grows."""

    key: str
    value: bytes
    revision: int
    lease: int = 0


class Listing(Value):
    """All entries below a prefix, and the store's revision they were read at (start a watch from it). `stale`: the store does not
    answer, and this is what it said before we started."""

    entries: tuple[Entry, ...]
    revision: int
    stale: bool = False


class Compare(Value):
    """Holds if `key` was last written at `revision`; 0 means the key does not exist."""

    key: str
    revision: int


class Put(Value):
    """Write `key`; with `lease`, only for as long as that lease lives."""

    key: str
    value: bytes
    lease: int = 0


class Delete(Value):
    """Remove `key`; no change where it does not exist."""

    key: str


class Change(Value):
    """One change as watched; `value` None means deleted."""

    key: str
    value: bytes | None
    revision: int


class Store(Protocol):
    """Raises `StoreError` when it cannot read or commit. All changes of one transaction share one revision."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the store itself now: that it cannot be reached, or what opening it had to mend."""
        ...

    def report_to(self, metrics: Metrics) -> None:
        """Count there from now on: `tidegate_store_*`."""
        ...

    async def get(self, key: str) -> Entry | None: ...

    async def list(self, prefix: str) -> Listing: ...

    async def txn(self, compares: tuple[Compare, ...], operations: tuple[Put | Delete, ...]) -> int | None:
        """Commit all operations if every compare holds; the new revision, or None if one does not hold."""
        ...

    def watch(self, prefix: str, after_revision: int) -> AsyncIterator[tuple[Change, ...]]:
        """Batches of changes below `prefix` with revision > `after_revision`, one batch per revision, in order.

        Raises `WatchLost` when `after_revision` is no longer (or not yet) known, or when the reader is too slow.
        """
        ...

    async def grant(self, ttl_seconds: float) -> int:
        """A new lease; entries put with it vanish `ttl_seconds` after its last `keep`."""
        ...

    async def keep(self, lease: int) -> bool: ...

    async def revoke(self, lease: int) -> None: ...

    async def compact(self, older_than_seconds: float) -> int:
        """Forget changes that are older; watches resume from newer ones only. The revision up to which they are forgotten, 0
        where nothing had to be. On a cluster one party calls it now and then: the leader."""
        ...

    async def close(self) -> None: ...

"""The routing table: the one published value that router, DNS and health checks follow.

A table is values only, so that the same thing crosses to the workers as bytes; a worker compiles it into its matcher
and pickers. A table never changes after publish: `with_delta` makes the next one and shares what did not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import TypeVar

from msgspec import Struct, msgpack

from tidegate.model import DnsName, Route, Service

K = TypeVar("K")
V = TypeVar("V")


_SHARDS = 256  # 10 000 endpoints have some 40 000 names: 160 a shard, copied in 2 us


class Shards(Mapping[K, V]):
    """A read-only mapping in 256 dicts by hash, so that the next version copies only the dicts that a change touches.

    Copying one dict of 40 000 names costs 0.3 ms with its cache misses, more than all else in a build together
    (docs/decisions/0030). Encode with `plain` as msgspec's `enc_hook`.
    """

    __slots__ = ("_size", "_slots")

    def __init__(self, items: Mapping[K, V] | None = None) -> None:
        slots: list[dict[K, V]] = [{} for _ in range(_SHARDS)]
        for key, value in (items or {}).items():
            slots[hash(key) & _SHARDS - 1][key] = value
        self._slots = slots
        self._size = len(items or ())

    def __getitem__(self, key: K) -> V:
        return self._slots[hash(key) & _SHARDS - 1][key]

    def __contains__(self, key: object) -> bool:
        return key in self._slots[hash(key) & _SHARDS - 1]

    def __iter__(self) -> Iterator[K]:
        return chain.from_iterable(self._slots)

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"Shards({dict(self)!r})"

    def patched(self, changes: Mapping[K, V | None]) -> Shards[K, V]:
        """The mapping with `changes` applied (None removes); shares every dict that they do not touch."""
        new: Shards[K, V] = Shards.__new__(Shards)
        new._slots = self._slots.copy()
        new._size = self._size
        for key, value in changes.items():
            at = hash(key) & _SHARDS - 1
            if new._slots[at] is self._slots[at]:
                new._slots[at] = self._slots[at].copy()
            slot = new._slots[at]
            before = len(slot)
            if value is not None:
                slot[key] = value
            else:
                slot.pop(key, None)
            new._size += len(slot) - before
        return new


def sharded(mapping: Mapping[K, V]) -> Shards[K, V]:
    """`mapping` as `Shards`; itself if it is one."""
    return mapping if isinstance(mapping, Shards) else Shards(mapping)


def plain(value: object) -> object:
    """Msgspec's `enc_hook` for tables."""
    if isinstance(value, Shards):
        return dict(value)
    raise NotImplementedError(f"cannot encode {type(value).__name__}")


def patched(old: Mapping[K, V], changes: Mapping[K, V | None]) -> Mapping[K, V]:
    """`old`, a dict or `Shards`, with `changes` applied (None removes); the same object if there are none."""
    if not changes:
        return old
    if isinstance(old, Shards):
        return old.patched(changes)
    # `dict.copy` clones the table as it is, holes too; dict(old) would insert every key again after each removal.
    new = old.copy() if isinstance(old, dict) else dict(old)
    for key, value in changes.items():
        if value is not None:
            new[key] = value
        else:
            new.pop(key, None)
    return new


class RoutingTable(Struct, frozen=True, kw_only=True):
    """Version, routes by id, services by key, DNS names by key. Frozen: nobody may change the mappings.

    They are dicts where decoded; in control the largest are `Shards`. Encode with `encode_table`.
    The key of a relative DNS name is the name; that of an absolute one ends with a dot (`web.test.`), so that the route
    host `web.test` and the service `web` of project `test` do not collide. `subnets` are the ranges that the containers of all
    engines get addresses from, sorted; empty where not all of them are known.
    """

    version: int = 0
    routes: Mapping[str, Route] = {}
    services: Mapping[str, Service] = {}
    names: Mapping[str, DnsName] = {}
    subnets: tuple[str, ...] = ()


def encode_table(table: RoutingTable) -> bytes:
    """MessagePack of a whole table, for the wire and the disk."""
    return msgpack.encode(table, enc_hook=plain)


def decode_table(data: bytes) -> RoutingTable:
    """The table that `encode_table` wrote. Raises msgspec's `DecodeError` or `ValidationError` on anything else."""
    return msgpack.decode(data, type=RoutingTable)


class Delta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What turns table `base` into table `version`; a value of None removes its key, `subnets` of None are the same. `since` is when the oldest of what it
    follows from was noticed, on this host's monotonic clock; 0 where nobody can say."""

    base: int
    version: int
    since: float = 0.0
    routes: dict[str, Route | None] = {}
    services: dict[str, Service | None] = {}
    names: dict[str, DnsName | None] = {}
    subnets: tuple[str, ...] | None = None

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.routes or self.services or self.names) and self.subnets is None


def with_delta(table: RoutingTable, delta: Delta) -> RoutingTable:
    """The table after `delta`. Raises ValueError if the delta was not made from `table`."""
    if delta.base != table.version:
        raise ValueError(f"delta from version {delta.base} does not fit table {table.version}")
    return RoutingTable(
        version=delta.version,
        routes=patched(table.routes, delta.routes),
        services=patched(table.services, delta.services),
        names=patched(table.names, delta.names),
        subnets=table.subnets if delta.subnets is None else delta.subnets,
    )


class TableCell:
    """Holds the current table. One writer publishes; readers take the reference or subscribe."""

    def __init__(self) -> None:
        self.table = RoutingTable()
        self._followers: list[Callable[[RoutingTable, Delta], None]] = []

    def follow(self, follower: Callable[[RoutingTable, Delta], None]) -> None:
        """Call `follower(table, delta)` after each publish, in order of registration, without awaiting."""
        self._followers.append(follower)

    def publish(self, table: RoutingTable, delta: Delta) -> None:
        """Swap and notify. The version must grow."""
        assert table.version > self.table.version, "a published version must grow"
        self.table = table
        for follower in self._followers:
            follower(table, delta)

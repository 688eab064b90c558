"""The routing table: the one published value that router, DNS and health checks follow.

A table is values only, so that the same thing crosses to the workers as bytes; a worker compiles it into its matcher
and pickers. A table never changes after publish: `with_delta` makes the next one and shares what did not change.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from tidegate.model import DnsName, Route, Service


class RoutingTable(Struct, frozen=True, kw_only=True):
    """Version, routes by id, services by key, DNS names by name. Treat the mappings as frozen."""

    version: int = 0
    routes: dict[str, Route] = {}
    services: dict[str, Service] = {}
    names: dict[str, DnsName] = {}


class Delta(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What turns table `base` into table `version`; a value of None removes its key."""

    base: int
    version: int
    routes: dict[str, Route | None] = {}
    services: dict[str, Service | None] = {}
    names: dict[str, DnsName | None] = {}


def with_delta(table: RoutingTable, delta: Delta) -> RoutingTable:
    """The table after `delta`. Raises ValueError if the delta was not made from `table`."""
    if delta.base != table.version:
        raise ValueError(f"delta from version {delta.base} does not fit table {table.version}")
    return RoutingTable(
        version=delta.version,
        routes=_patched(table.routes, delta.routes),
        services=_patched(table.services, delta.services),
        names=_patched(table.names, delta.names),
    )


def _patched(old: dict, changes: dict) -> dict:  # type: ignore[type-arg]
    if not changes:
        return old
    new = old.copy()
    for key, value in changes.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = value
    return new


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

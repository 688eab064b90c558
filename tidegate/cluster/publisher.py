"""What this node sees and its engine holds, in the store for the others: a value per service, and one per kind of thing, on the node's
lease, written only when it changed.

A change is written at once, the next not before `PAUSE_SECONDS` later, with all that came meanwhile. With a new lease
everything is written again, and what an earlier life left is taken away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import json

from tidegate.cluster.keys import parse, seen_key, seen_prefix, stock_key, stock_prefix
from tidegate.cluster.lease import RETRY_SECONDS, answered
from tidegate.cluster.seen import Places, parts_of, told
from tidegate.errors import StoreError
from tidegate.model import HealthReport, Instance, Inventory
from tidegate.placement.stock import Stock, parts
from tidegate.store.port import MAX_BYTES, MAX_OPERATIONS, Delete, Put, Store
from tidegate.telemetry import logger

_STOCK = "\0stock"  # where a service stands; none is called so
PAUSE_SECONDS = 0.05  # a container that starts changes several times in a row

_log = logger("cluster")


class Publisher:
    """`lease` tells what to write on, None while the node is out; `reports` is what the node's own checks say, a live view;
    `places` how its containers are reached from elsewhere."""

    def __init__(
        self,
        store: Store,
        node: str,
        lease: Callable[[], int | None],
        reports: Mapping[str, HealthReport],
        places: Callable[[], Places],
    ) -> None:
        self._store = store
        self._node = node
        self._lease = lease
        self._reports = reports
        self._places = places
        self._inventories: dict[str, Inventory] = {}
        self._stock: dict[str, bytes] = {}  # what the engine holds, by key
        self._service_of: dict[str, str] = {}  # instance id -> service
        self._dirty: set[str] = set()  # services to look at
        self._written: dict[str, dict[str, bytes]] = {}  # service -> key -> value, on `_on`
        self._on: int | None = None  # the lease that it was written on
        self._wake = asyncio.Event()

    def offer_inventory(self, inventory: Inventory) -> None:
        """What a provider of this node sees now. Costs what changed."""
        before = self._inventories.get(inventory.provider)
        old = before.services if before is not None else {}
        self._inventories[inventory.provider] = inventory
        for key in old.keys() | inventory.services.keys():
            instances = inventory.services.get(key)
            if instances is not old.get(key):
                self._dirty.add(key)
                for instance in old.get(key, ()):
                    self._service_of.pop(instance.id, None)
        for key in self._dirty & inventory.services.keys():
            self._service_of.update((instance.id, key) for instance in inventory.services[key])
        self._stir()

    def offer_health(self, report: HealthReport) -> None:
        """What this node's checks say of an endpoint now; those of other nodes' endpoints are not ours to tell."""
        service = self._service_of.get(report.endpoint.rpartition(":")[0])
        if service is not None:
            self._dirty.add(service)
            self._stir()

    def offer_stock(self, stock: Stock) -> None:
        """What the engine of this node holds now."""
        self._stock = {stock_key(self._node, kind): json.encode(part) for kind, part in parts(stock).items()}
        self._dirty.add(_STOCK)
        self._stir()

    def joined(self) -> None:
        """The node's lease is another one, or it is out."""
        self._wake.set()

    def retell(self) -> None:
        """Write everything again: what the store has of it is not known."""
        self._on = None
        self._wake.set()

    async def run(self) -> None:
        """Write what changed until cancelled. While the store does not take it, it is kept for later."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._publish()
                pause = PAUSE_SECONDS
            except StoreError as error:
                _log.warning("what this node sees could not be told", extra={"cause": str(error)})
                self._wake.set()
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

    def _stir(self) -> None:
        if self._dirty:
            self._wake.set()

    async def _publish(self) -> None:
        lease = self._lease()
        if lease is None:
            return  # `joined` will be called
        if lease != self._on:
            self._written = await self._left()
            self._on = lease
            self._dirty.update(self._written, {_STOCK}, *(each.services for each in self._inventories.values()))
        dirty, self._dirty = self._dirty, set()
        try:
            for batch in _batches(self._operations(dirty, lease)):
                await answered(self._store.txn((), tuple(batch)))
        except BaseException:
            self._dirty |= dirty
            self._on = None  # what of it was written is not known
            raise

    async def _left(self) -> dict[str, dict[str, bytes]]:
        """What stands in the store from before this lease: its keys, as if they said nothing. Raises StoreError."""
        found: dict[str, dict[str, bytes]] = {}
        for prefix in (seen_prefix(self._node), stock_prefix(self._node)):
            for entry in (await answered(self._store.list(prefix))).entries:
                _, kind, service = parse(entry.key)
                found.setdefault(service if kind == "seen" else _STOCK, {})[entry.key] = b""
        return found

    def _operations(self, services: Iterable[str], lease: int) -> Iterator[Put | Delete]:
        for service in sorted(services):
            before, after = self._written.get(service, {}), self._values(service)
            yield from (
                Put(key=key, value=value, lease=lease) for key, value in after.items() if before.get(key) != value
            )
            yield from (Delete(key=key) for key in before.keys() - after.keys())
            if after:
                self._written[service] = after
            else:
                self._written.pop(service, None)

    def _values(self, service: str) -> dict[str, bytes]:
        if service == _STOCK:
            return self._stock
        values = parts_of(told(self._instances(service), self._reports, self._places()))
        return {seen_key(self._node, service, number): value for number, value in enumerate(values)}

    def _instances(self, service: str) -> Iterator[Instance]:
        for _, inventory in sorted(self._inventories.items()):
            yield from inventory.services.get(service, ())


def _batches(operations: Iterable[Put | Delete]) -> Iterator[list[Put | Delete]]:
    """As many at a time as one transaction takes."""
    batch: list[Put | Delete] = []
    size = 0
    for each in operations:
        more = len(each.value) if isinstance(each, Put) else 0
        if batch and (len(batch) == MAX_OPERATIONS or size + more > MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += more
    if batch:
        yield batch

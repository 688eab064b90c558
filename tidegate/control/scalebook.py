"""What is stored of scaling: `scaling/<service>`, what is remembered (`scaling.stored`), and `copies/<service>`, how many containers
beyond those of others there shall be. Both change in one transaction, so nothing is done that is not remembered, and nothing is
forgotten that was done.

The node on duty writes; the others follow, so that they know as much when it is their turn.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote, unquote

from msgspec import DecodeError, json

from tidegate.errors import Conflict, Problem, StoreError
from tidegate.scaling.record import Record
from tidegate.scaling.stored import read, written
from tidegate.store.port import Change, Compare, Delete, Entry, Put, Store
from tidegate.telemetry import logger
from tidegate.value import Value

SCALING, COPIES = "scaling/", "copies/"
RETRY_SECONDS = 1.0


class Copies(Value):
    """How many containers of a version Tidegate shall have made; `held`: without those that a release holds on to. `when` is
    seconds since the epoch."""

    version: str
    number: int
    held: bool = False
    who: str = ""
    when: float = 0.0
    why: str = ""


class ScaleBook:
    """All records and counts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records: dict[str, Record] = {}
        self._copies: dict[str, Copies] = {}
        self._revisions: dict[str, int] = {}  # by store key
        self._read_at = 0  # the store's revision at the last reading
        self.known = False  # set at the first reading

    def record(self, service: str) -> Record:
        """What is remembered of a service; an empty record where nothing is."""
        return self._records.get(service) or Record()

    def copies(self, service: str) -> Copies | None:
        """How many copies are wanted; None where nobody ever said."""
        return self._copies.get(service)

    @property
    def services(self) -> frozenset[str]:
        """Services of which something is stored."""
        return frozenset((*self._records, *self._copies))

    async def load(self) -> None:
        """Read all. Raises StoreError."""
        self._records, self._copies, self._revisions = {}, {}, {}
        listed = await self._store.list(SCALING)
        for entry in (*listed.entries, *(await self._store.list(COPIES)).entries):
            self._take(entry)
        self._read_at, self.known = listed.revision, True

    async def run(self) -> None:
        """Follow the store until cancelled. While it cannot be read, what was known stays."""
        while True:
            try:
                await self.load()
                async for changes in self._store.watch(SCALING, self._read_at):
                    for change in changes:
                        await self._follow(change)
            except StoreError as error:
                logger("control").warning("scaling cannot be followed", extra={"cause": str(error)})
            await asyncio.sleep(RETRY_SECONDS)

    def remember(self, service: str, record: Record) -> None:
        """Keep a record in memory alone: what it says may be lost."""
        self._records[service] = record

    async def commit(self, service: str, record: Record, copies: Copies | None = None) -> None:
        """Store a record, and the count where it changes. Raises Conflict (T1610) if somebody else wrote, StoreError."""
        values = {_key(SCALING, service): written(record)}
        if copies is not None:
            values[_key(COPIES, service)] = json.encode(copies)
        await self._write({key: Put(key=key, value=value) for key, value in values.items()}, service)
        self._records[service] = record
        if copies is not None:
            self._copies[service] = copies

    async def forget(self, service: str) -> None:
        """Take away all that is stored of a service that is no more. Raises as `commit` does."""
        keys = [key for key in (_key(SCALING, service), _key(COPIES, service)) if key in self._revisions]
        if keys:
            await self._write({key: Delete(key=key) for key in keys}, service)
        self._records.pop(service, None)
        self._copies.pop(service, None)

    # --------------------------------------------------------------------------------------------------------- private

    async def _write(self, operations: dict[str, Put | Delete], service: str) -> None:
        compares = tuple(Compare(key=key, revision=self._revisions.get(key, 0)) for key in operations)
        revision = await self._store.txn(compares, tuple(operations.values()))
        if revision is None:
            await self.load()
            raise Conflict(
                Problem(
                    code="T1610",
                    text=f"the scaling of {service} was changed by someone else meanwhile",
                    place=service,
                    kept="nothing was changed",
                )
            )
        for key, operation in operations.items():
            if isinstance(operation, Put):
                self._revisions[key] = revision
            else:
                self._revisions.pop(key, None)

    async def _follow(self, change: Change) -> None:
        """What another node wrote; our own writes come again, and are old. A count never changes without its record."""
        service = unquote(change.key.removeprefix(SCALING))
        if change.revision <= self._revisions.get(change.key, 0):
            return
        for kept, key in ((self._records, _key(SCALING, service)), (self._copies, _key(COPIES, service))):
            before = self._revisions.get(key, 0)
            entry = await self._store.get(key)
            if self._revisions.get(key, 0) != before:
                continue  # we wrote it meanwhile
            if entry is not None and entry.revision > before:
                self._take(entry)
            elif entry is None:
                self._revisions.pop(key, None)
                kept.pop(service, None)

    def _take(self, entry: Entry) -> None:
        prefix = SCALING if entry.key.startswith(SCALING) else COPIES
        service = unquote(entry.key.removeprefix(prefix))
        self._revisions[entry.key] = entry.revision
        if prefix == SCALING:
            self._records[service] = read(entry.value)
            return
        try:
            self._copies[service] = json.decode(entry.value, type=Copies)
        except DecodeError as error:  # another version's: nobody leaves for it
            logger("control").error("%s is not understood", entry.key, extra={"cause": str(error)})


def _key(prefix: str, service: str) -> str:
    return prefix + quote(service, safe="/*.:-_")

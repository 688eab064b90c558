"""What a cluster store said last, on disk: for a start while it is away.

Routers serve the table of before, but a table says what is served and not why: to build the next one, when a container of ours starts
or ends, control has to know what other nodes have and what operators set. So what is listed below some prefixes is kept, and a listing
that the store does not give is given from there, marked as stale; its watch is lost as soon as the store answers, which then is listed
itself. Only what tables are built from is kept: nothing acts on it, for it may be hours old.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from tidegate.errors import Problem, StoreError
from tidegate.store import faults
from tidegate.store.identity import KEY
from tidegate.store.port import Change, Compare, Delete, Entry, Listing, Put, Store, WatchLost
from tidegate.store.sealed import unsealed, write_sealed
from tidegate.telemetry import Metrics, logger
from tidegate.value import Value

MAGIC = b"TGKNOWN1"
PREFIXES = frozenset(("nodes/", "overrides/", "releases/", "stacks/", "scale/", "places/", "reports/", "quotas/"))
PATIENCE_SECONDS = 2.0  # for the store to answer, until what was known is given
PAUSE_SECONDS = 5.0  # between two writes of the file
LOOK_SECONDS = 1.0  # between two looks whether the store is back

Batch = tuple[Change, ...]
_log = logger("store")


class Known(Value):
    """The file: which store it is of, and what that said below each prefix."""

    store: str
    listings: dict[str, tuple[Entry, ...]] = {}


class Recall:
    """The store called `name` (its address without the password), and what it said in `path`. A `Store`; `run` keeps the file in step."""

    def __init__(self, store: Store, name: str, path: Path) -> None:
        self._store = store
        self._name = name
        self._path = path
        self._entries: dict[str, dict[str, Entry]] = {}  # by prefix, as the store has told since our start
        self._before: dict[str, tuple[Entry, ...]] | None = None  # what the file said; read when it is first wanted
        self._changed = asyncio.Event()
        self._writing = threading.Lock()  # the last write of all may find another one under way
        self._failing = False

    # ---------------------------------------------------------------------------------------------------------- a store

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._store.problems

    def report_to(self, metrics: Metrics) -> None:
        self._store.report_to(metrics)

    async def get(self, key: str) -> Entry | None:
        return await self._store.get(key)

    async def list(self, prefix: str) -> Listing:
        before = self._recalled(prefix)
        if before is None:
            return self._kept(prefix, await self._store.list(prefix))
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return self._kept(prefix, await self._store.list(prefix))
        except (StoreError, TimeoutError) as error:
            _log.warning("what was known below %s is used", prefix, extra={"cause": str(error) or "no answer"})
            return Listing(entries=before, revision=max((each.revision for each in before), default=0), stale=True)

    async def txn(self, compares: tuple[Compare, ...], operations: tuple[Put | Delete, ...]) -> int | None:
        return await self._store.txn(compares, operations)

    def watch(self, prefix: str, after_revision: int) -> AsyncIterator[Batch]:
        if self._recalled(prefix) is not None:
            return _Until(self._store, prefix)
        watch = self._store.watch(prefix, after_revision)
        return _Noted(watch, self, prefix) if prefix in PREFIXES else watch

    async def grant(self, ttl_seconds: float) -> int:
        return await self._store.grant(ttl_seconds)

    async def keep(self, lease: int) -> bool:
        return await self._store.keep(lease)

    async def revoke(self, lease: int) -> None:
        await self._store.revoke(lease)

    async def compact(self, older_than_seconds: float) -> int:
        return await self._store.compact(older_than_seconds)

    async def close(self) -> None:
        await self._store.close()

    # ------------------------------------------------------------------------------------------------------- what is kept

    async def run(self) -> None:
        """Keep the file in step until cancelled; then write it once more."""
        try:
            while True:
                await self._changed.wait()
                await asyncio.sleep(PAUSE_SECONDS)
                await asyncio.to_thread(self._write, self._taken())
        finally:
            if self._changed.is_set():
                self._write(self._taken())

    def note(self, prefix: str, batch: Batch) -> None:
        """What changed below a prefix."""
        entries = self._entries[prefix]
        for change in batch:
            if change.value is None:
                entries.pop(change.key, None)
            else:
                entries[change.key] = Entry(key=change.key, value=change.value, revision=change.revision)
        self._changed.set()

    def _kept(self, prefix: str, listing: Listing) -> Listing:
        if prefix in PREFIXES:
            self._entries[prefix] = {entry.key: entry for entry in listing.entries}
            self._changed.set()
        return listing

    def _recalled(self, prefix: str) -> tuple[Entry, ...] | None:
        """What was known of it before our start; None where nothing was, or the store has spoken since."""
        if prefix not in PREFIXES or prefix in self._entries:
            return None
        if self._before is None:
            self._before = _read(self._path, self._name)
        return self._before.get(prefix)

    def _taken(self) -> Known:
        self._changed.clear()
        listings = {prefix: tuple(entries.values()) for prefix, entries in self._entries.items()}
        return Known(store=self._name, listings={**(self._before or {}), **listings})

    def _write(self, known: Known) -> None:
        try:
            with self._writing:
                write_sealed(self._path, MAGIC, msgspec.msgpack.encode(known))
            self._failing = False
        except OSError as error:
            log = _log.debug if self._failing else _log.error  # a full disk is told once, until a write succeeds again
            log("what the store says cannot be kept", extra={"place": str(self._path), "cause": str(error)})
            self._failing = True


class _Noted(AsyncIterator[Batch]):
    """A watch of which everything is noted. Survives a cancelled wait as that one does."""

    def __init__(self, watch: AsyncIterator[Batch], recall: Recall, prefix: str) -> None:
        self._watch = watch
        self._recall = recall
        self._prefix = prefix

    async def __anext__(self) -> Batch:
        batch = await anext(self._watch)
        self._recall.note(self._prefix, batch)
        return batch


class _Until(AsyncIterator[Batch]):
    """The watch of what was recalled: nothing comes, and it is lost when the store answers."""

    def __init__(self, store: Store, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    async def __anext__(self) -> Batch:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._store.get(KEY)
            except (StoreError, TimeoutError) as error:
                _log.debug("the store is still away", extra={"cause": str(error) or "no answer"})
            else:
                raise WatchLost(faults.compacted(self._prefix, "it was away when we started"))


def _read(path: Path, name: str) -> dict[str, tuple[Entry, ...]]:
    """What the file says of this store; nothing where it cannot be believed, for the store will say it again."""
    try:
        known = msgspec.msgpack.decode(unsealed(path.read_bytes(), MAGIC), type=Known)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        _log.warning("what the store said last cannot be read", extra={"place": str(path), "cause": str(error)})
        return {}
    return known.listings if known.store == name else {}

"""A `Store` in memory, on the loop's own time: for loops over a store in virtual time.

It keeps the port's contract (tests/support/test_memory_store.py runs the essentials), and can be cut off: a `Way` to it
loses, delays or freezes what one client asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from tidegate.errors import Problem, StoreError
from tidegate.store.port import Change, Compare, Delete, Entry, Listing, Put, WatchLost
from tidegate.store.watch import Watch, Watchers


class MemoryStore:
    """The store itself. `log` has every committed batch with the compares it was committed under."""

    def __init__(self) -> None:
        self.revision = 0
        self.entries: dict[str, Entry] = {}
        self.log: list[tuple[tuple[Compare, ...], tuple[Change, ...]]] = []
        self.compacted = 0
        self._granted = 0
        self._leases: dict[int, tuple[float, asyncio.TimerHandle]] = {}
        self._watchers = Watchers()

    problems = ()

    def report_to(self, metrics: Any) -> None:
        pass

    async def compact(self, older_than_seconds: float) -> int:
        return 0

    async def get(self, key: str) -> Entry | None:
        return self.entries.get(key)

    async def list(self, prefix: str) -> Listing:
        found = tuple(self.entries[key] for key in sorted(self.entries) if key.startswith(prefix))
        return Listing(entries=found, revision=self.revision)

    async def txn(self, compares: tuple[Compare, ...], operations: tuple[Put | Delete, ...]) -> int | None:
        for each in compares:
            entry = self.entries.get(each.key)
            if each.revision != (entry.revision if entry is not None else 0):
                return None
        for each in operations:
            if isinstance(each, Put) and each.lease and each.lease not in self._leases:
                raise StoreError(Problem(code="T1507", text="no such lease"))
        self._apply(compares, operations)
        return self.revision

    def watch(self, prefix: str, after_revision: int) -> Watch:
        return Watch(self._watchers, prefix, after_revision, self._replay)

    async def grant(self, ttl_seconds: float) -> int:
        lease = self._granted = self._granted + 1  # a number is never given twice
        self._leases[lease] = (ttl_seconds, self._timer(lease, ttl_seconds))
        return lease

    async def keep(self, lease: int) -> bool:
        if lease not in self._leases:
            return False
        ttl, timer = self._leases[lease]
        timer.cancel()
        self._leases[lease] = (ttl, self._timer(lease, ttl))
        return True

    async def revoke(self, lease: int) -> None:
        if lease in self._leases:
            self._leases.pop(lease)[1].cancel()
            self._apply((), tuple(Delete(key=key) for key, each in self.entries.items() if each.lease == lease))

    def saved(self) -> tuple[int, dict[str, Entry], frozenset[int]]:
        """A backup of it."""
        return self.revision, dict(self.entries), frozenset(self._leases)

    def restore(self, backup: tuple[int, dict[str, Entry], frozenset[int]]) -> None:
        """Be as it was then; leases that were granted since are unknown. Nobody may be watching."""
        self.revision, entries, leases = backup
        self.entries = dict(entries)
        for lease in self._leases.keys() - leases:
            self._leases.pop(lease)[1].cancel()
        for lease in leases - self._leases.keys():
            self._leases[lease] = (15.0, self._timer(lease, 15.0))
        self.log = [each for each in self.log if each[1][0].revision <= self.revision]

    async def close(self) -> None:
        for _, timer in self._leases.values():
            timer.cancel()
        self._watchers.close()

    def end(self, lease: int) -> None:
        """The lease's time is over."""
        _, timer = self._leases.pop(lease)
        timer.cancel()
        self._apply((), tuple(Delete(key=key) for key, each in self.entries.items() if each.lease == lease))

    def _timer(self, lease: int, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self.end, lease)

    def _apply(self, compares: tuple[Compare, ...], operations: tuple[Put | Delete, ...]) -> None:
        changes: list[Change] = []
        for each in operations:
            if isinstance(each, Put):
                entry = Entry(key=each.key, value=each.value, revision=self.revision + 1, lease=each.lease)
                self.entries[each.key] = entry
                changes.append(Change(key=each.key, value=each.value, revision=self.revision + 1))
            elif self.entries.pop(each.key, None) is not None:
                changes.append(Change(key=each.key, value=None, revision=self.revision + 1))
        if changes:
            self.revision += 1
            self.log.append((compares, tuple(changes)))
            self._watchers.publish(tuple(changes))

    async def _replay(self, after_revision: int) -> tuple[tuple[Change, ...], ...]:
        if not self.compacted <= after_revision <= self.revision:
            raise WatchLost(Problem(code="T1505", text="gone"))
        return tuple(changes for _, changes in self.log if changes[0].revision > after_revision)


class Way:
    """One client's way to a store. `delay`: seconds before the store hears of a call, taken in turn; `cut`: nothing comes through, as
    the loss of a network: calls hang; `broken`: the store answers with an error, watches too."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.delays: list[float] = []
        self.cut = False
        self.broken = False

    problems = ()

    def report_to(self, metrics: Any) -> None:
        pass

    async def compact(self, older_than_seconds: float) -> int:
        return 0

    async def get(self, key: str) -> Entry | None:
        return await self._through(lambda: self.store.get(key))

    async def list(self, prefix: str) -> Listing:
        return await self._through(lambda: self.store.list(prefix))

    async def txn(self, compares: tuple[Compare, ...], operations: tuple[Put | Delete, ...]) -> int | None:
        return await self._through(lambda: self.store.txn(compares, operations))

    async def grant(self, ttl_seconds: float) -> int:
        return await self._through(lambda: self.store.grant(ttl_seconds))

    async def keep(self, lease: int) -> bool:
        return await self._through(lambda: self.store.keep(lease))

    async def revoke(self, lease: int) -> None:
        await self._through(lambda: self.store.revoke(lease))

    async def watch(self, prefix: str, after_revision: int):
        watch = self.store.watch(prefix, after_revision)
        while True:
            try:
                async with asyncio.timeout(0.5):
                    batch = await anext(watch)
            except TimeoutError:
                batch = None
            if self.broken:
                raise StoreError(_broken())
            if batch is not None and not self.cut:
                yield batch

    async def close(self) -> None:
        pass

    async def _through(self, call: Any) -> Any:
        """The call goes on its way even if its caller gives up, as a packet does."""
        if self.broken:
            raise StoreError(_broken())
        if self.cut:
            await asyncio.get_running_loop().create_future()
        delay = self.delays.pop(0) if self.delays else 0.0
        if not delay:
            return await call()
        return await asyncio.shield(asyncio.ensure_future(_later(delay, call)))  # noqa: TID251  a test's own


async def _later(delay: float, call: Any) -> Any:
    await asyncio.sleep(delay)
    answer: Awaitable[Any] = call()
    return await answer


def _broken() -> Problem:
    return Problem(code="T1506", text="the store is out of order")

"""A mirror of everything below a prefix of the store, for as long as somebody looks.

List, then watch from there; after a gap list again. While the store cannot be read the mirror stays as it was, and says
since when (`lost_at`): who reads it goes on with what is known. What is missing when it is listed again, and what goes while there is
`doubt`, is kept for `grace_seconds` more: after a store was away the leases of all nodes may have ended with nothing wrong but the
store, and they are about to come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tidegate.cluster.lease import RETRY_SECONDS, Clock, answered
from tidegate.errors import Problem, StoreError
from tidegate.store.port import Change, Entry, Store, WatchLost
from tidegate.telemetry import logger

RESYNC_SECONDS = 300.0  # everything is listed again, whatever the watch said

_log = logger("cluster")


class Following:
    """`changed(keys)` is called with the keys that came, changed or went, after each batch. Only `leased` keys are kept when they are missing:
    others somebody has taken away, or a store that was restored does not know."""

    def __init__(
        self,
        store: Store,
        prefix: str,
        changed: Callable[[set[str]], None],
        clock: Clock,
        grace_seconds: float = 0.0,
        doubt: Callable[[], bool] = lambda: False,
        leased: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._changed = changed
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._doubt = doubt
        self._leased = leased
        self._entries: dict[str, Entry] = {}
        self._has_gap = True  # until it is listed
        self._missing: set[str] = set()  # kept though the last listing did not have them
        self._ending: asyncio.TimerHandle | None = None  # set while some are missing
        self.known = False  # it was listed once
        self._since = 0.0  # since when, on our clock, no change was missed; set at the first listing
        self.lost_at: float | None = None  # when the store was lost, on our clock; None while it is followed
        self.lost: Problem | None = None  # and why

    @property
    def entries(self) -> Mapping[str, Entry]:
        """What is below the prefix, by key. A live view."""
        return self._entries

    @property
    def sighted(self) -> float:
        """For how many seconds, up to now, no change was missed; 0 while some may be."""
        return 0.0 if self._has_gap or self.lost is not None else self._clock() - self._since

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                try:
                    await self._follow()
                except WatchLost as error:
                    self._has_gap = True
                    _log.info("a watch has a gap", extra={"prefix": self._prefix, "cause": str(error)})
                except StoreError as error:
                    self._lose(error)
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            if self._ending is not None:
                self._ending.cancel()

    async def _follow(self) -> None:
        """List, then take changes until it is time to list again. Raises StoreError."""
        listing = await answered(self._store.list(self._prefix))
        if self._has_gap or self.lost is not None:
            self._has_gap, self._since = listing.stale, self._clock()
        self._take_all({entry.key: entry for entry in listing.entries})
        try:
            async with asyncio.timeout(RESYNC_SECONDS):
                async for batch in self._store.watch(self._prefix, listing.revision):
                    self._take(batch)
        except TimeoutError:
            return
        raise WatchLost(_ended(self._prefix))

    def _take_all(self, entries: dict[str, Entry]) -> None:
        if self.lost is not None:
            _log.info("the store is back", extra={"prefix": self._prefix})
        self.lost_at = self.lost = None
        old = self._entries
        missing = set(filter(self._leased, old.keys() - entries.keys())) if self._grace_seconds else set()
        self._entries = entries | {key: old[key] for key in missing}
        self._await(missing)
        keys = {key for key in old.keys() | entries.keys() if _said(old.get(key)) != _said(self._entries.get(key))}
        if keys or not self.known:
            self.known = True
            self._changed(keys)

    def _take(self, batch: tuple[Change, ...]) -> None:
        keys = {change.key for change in batch}
        for change in batch:
            if change.value is not None:
                self._missing.discard(change.key)
                self._entries[change.key] = Entry(key=change.key, value=change.value, revision=change.revision)
            elif change.key in self._entries and self._grace_seconds and self._doubt() and self._leased(change.key):
                self._await(self._missing | {change.key})
                keys.discard(change.key)
            else:
                self._missing.discard(change.key)
                self._entries.pop(change.key, None)
        if keys:
            self._changed(keys)

    def _await(self, missing: set[str]) -> None:
        """Keep these until their grace has ended; what was missing before keeps the date it has."""
        self._missing = missing
        if missing and self._ending is None:
            self._ending = asyncio.get_running_loop().call_later(self._grace_seconds, self._end)

    def _end(self) -> None:
        self._ending = None
        gone, self._missing = self._missing, set()
        for key in gone:
            self._entries.pop(key, None)
        if gone:
            self._changed(gone)

    def _lose(self, error: StoreError) -> None:
        if self.lost is None:
            self.lost_at = self._clock()
            _log.warning("the store cannot be followed", extra={"prefix": self._prefix, "cause": str(error)})
        self.lost = error.problems[0]


def _said(entry: Entry | None) -> tuple[int, bytes] | None:
    """What counts of an entry: a watch does not tell its lease."""
    return None if entry is None else (entry.revision, entry.value)


def _ended(prefix: str) -> Problem:
    return Problem(code="T2301", text=f"the watch of {prefix} has ended", kept="what is known stays in force")

"""Fan-out of committed changes to watchers: bounded, gapless, one batch per revision.

A watcher is *fed* live batches from the moment it first reads, and *replays* older ones from the history; a batch that
comes both ways is given once. A watcher that falls `LIMIT` batches behind loses its queue and is told to list again:
memory is bounded, and a gap is never silent. One that nobody holds any more disappears by itself.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

from tidegate.errors import Problem
from tidegate.store.port import Change, WatchLost

LIMIT = 1024  # batches a watcher may lag behind; one batch is one revision
Batch = tuple[Change, ...]
Replay = Callable[[int], Awaitable[tuple[Batch, ...]]]


class Watch(AsyncIterator[Batch]):
    """One reader of one prefix. Survives a cancelled wait; ends when the store closes."""

    def __init__(self, hub: Watchers, prefix: str, after_revision: int, replay: Replay) -> None:
        self._hub = hub
        self._prefix = prefix
        self._seen = after_revision  # highest revision handed out or known to be irrelevant
        self._replay: Replay | None = replay  # None once the history was read
        self._queue: deque[Batch] = deque()
        self._waiter: asyncio.Future[None] | None = None  # set while __anext__ waits
        self._overrun = False
        self._closed = False

    async def __anext__(self) -> Batch:
        if self._replay is not None:
            await self._catch_up(self._replay)
        while not self._queue:
            if self._overrun:
                raise WatchLost(_overrun(self._prefix))
            if self._closed:
                raise StopAsyncIteration
            await self._wait()
        batch = self._queue.popleft()
        self._seen = batch[0].revision
        return batch

    def feed(self, batch: Batch) -> None:
        """Queue what concerns this prefix; wakes the reader."""
        mine = tuple(change for change in batch if change.key.startswith(self._prefix))
        if not mine or mine[0].revision <= self._seen or self._overrun:
            return
        if len(self._queue) >= LIMIT:
            self._queue.clear()
            self._overrun = True
        else:
            self._queue.append(mine)
        self._wake()

    def close(self) -> None:
        """End the iteration after what is queued."""
        self._closed = True
        self._replay = None
        self._wake()

    async def _catch_up(self, replay: Replay) -> None:
        # Follow first, then read: what is committed in between comes both ways, and is dropped below.
        self._hub.add(self)
        if self._closed:
            return
        history = await replay(self._seen)
        if self._closed:
            return
        self._replay = None
        known = history[-1][0].revision if history else self._seen
        live = deque(batch for batch in self._queue if batch[0].revision > known)
        mine = (tuple(change for change in batch if change.key.startswith(self._prefix)) for batch in history)
        self._queue = deque(batch for batch in mine if batch)
        self._queue.extend(live)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter  # a watch waits for ever by its nature: the next change has no date
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Watchers:
    """All live watches of one store; one writer publishes."""

    def __init__(self) -> None:
        self._watches: weakref.WeakSet[Watch] = weakref.WeakSet()
        self._closed = False

    def __len__(self) -> int:
        return len(self._watches)

    def add(self, watch: Watch) -> None:
        """Feed `watch` from now on, or end it if the store is closed."""
        self._watches.add(watch)
        if self._closed:
            watch.close()

    def publish(self, batch: Batch) -> None:
        """Give one committed revision to everybody, in order of revision."""
        for watch in tuple(self._watches):
            watch.feed(batch)

    def close(self) -> None:
        """End every watch."""
        self._closed = True
        for watch in tuple(self._watches):
            watch.close()


def _overrun(prefix: str) -> Problem:
    return Problem(
        code="T1505",
        text=f"a watcher of `{prefix}` fell {LIMIT} changes behind and was cut off",
        cause="it reads more slowly than the store commits",
        mend="list again and watch from the listing's revision",
        kept="every change is in the store",
    )

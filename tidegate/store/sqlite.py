"""The embedded store: `Database` on one thread, watches and lease expiry on the event loop.

Every call is one function on that thread, in the order asked; a write is durable, and given to the watchers, before the
caller goes on. A caller that is cancelled or gives up does not undo its write: the watchers still learn of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from tidegate.errors import Problem, StoreError
from tidegate.store.bounds import full
from tidegate.store.database import Batch, Database
from tidegate.store.port import Compare, Delete, Entry, Listing, Put
from tidegate.store.watch import Watch, Watchers
from tidegate.telemetry import Metrics, NullMetrics, logger

P = ParamSpec("P")
T = TypeVar("T")
Clock = Callable[[], float]

HISTORY = 1000  # revisions a watch may resume over; all watchers live in this process, so a gap is short
PENDING = 1000  # calls that may wait for the thread
DEADLINE_SECONDS = 10.0  # for one call, waiting included
RETRY_SECONDS = 1.0  # after a lease could not be ended


class SqliteStore:
    """A `Store` in one file. Make it with `await SqliteStore.open(path)`; `problems` says what opening had to mend."""

    def __init__(self, database: Database, thread: ThreadPoolExecutor, watchers: Watchers, clock: Clock) -> None:
        self.problems: tuple[Problem, ...] = database.problems
        self._database = database
        self._thread = thread
        self._watchers = watchers
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._pending = 0  # calls given to the thread and not yet answered
        self._closed = False
        self._metrics: Metrics = NullMetrics()
        self._timer: asyncio.TimerHandle | None = None  # set while a lease lives
        self._arm(database.next_deadline())

    @classmethod
    async def open(cls, path: Path | str, *, clock: Clock | None = None, history: int = HISTORY) -> SqliteStore:
        """Open, verify and if need be recover the file at `path`. Raises `StoreError`. `clock` is monotonic seconds."""
        loop, watchers, clock = asyncio.get_running_loop(), Watchers(), clock or time.monotonic
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tidegate-store")

        def committed(batch: Batch) -> None:
            # Queued before the call's own result is, so that watchers know before the caller goes on.
            loop.call_soon_threadsafe(watchers.publish, batch)

        try:
            database = await loop.run_in_executor(thread, Database, Path(path), clock, history, committed)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        for problem in database.problems:
            logger("store").error("%s", problem, extra={"code": problem.code})
        return cls(database, thread, watchers, clock)

    def report_to(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def get(self, key: str) -> Entry | None:
        return await self._call(self._database.get, key)

    async def list(self, prefix: str) -> Listing:
        return await self._call(self._database.list, prefix)

    async def txn(self, compares: tuple[Compare, ...], operations: tuple[Put | Delete, ...]) -> int | None:
        return await self._call(self._database.txn, compares, operations)

    def watch(self, prefix: str, after_revision: int) -> Watch:
        return Watch(self._watchers, prefix, after_revision, self._replay)

    async def grant(self, ttl_seconds: float) -> int:
        lease = await self._call(self._database.grant, ttl_seconds)
        self._arm(self._clock() + ttl_seconds)
        return lease

    async def keep(self, lease: int) -> bool:
        return await self._call(self._database.keep, lease)

    async def revoke(self, lease: int) -> None:
        await self._call(self._database.revoke, lease)

    async def compact(self, older_than_seconds: float) -> int:  # noqa: ARG002  the interface's
        """Nothing to do: the history is bounded by itself."""
        return 0

    async def expire(self) -> None:
        """End the leases whose time is over now; a timer does this by itself."""
        await self._call(self._database.expire)

    async def close(self) -> None:
        """Let what was asked before finish, end every watch, let go of the file. Closing twice is no fault."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self._loop.run_in_executor(self._thread, self._database.close)
        finally:
            self._watchers.close()
            self._thread.shutdown(wait=False)

    async def _replay(self, after_revision: int) -> tuple[Batch, ...]:
        return await self._call(self._database.replay, after_revision)

    async def _call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        if self._closed or self._pending >= PENDING:
            raise StoreError(full("it is closed" if self._closed else f"{PENDING} calls wait already"))
        self._pending += 1
        asked = self._loop.time()
        future = self._loop.run_in_executor(self._thread, lambda: self._timely(function, *arguments, **named))
        future.add_done_callback(self._answered)
        try:
            # Not wait_for: in Python 3.11 it swallows a cancellation that meets a finished future.
            async with asyncio.timeout(DEADLINE_SECONDS):
                answer = await asyncio.shield(future)
        except TimeoutError:
            raise StoreError(_silent()) from None
        self._metrics.observe("tidegate_store_call_seconds", self._loop.time() - asked, call=function.__name__)
        return answer

    def _timely(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """On the thread: leases that are over are over for this call too, even before the timer came round."""
        try:
            self._database.expire()
        except StoreError as error:
            # A full disk must not stop reading; a write will meet the same fault itself.
            logger("store").warning("leases could not be ended", extra={"error": str(error)})
        return function(*arguments, **named)

    def _answered(self, future: asyncio.Future[T]) -> None:
        self._pending -= 1
        if not future.cancelled():
            future.exception()  # a caller that gave up does not fetch it

    # -------------------------------------------------------------------------------------------------------- leases

    def _arm(self, deadline: float | None) -> None:
        """See that the timer rings at `deadline` (on our clock) or before."""
        if deadline is None or self._closed:
            return
        when = self._loop.time() + max(0.0, deadline - self._clock())
        if self._timer is None or self._timer.when() > when:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._loop.run_in_executor(self._thread, self._sweep).add_done_callback(self._swept)

    def _sweep(self) -> float | None:
        self._database.expire()
        return self._database.next_deadline()

    def _swept(self, future: asyncio.Future[float | None]) -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, StoreError):
            logger("store").warning("leases could not be ended", extra={"error": str(error)})
            self._arm(self._clock() + RETRY_SECONDS)
        elif error is not None:
            raise error
        elif not future.cancelled():
            self._arm(future.result())


def _silent() -> Problem:
    return Problem(
        code="T1512",
        text=f"the store did not answer within {DEADLINE_SECONDS:.0f} s",
        cause="its disk is stalled",
        mend="read before writing again: the change may still be committed",
        kept="traffic goes on with the last known routes",
    )

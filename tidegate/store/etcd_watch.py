"""A watch of an etcd cluster: whole batches in order, through members that fail, freeze or lose the others.

It works only while somebody waits for the next batch, so it needs no task; what comes meanwhile waits in the socket. Each
answer carries its revision, and a new stream begins after the last one that was given or proved to be irrelevant.

Liveness. A frozen member is silent, and so is a connection that something between has forgotten. So nobody believes in silence: who
heard nothing for a few seconds writes a *heartbeat*, a key in the range that is watched, through whichever member
answers. Everybody who watches that range hears it; who does not hear their own within `GRACE_SECONDS` goes to another
member. It costs a write every few seconds, for a range that is silent, however many watch it.

A stream that was interrupted for longer than `RESUME_SECONDS` is not resumed, though the server may offer to: etcd before
3.4.34 may leave out deletions near a compaction (etcd-io/etcd#18089).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from tidegate.errors import StoreError
from tidegate.store import faults, gateway
from tidegate.store.faults import Missed
from tidegate.store.gateway import Event, Fault, RangeAnswer, Verdict, WatchAnswer
from tidegate.store.ground import Ground, is_entry
from tidegate.store.port import Change, WatchLost
from tidegate.store.session import Clock, Session, Stream
from tidegate.telemetry import logger

SILENCE_SECONDS = (2.0, 3.5)  # before a heartbeat: somewhere between, so that of many watchers one writes it
TOUCH_SECONDS = 3.5  # for writing it
GRACE_SECONDS = 1.5  # for hearing it
RESUME_SECONDS = 300.0
PAUSE_SECONDS = 0.2  # between two tries to open a stream
_PASSING = ("T1511", "T1520")

Batch = tuple[Change, ...]


class EtcdWatch(AsyncIterator[Batch]):
    """One reader of one prefix. Survives a cancelled wait; ends when the store closes. `ground` tells where keys lie, `touch`
    writes a heartbeat for this prefix and returns its revision."""

    def __init__(
        self,
        session: Session,
        prefix: str,
        after_revision: int,
        ground: Callable[[], Awaitable[Ground]],
        touch: Callable[[str], Awaitable[int]],
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._session = session
        self._prefix = prefix
        self._known = after_revision  # up to here nothing is missing: it was given, waits in `_ready`, or is irrelevant
        self._ground = ground
        self._touch = touch
        self._clock = clock
        self._rng = rng
        self._epoch = session.epoch
        self._ready: deque[Batch] = deque()
        self._parts: list[Event] = []  # of an answer that comes in fragments
        self._stream: Stream | None = None
        self._where: Ground | None = None  # the keys' place, set with the stream
        self._avoided = ""  # the member that fell silent
        self._reached: float | None = None  # when a stream last brought anything
        self._scope: asyncio.Timeout | None = None  # set while somebody waits
        self._closed = False

    async def __anext__(self) -> Batch:
        while not self._ready:
            if self._closed:
                raise StopAsyncIteration
            if self._epoch != self._session.epoch:
                raise WatchLost(faults.compacted(self._prefix, "the store is another one than before"))
            try:
                async with asyncio.timeout(None) as self._scope:
                    await self._step()
            except TimeoutError:
                assert self._closed, "nothing else ends the scope"
            finally:
                self._scope = None
        return self._ready.popleft()

    def close(self) -> None:
        """End the iteration after what is ready."""
        self._closed = True
        self._drop()
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(0.0)

    def __del__(self) -> None:
        self._drop()

    # --------------------------------------------------------------------------------------------------------- one step

    async def _step(self) -> None:
        """Open a stream, or read from it, or prove that it lives."""
        try:
            if self._stream is None:
                await self._open()
            elif not await self._heard(self._rng.uniform(*SILENCE_SECONDS)):
                await self._prove()
        except Missed as missed:
            if self._closed:
                return
            self._leave(missed)
            if missed.verdict is Verdict.REFUSED:
                raise StoreError(faults.refused(self._session.address, missed)) from missed
            await asyncio.sleep(PAUSE_SECONDS)

    async def _heard(self, seconds: float) -> bool:
        """Take what comes within this time; False if nothing does."""
        assert self._stream is not None, "only called with a stream"
        try:
            async with asyncio.timeout(seconds):
                lines = await self._stream.lines()
        except TimeoutError:
            return False
        for line in lines:
            self._take(line)
        return True

    async def _prove(self) -> None:
        """Write a heartbeat and hear it, or anything after it. Raises Missed."""
        assert self._stream is not None, "only called with a stream"
        member = self._stream.member
        try:
            with _bearable("no heartbeat"):
                wanted = await self._touch(self._prefix)
        except StoreError as error:
            if error.problems[0].code != faults.FULL:
                raise
            self._drop()  # it takes no writes: that a new stream begins shows as well that its member lives
            return
        deadline = asyncio.get_running_loop().time() + GRACE_SECONDS
        while self._known < wanted:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or not await self._heard(left):
                raise Missed(Verdict.UNKNOWN, f"silent for {GRACE_SECONDS:g} s after a heartbeat", member)

    async def _open(self) -> None:
        """A stream from after what we have. Raises Missed, WatchLost, and StoreError where this may not be watched."""
        interrupted = 0.0 if self._reached is None else self._clock() - self._reached
        if interrupted > RESUME_SECONDS:
            raise WatchLost(faults.compacted(self._prefix, f"there was no connection for {interrupted:.0f} s"))
        with _bearable("no ground"):
            self._where = ground = await self._ground()
        if self._epoch != self._session.epoch:
            return
        body = gateway.watched(ground.key(self._prefix), self._known + 1)
        self._stream = stream = await self._session.stream("/v3/watch", body, self._avoided)
        while self._stream is stream and not stream.begun:
            if not await self._heard(GRACE_SECONDS):
                raise Missed(Verdict.UNKNOWN, "no answer to a watch", stream.member)
        if stream.began_at < self._known:
            await self._check_future()

    async def _check_future(self) -> None:
        """The member knows no revision as high as ours. It may lag behind; or there is none."""
        assert self._where is not None, "set with the stream"
        body = gateway.ranged(self._where.key(self._prefix), limit=1)
        with _bearable("no revision"):
            newest = (await self._session.ask("/v3/kv/range", body, RangeAnswer)).header.revision
        if newest < self._known:
            cause = f"revision {self._known} is asked for, and the store stands at {newest}"
            raise WatchLost(faults.compacted(self._prefix, cause))

    # ------------------------------------------------------------------------------------------------------- what comes

    def _take(self, line: bytes) -> None:
        """Take one line. Raises Missed where another stream may go on, WatchLost or StoreError where none can."""
        assert self._stream is not None, "lines come of it"
        try:
            found = gateway.watch_line(line)
        except ValueError as error:
            raise Missed(Verdict.UNKNOWN, f"a line that is not etcd's: {error}", self._stream.member) from error
        if found.error is not None:
            if "compacted" in found.error.text:
                raise WatchLost(faults.compacted(self._prefix, found.error.text))
            raise self._session.missed(self._stream.member, found.error)
        if found.result is not None:
            self._take_answer(found.result, self._stream)

    def _take_answer(self, answer: WatchAnswer, stream: Stream) -> None:
        self._reached = self._clock()
        if answer.canceled:
            self._drop()
            raise self._cancelled(answer, stream.member)
        if answer.created:
            stream.begun, stream.began_at = True, answer.header.revision
            self._session.reached()
        self._parts += answer.events
        if not answer.fragment:
            events, self._parts = self._parts, []
            self._add(events)

    def _cancelled(self, answer: WatchAnswer, member: str) -> Exception:
        reason = answer.cancel_reason.rpartition("desc = ")[2]
        if answer.compact_revision:
            return WatchLost(
                faults.compacted(self._prefix, f"the store forgot what was before {answer.compact_revision}")
            )
        if "permission denied" in reason:
            return StoreError(faults.refused(self._session.address, Missed(Verdict.REFUSED, reason, member, 7)))
        return self._session.missed(member, Fault(code=14, message=reason or "the member ended the watch"))

    def _add(self, events: list[Event]) -> None:
        """Make batches of what came: one a revision, in order, none twice."""
        assert self._where is not None, "set with the stream"
        batches: dict[int, list[Change]] = {}
        for event in events:
            revision = event.kv.mod_revision
            if revision <= self._known:
                continue
            changes = batches.setdefault(revision, [])
            if is_entry(event.kv.key):
                value = None if event.type == "DELETE" else event.kv.value
                changes.append(Change(key=self._where.name(event.kv.key), value=value, revision=revision))
        self._ready.extend(tuple(changes) for changes in batches.values() if changes)  # the others are heartbeats
        self._known = max(batches, default=self._known)
        self._session.witness(self._known)

    # ------------------------------------------------------------------------------------------------------- the stream

    def _leave(self, missed: Missed) -> None:
        if self._stream is None:  # none was opened: the next try may ask anybody
            self._avoided = ""
            return
        self._avoided = self._stream.member
        self._drop()
        self._session.metrics.count("tidegate_store_watches_moved_total")
        fields = {"prefix": self._prefix, "cause": str(missed), "revision": self._known}
        logger("store").info("a watch goes on elsewhere", extra=fields)

    def _drop(self) -> None:
        self._parts = []
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


@contextlib.contextmanager
def _bearable(what: str) -> Iterator[None]:
    """A store that cannot be reached is no reason to end a watch: another stream may go on where this one stopped."""
    try:
        yield
    except StoreError as error:
        if error.problems[0].code not in _PASSING:
            raise
        raise Missed(Verdict.UNKNOWN, f"{what}: {error.problems[0].text}") from error

"""What replicas write, of all nodes, as one stream in the order of time.

A *source* is one container here, or all that another node has of what was asked for. Each is read by a task of its own, and rows meet in
a `Weave`. With `follow` the sources are looked up again and again: containers that come later are read too, one that was started
anew from where it ended, and a node that could not be reached is asked again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Protocol

from aiohttp import web
from msgspec import json
from msgspec.structs import replace

from tidegate.control.weave import Weave
from tidegate.engine.port import Engine
from tidegate.errors import NoSuchThing, Problem, TidegateError
from tidegate.tasks import Tasks
from tidegate.telemetry import logger
from tidegate.value import Value

LAG_ROWS = 200  # of each source that wait for others or for the reader; then the source itself waits
QUIET_SECONDS = 1.0  # without a row; then the reader is shown that we are still there, and sources are looked up again
PATIENCE_SECONDS = 0.3  # for which a row that is followed waits for earlier ones of others
AGAIN_SECONDS = 3.0  # after which a source that ended is read again
MOST_ROWS = 100_000

_log = logger("control.logs")


class Asked(Value):
    """Which rows of `service`, or of the whole stack where that names no service: the last `tail` of each replica, of those written at
    `since` (seconds since the epoch) or later, and with `follow` all that come."""

    service: str
    tail: int = 100
    since: float = 0.0
    follow: bool = False


class Row(Value):
    """A line that a replica (slot and generation) wrote at `at` (seconds since the epoch), or in `problem` why a node says nothing (more)."""

    node: str
    service: str
    replica: str
    stream: str
    at: float
    text: str
    problem: Problem | None = None


Write = Callable[[Row | None], Awaitable[None]]  # None: nothing new, and still there


class Source(Protocol):
    """Where rows come from. `key` is the same for as long as it is the same source."""

    @property
    def key(self) -> str: ...

    @property
    def node(self) -> str: ...

    @property
    def lives(self) -> bool:
        """Whether there may be more after its end."""
        ...

    def read(self, asked: Asked) -> AsyncIterator[Row]:
        """Raises TidegateError where it cannot (any more)."""
        ...


class Here(Value):
    """One container of this node."""

    key: str  # the container
    node: str
    service: str
    replica: str
    lives: bool
    engine: Engine

    async def read(self, asked: Asked) -> AsyncIterator[Row]:
        """What the engine kept of it; nothing of one that is gone meanwhile."""
        try:
            async for line in self.engine.logs(self.key, asked.tail, asked.follow, asked.since):
                yield Row(
                    node=self.node,
                    service=self.service,
                    replica=self.replica,
                    stream=line.stream,
                    at=line.at,
                    text=line.text,
                )
        except NoSuchThing:
            return


class Reading:
    """All rows that `asked` is for, to `write`, once. `look` gives the sources as they are now."""

    def __init__(self, look: Callable[[], Iterable[Source]], asked: Asked, write: Write) -> None:
        self._look = look
        self._asked = asked
        self._write = write
        self._weave: Weave[Row] = Weave(PATIENCE_SECONDS if asked.follow else math.inf)
        self._places: dict[str, asyncio.Semaphore] = {}  # by source that is read: room for its rows
        self._read_to: dict[str, float] = {}  # by source, the time of its last row
        self._again_at: dict[str, float] = {}  # by source that ended: when to look at it again
        self._silent: set[str] = set()  # sources that could not be read, and whose node was named for it
        self._changed = asyncio.Event()
        self._readers: tuple[asyncio.Task[None], ...] = ()

    async def run(self) -> None:
        """Until all have ended, or with `follow` until cancelled. Raises what `write` does."""
        async with Tasks("control.logs") as tasks:
            try:
                await self._run(tasks)
            finally:
                for reader in self._readers:
                    reader.cancel()

    # --------------------------------------------------------------------------------------------------------- private

    async def _run(self, tasks: Tasks) -> None:
        look_at = time.monotonic()
        quiet_at = look_at + QUIET_SECONDS
        while True:
            now = time.monotonic()
            if now >= look_at:
                self._open(tasks, now)
                look_at = now + QUIET_SECONDS if self._asked.follow else math.inf
            taken = self._weave.take(now)
            for source, row in taken:
                if source in self._places:
                    self._places[source].release()
                await self._write(row)
            if taken:
                quiet_at = now + QUIET_SECONDS
                continue
            if not self._places and not self._asked.follow:
                return
            if now >= quiet_at:
                await self._write(None)
                quiet_at = now + QUIET_SECONDS
            await self._pause(min(quiet_at, look_at, self._weave.until or math.inf) - time.monotonic())

    async def _pause(self, seconds: float) -> None:
        """Until there is something new, or for so long."""
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    def _open(self, tasks: Tasks, now: float) -> None:
        """Read those that are not read yet, and with `follow` those again that may have more."""
        for source in self._look():
            key = source.key
            known = key in self._again_at
            if key in self._places or (known and not (source.lives and now >= self._again_at[key])):
                continue
            self._places[key] = asyncio.Semaphore(LAG_ROWS)
            self._weave.open(key)
            reader = tasks.spawn(key[:12], self._read(source))
            self._readers = (*(each for each in self._readers if not each.done()), reader)

    async def _read(self, source: Source) -> None:
        key = source.key
        to = self._read_to.get(key, 0.0)
        asked = replace(self._asked, since=max(self._asked.since, to), tail=MOST_ROWS if to else self._asked.tail)
        try:
            async for row in source.read(asked):
                self._silent.discard(key)
                if to and row.problem is None and row.at <= to:
                    continue  # it was read before the source ended
                await self._put(key, row)
        except TidegateError as error:
            await self._tell(source, error)
        finally:
            self._weave.close(key)
            del self._places[key]
            self._again_at[key] = time.monotonic() + AGAIN_SECONDS
            self._changed.set()

    async def _put(self, key: str, row: Row) -> None:
        await self._places[key].acquire()
        self._read_to[key] = max(self._read_to.get(key, 0.0), row.at)
        self._weave.put(key, row.at, row)
        self._changed.set()

    async def _tell(self, source: Source, error: TidegateError) -> None:
        """Name the node, once until it can be read again."""
        _log.info("logs end", extra={"source": source.key, "cause": str(error)})
        if source.key not in self._silent:
            self._silent.add(source.key)
            at = self._read_to.get(source.key, 0.0)
            row = Row(node=source.node, service="", replica="", stream="", at=at, text="", problem=error.problems[0])
            await self._put(source.key, row)


async def stream(request: web.Request, look: Callable[[], Iterable[Source]], asked: Asked) -> web.StreamResponse:
    """Answer with one JSON object a line, and an empty line now and then, until all have ended or the client goes."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
    await response.prepare(request)

    async def write(row: Row | None) -> None:
        await response.write(encoded(row))

    try:
        await Reading(look, asked, write).run()
    except* ConnectionResetError:
        _log.debug("who read logs is gone")
    return response


def encoded(row: Row | None) -> bytes:
    """A row as one line."""
    return json.encode(row) + b"\n" if row is not None else b"\n"

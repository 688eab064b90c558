"""Events of the embedded engine, told as Docker tells its own: the latest can be replayed, each reader has a bound.

A reader that falls behind by more than the bound is cut off, never silently robbed of events: it opens the stream again
and lists, as after any other break.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator

from tidegate.engine.docker_faults import stream_ended
from tidegate.engine.port import EngineEvent

REPLAY = 256
BACKLOG = 1024


class _Reader:
    """One open stream."""

    def __init__(self) -> None:
        self.waiting: deque[EngineEvent] = deque()
        self.changed = asyncio.Event()
        self.over = ""  # why the stream ends, set when it must

    def push(self, event: EngineEvent) -> None:
        if len(self.waiting) >= BACKLOG:
            self.end(f"the reader is more than {BACKLOG} events behind")
            return
        self.waiting.append(event)
        self.changed.set()

    def end(self, why: str) -> None:
        self.over = why
        self.changed.set()


class EventLog:
    """Takes events in order and hands them to every reader. `source` is the engine's name, for errors."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._recent: deque[EngineEvent] = deque(maxlen=REPLAY)
        self._readers: set[_Reader] = set()
        self._last_ns = 0

    def emit(self, action: str, container: str, attributes: dict[str, str]) -> None:
        """Note that `action` happened to `container` now. Times never repeat, so `since` can tell events apart."""
        self._last_ns = max(time.time_ns(), self._last_ns + 1)
        event = EngineEvent(kind="container", action=action, id=container, time_ns=self._last_ns, attributes=attributes)
        self._recent.append(event)
        for reader in self._readers:
            reader.push(event)

    async def read(self, since_ns: int) -> AsyncIterator[EngineEvent]:
        """See `Engine.events`."""
        reader = _Reader()
        for event in self._recent:
            if event.time_ns >= since_ns:
                reader.push(event)
        self._readers.add(reader)
        try:
            yield EngineEvent(kind="daemon", action="stream-open", id="", time_ns=since_ns)
            while not reader.over:
                while reader.waiting:
                    yield reader.waiting.popleft()
                reader.changed.clear()
                if not reader.over:
                    await reader.changed.wait()
        finally:
            self._readers.discard(reader)
        raise stream_ended(self._source, reader.over)

    def close(self) -> None:
        """End every stream."""
        for reader in self._readers:
            reader.end("the engine was closed")

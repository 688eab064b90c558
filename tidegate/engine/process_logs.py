"""The last lines a local process wrote, bounded; readers may follow. Who follows too slowly misses the oldest lines."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from tidegate.engine.port import LogLine

RING_LINES = 2000


class LogRing:
    """Lines of one process over all its lives. Closed when the process is removed or will not run again by itself."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=RING_LINES)
        self._count = 0  # lines ever written
        self._open = False
        self._changed = asyncio.Event()  # replaced at every change

    def append(self, line: LogLine) -> None:
        self._lines.append(line)
        self._count += 1
        self._wake()

    def open(self) -> None:
        """A life begins: followers wait for more."""
        self._open = True

    def close(self) -> None:
        """A life is over: followers end."""
        self._open = False
        self._wake()

    async def read(self, tail: int, follow: bool, since: float = 0.0) -> AsyncIterator[LogLine]:
        """The last `tail` lines of those since then, and with `follow` every further one until it is closed."""
        recent = sum(line.at >= since for line in self._lines) if since else len(self._lines)
        at = self._count - min(max(tail, 0), recent)
        while True:
            lines, at = self._since(at), self._count
            for line in lines:
                yield line
            if lines and follow:
                continue  # more may have come while the reader was busy with these
            if not (follow and self._open):
                return
            await self._changed.wait()

    def _since(self, at: int) -> list[LogLine]:
        """Lines from number `at` on, those that are still here."""
        return list(self._lines)[-new:] if (new := self._count - at) else []

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

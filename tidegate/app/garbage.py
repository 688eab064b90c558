"""When a worker looks through all its objects for cycles that nobody holds any more.

Reference counts free nearly everything it makes, and connections cut their cycles when they end, so a full collection finds
next to nothing; but it walks every object, and with 10 000 connections held that stops the worker for 20 ms and more. The interpreter would do it
when the old generation has grown by a quarter: while connections come, and requests are waiting (docs/decisions/0136).
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable

from tidegate.router.keeper import resident_bytes

LOOK_SECONDS = 1.0
QUIET_SHARE = 0.05  # of a core since the last look: whoever is stopped now, they are few
QUIET_AFTER_SECONDS = 60.0  # between collections, if it is quiet
ANYWAY_AFTER_SECONDS = 3600.0
GROWN_AFTER_SECONDS = 300.0  # where memory has grown; mostly it is full buffers, and no reason to stop anybody
GROWN_SHARE = 2.0  # memory against that after the last collection
GROWN_BYTES = 64 << 20
_YOUNG, _MIDDLE, _NEVER = 700, 10, 1 << 30


class Collector:
    """Decides when; `collect` does it, `resident` tells the memory held, `spent` the CPU seconds of this process so far."""

    def __init__(
        self,
        now: float,
        *,
        collect: Callable[[], object] = gc.collect,
        resident: Callable[[], int] = resident_bytes,
        spent: Callable[[], float] = time.process_time,
    ) -> None:
        self._collect = collect
        self._resident = resident
        self._spent = spent
        self._looked_at = now
        self._spent_then = spent()
        self._collected_at = now
        self._base = resident()

    def look(self, now: float) -> bool:
        """Collect, if it is time to; whether it was."""
        share = (self._spent() - self._spent_then) / max(now - self._looked_at, 1e-3)
        due = self._is_due(now - self._collected_at, share)
        if due:
            self._collect()
            self._collected_at = now
            self._base = self._resident()
        self._looked_at = now
        self._spent_then = self._spent()
        return due

    def _is_due(self, age: float, share: float) -> bool:
        if share < QUIET_SHARE:
            return age >= QUIET_AFTER_SECONDS
        if age < GROWN_AFTER_SECONDS:
            return False
        return age >= ANYWAY_AFTER_SECONDS or self._has_grown()

    def _has_grown(self) -> bool:
        return self._resident() > max(self._base * GROWN_SHARE, self._base + GROWN_BYTES)


async def tend_garbage() -> None:
    """Take full collections out of the interpreter's hands, and do them when they hurt least, until cancelled. What exists
    when it begins is taken to stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    clock = asyncio.get_running_loop().time
    collector = Collector(clock())
    try:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            collector.look(clock())
    finally:
        gc.set_threshold(_YOUNG, _MIDDLE, _MIDDLE)

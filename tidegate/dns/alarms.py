"""HOT: when inquiries want to be woken: by one timer of the loop for all of them. Counted: every query forwarded to one of several
upstreams; guarded by `make bench`.

Nearly all have ended by then, so setting and cancelling a timer for each would be work for nothing. Time is cut into ticks; who is to be
woken in a tick is in its list and stays there, whether it has ended or not.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

TICK = 0.005  # seconds, which an alarm may be late

_TICK = TICK


class Sleeper(Protocol):
    """Who wants to be woken."""

    def wake(self) -> None:
        """It is time, or was and means nothing any more."""
        ...


class Alarms:
    """Alarms at times of the running loop."""

    def __init__(self) -> None:
        self._ticks: dict[int, list[Sleeper]] = {}
        self._timer: asyncio.TimerHandle | None = None  # for the first of them
        self._first = 0  # the tick it is set for

    def set(self, sleeper: Sleeper, when: float) -> None:
        """Wake `sleeper` at `when`."""
        tick = int(when / _TICK) + 1
        found = self._ticks.get(tick)
        if found is None:
            found = self._ticks[tick] = []
            if self._timer is None or tick < self._first:
                self._arm(tick)
        found.append(sleeper)

    def _arm(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._first = tick
        self._timer = asyncio.get_running_loop().call_at(tick * _TICK, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now = max(self._first, int(asyncio.get_running_loop().time() / _TICK))  # a timer may come a little early
        for tick in sorted([tick for tick in self._ticks if tick <= now]):
            for sleeper in self._ticks.pop(tick):
                sleeper.wake()
        if self._ticks and self._timer is None:
            self._arm(min(self._ticks))

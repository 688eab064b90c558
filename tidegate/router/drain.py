"""The end of a worker's connections: idle ones at once (2 s after a reload), those with a request after it, tunnels when
their time is up.

A connection that has not sent its first request yet may send it: its client has just come, and had no answer that told it
to go. Requests have `drain_seconds`; tunnels the same when the program stops, `tunnel_drain_seconds` when a successor has
taken over and there is no hurry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from tidegate.config import HttpConfig
from tidegate.router.admission import FRUGAL
from tidegate.router.core import Core
from tidegate.router.downstream import Downstream
from tidegate.router.tunnel import Tunnel
from tidegate.telemetry import logger

_CUT_SECONDS = 1.0
_log = logger("router")


class Drain:
    """One drain of one worker. `hurry` may come while it runs."""

    def __init__(self, config: HttpConfig, core: Core) -> None:
        self.patient = False  # a successor serves: connections between requests may have one more
        self._core = core
        self._seconds = config.drain_seconds
        self._requests_until = 0.0  # on the core's clock, set when it begins
        self._tunnels_until = 0.0
        self._woken = asyncio.Event()
        core.on_empty = self._woken.set

    def begin(self) -> None:
        """From here on every answer closes its connection."""
        self._core.draining = True
        self._core.pressure = max(self._core.pressure, FRUGAL)

    async def run(self, tunnel_seconds: float) -> None:
        """Returns when every connection has ended, by itself or cut."""
        core = self._core
        now = core.clock()
        self._requests_until, self._tunnels_until = now + self._seconds, now + tunnel_seconds
        self.begin()
        for connection in list(core.connections):
            if self.patient and isinstance(connection, Downstream):
                connection.part()
            else:
                connection.drain()
        await self._until(lambda: self._requests_until)
        for connection in list(core.connections):
            if not isinstance(connection, Tunnel):
                connection.transport.abort()
        await self._until(lambda: self._tunnels_until)
        for connection in list(core.connections):
            connection.transport.abort()
        cut = core.clock() + _CUT_SECONDS
        await self._until(lambda: cut)  # those that were cut end their exchanges: they are counted and logged
        if core.connections:
            _log.warning("connections did not end", extra={"connections": len(core.connections)})

    def hurry(self) -> None:
        """The program stops after all: tunnels have no longer than requests."""
        self._tunnels_until = min(self._tunnels_until, self._core.clock() + self._seconds)
        self._woken.set()

    async def _until(self, deadline: Callable[[], float]) -> None:
        while self._core.connections and (left := deadline() - self._core.clock()) > 0:
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._woken.wait()

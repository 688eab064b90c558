"""Runs a coroutine in virtual time: where the loop would sleep, its clock jumps instead. For loops that wait a lot.

Only for code whose every wait is a timer or another task: sockets and threads would be overtaken by the clock.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a number."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.now


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        assert timeout is not None, "every task waits and no timer is set: the test would hang"
        # A hair more than asked: adding up floats must not leave a timer short of its time for ever.
        self._loop.now += timeout + 1e-9
        return ready


def run_virtual(main: Coroutine[Any, Any, None], limit_seconds: float = 3600.0) -> None:
    """Run `main` to its end; `limit_seconds` of virtual time at most."""

    async def bounded() -> None:
        async with asyncio.timeout(limit_seconds):
            await main

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(bounded())

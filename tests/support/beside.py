"""Loops that run beside a test, and are cancelled at its end; what one raises, the test raises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any


@asynccontextmanager
async def beside(*loops: Coroutine[Any, Any, Any], settle: float = 0.01) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Start them, give them `settle` seconds, cancel them at the end."""
    tasks = [asyncio.ensure_future(each) for each in loops]  # noqa: TID251  the test is their parent
    try:
        await asyncio.sleep(settle)
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task

"""The only place that spawns tasks: each has a name and a parent, is referenced, and its failure is seen.

`Tasks` is a task group with mandatory names. A child that fails cancels its siblings and the error propagates to the
owner; cancelling the owner cancels every child. Nothing else in the package may call `create_task`.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Tasks:
    """Owner of the background tasks of one component: `async with Tasks("dns") as tasks: tasks.spawn("udp", run())`."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._group.__aexit__(kind, error, trace)

    def spawn(self, name: str, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `coroutine` as a child called `owner.name`; its failure ends the whole group."""
        return self._group.create_task(coroutine, name=f"{self._owner}.{name}", context=contextvars.copy_context())

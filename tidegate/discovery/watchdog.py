"""Notices that an engine is dead though its connections are open: the stream of events has no heartbeat."""

from __future__ import annotations

import asyncio

from tidegate.engine.port import Engine
from tidegate.errors import EngineError, EngineUnreachable, Problem

PING_SECONDS = 10.0
PINGS_MISSED = 3


async def watch(engine: Engine) -> None:
    """Ask again and again whether it lives; raises EngineUnreachable when several questions in a row got no answer."""
    missed = 0
    while missed < PINGS_MISSED:
        await asyncio.sleep(PING_SECONDS)
        try:
            async with asyncio.timeout(PING_SECONDS):
                await engine.ping()
            missed = 0
        except (EngineError, TimeoutError):
            missed += 1
    raise silent(engine.name, f"{PINGS_MISSED} pings in a row got no answer")


def silent(engine: str, cause: str) -> EngineUnreachable:
    """What is said of an engine that fell silent."""
    mend = "see whether the engine is overloaded or restarting; it is tried again all the time"
    return EngineUnreachable(
        Problem(code="T1240", text=f"lost sight of {engine}", place=engine, cause=cause, mend=mend)
    )

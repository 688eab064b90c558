"""Lines of several containers as one stream: each as it comes, and when nothing more comes the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from aiohttp import web

from tidegate.engine.port import Engine, LogLine
from tidegate.errors import EngineError, NoSuchThing
from tidegate.tasks import Tasks
from tidegate.telemetry import logger
from tidegate.value import Value

QUEUE = 1000  # lines that a reader may lag behind; then the containers' output waits at the engine
QUIET_SECONDS = 1.0  # without a line; then an empty one shows whether the client is still there

_log = logger("control.logs")


class Source(Value):
    """One container, by what its replica is called."""

    replica: str
    container: str
    engine: Engine


_Row = tuple[str, LogLine] | None


async def stream(request: web.Request, sources: tuple[Source, ...], tail: int, *, follow: bool) -> web.StreamResponse:
    """Answer with one JSON object a line until all have ended or the client goes."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
    await response.prepare(request)
    queue: asyncio.Queue[_Row] = asyncio.Queue(QUEUE)
    try:
        async with Tasks("control.logs") as tasks:
            readers = [tasks.spawn(each.container[:12], _read(each, queue, tail, follow)) for each in sources]
            try:
                await _write(response, queue, len(readers))
            finally:
                for reader in readers:
                    reader.cancel()
    except* ConnectionResetError:
        _log.debug("who read logs is gone")
    return response


async def _read(source: Source, queue: asyncio.Queue[_Row], tail: int, follow: bool) -> None:
    try:
        lines: AsyncIterator[LogLine] = source.engine.logs(source.container, tail, follow)
        async for line in lines:
            await queue.put((source.replica, line))
    except (NoSuchThing, EngineError) as error:
        _log.info("logs end", extra={"replica": source.replica, "cause": str(error)})
    await queue.put(None)


async def _write(response: web.StreamResponse, queue: asyncio.Queue[_Row], readers: int) -> None:
    while readers:
        try:
            row = await asyncio.wait_for(queue.get(), QUIET_SECONDS)
        except TimeoutError:
            await response.write(b"\n")
            continue
        if row is None:
            readers -= 1
            continue
        replica, line = row
        said = {"replica": replica, "stream": line.stream, "at": line.at, "text": line.text}
        await response.write(json.dumps(said, ensure_ascii=False).encode() + b"\n")

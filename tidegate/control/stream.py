"""Server-sent events: a snapshot of the table first, then each difference and happening with its id.

A client that comes back with `Last-Event-ID` gets what it missed, or a snapshot where that is not kept any more. One that
is too slow for its bounded queue is cut off; it comes back the same way.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from tidegate.control.document import document
from tidegate.control.journal import Entry, Follower, Happening, Journal
from tidegate.control.reconciler import Reconciler

PULSE_SECONDS = 15.0  # a comment this often keeps proxies and clients from giving up
MAX_CLIENTS = 64


class EventStream:
    """Serves `/v1/stream`."""

    def __init__(self, journal: Journal, reconciler: Reconciler) -> None:
        self._journal = journal
        self._reconciler = reconciler
        self._clients = 0

    @property
    def full(self) -> bool:
        """Whether no further client is taken."""
        return self._clients >= MAX_CLIENTS

    async def serve(self, request: web.Request, last_id: int | None) -> web.StreamResponse:
        """Answer until the client goes or the journal closes."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        follower = self._journal.follow()
        self._clients += 1
        try:
            await response.prepare(request)
            await response.write(self._opening(last_id))
            await self._go_on(response, follower)
        except ConnectionResetError:
            return response  # the client is gone: the usual end
        finally:
            self._clients -= 1
            self._journal.leave(follower)
        return response

    async def _go_on(self, response: web.StreamResponse, follower: Follower) -> None:
        while not (follower.lost and follower.queue.empty()):
            try:
                entry = await asyncio.wait_for(follower.queue.get(), PULSE_SECONDS)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if entry is None:
                return
            await response.write(encoded(entry))

    def _opening(self, last_id: int | None) -> bytes:
        missed = self._journal.since(last_id) if last_id is not None else None
        if missed is not None:
            return b": resumed\n\n" + b"".join(map(encoded, missed))
        table = self._reconciler.table
        body = {
            "version": table.version,
            "routes": table.routes,
            "services": table.services,
            "problems": self._reconciler.problems,
        }
        return framed("snapshot", self._journal.last_id, document(body))


def encoded(entry: Entry) -> bytes:
    """One entry as a server-sent event: `happening` or `delta`."""
    if isinstance(entry, Happening):
        return framed("happening", entry.id, document(entry))
    delta = entry.delta
    body = {"base": delta.base, "version": delta.version, "routes": delta.routes, "services": delta.services}
    return framed("delta", entry.id, document(body))


def framed(event: str, id_: int, body: Any) -> bytes:
    """The bytes of one event; JSON has no raw line ends, so one data line is enough."""
    return f"event: {event}\nid: {id_}\ndata: {json.dumps(body)}\n\n".encode()

"""One HTTP/1.1 connection to an endpoint: the response is read here, and told to the `Sink` that the connection serves.

HOT: guarded by `make bench`. A connection goes back to the pool only if the response was complete and framed, the request
was fully sent, nothing surplus was readable, and neither side asked to close; a byte or an end on an idle one drops it.
The connection writes response bytes straight to the downstream's transport; every decision is the downstream's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tidegate.errors import Reason
from tidegate.http1.chunks import ChunkReader
from tidegate.http1.events import FRAMING_CHUNKED, FRAMING_LENGTH, FRAMING_NONE, Limits
from tidegate.http1.response import parse_response
from tidegate.router.link import Link
from tidegate.router.sink import Sink
from tidegate.router.upstream import Upstream

_NONE = FRAMING_NONE
_LENGTH = FRAMING_LENGTH
_CHUNKED = FRAMING_CHUNKED

_IDLE = 0
_HEAD = 1
_BODY = 2
_CHUNKS = 3
_UNTIL_CLOSE = 4
_TUNNEL = 5

_LAST_WORDS = 262144  # bytes of an answer that are looked for behind a reset


class UpstreamConnection(Link):
    """One HTTP/1.1 connection to an endpoint (an asyncio protocol). Serves one downstream at a time."""

    __slots__ = (
        "chunks",
        "clock",
        "downstream",
        "framing",
        "head_only",
        "held",
        "left",
        "limits",
        "phase",
        "reusable",
    )

    def __init__(self, upstream: Upstream, limits: Limits, clock: Callable[[], float]) -> None:
        super().__init__(upstream)
        self.limits = limits
        self.clock = clock
        self.downstream: Any = None  # the Sink it serves
        self.phase = _IDLE
        self.framing = 0
        self.left = 0  # body bytes still to come
        self.held = b""  # an incomplete head
        self.chunks: ChunkReader | None = None
        self.head_only = False
        self.reusable = False  # decided by the response head

    # --- asyncio

    def data_received(self, data: bytes) -> None:
        """asyncio: response bytes."""
        now = self.clock()
        if self.phase == _HEAD:
            self._head(data, now)
        elif self.phase == _BODY:
            self._body(data, now)
        elif self.phase == _CHUNKS:
            self._chunked(data, 0, now)
        elif self.phase == _UNTIL_CLOSE:
            self.downstream.response_data(data, len(data))
        else:
            self.reusable = False
            self.close()  # nobody asked for these bytes

    def eof_received(self) -> bool:
        """asyncio: the container sent its last byte; the transport closes itself."""
        if self.phase == _UNTIL_CLOSE:
            self._done(self.clock())
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: gone."""
        self.closed = True
        self.upstream.connections -= 1
        if error is not None and self.phase == _HEAD:
            self._read_last_words()
        downstream = self.downstream
        if downstream is None:
            return
        self.downstream = None
        if self.phase == _UNTIL_CLOSE and error is None:
            downstream.response_end(self, False, self.clock())
        else:
            downstream.upstream_lost(self, self.phase == _HEAD and not self.held)

    def _read_last_words(self) -> None:
        """An answer may have come before the reset that our writing met (413, then closed): it is still in the socket."""
        try:
            if self.tls is not None:
                words = self.transport.last_words(_LAST_WORDS)
            else:
                words = os.read(self.transport.get_extra_info("socket").fileno(), _LAST_WORDS)
        except OSError:  # nothing came, or the socket is closed already
            return
        if words:
            self.data_received(words)

    def pause_writing(self) -> None:
        """asyncio: the container reads slowly, so the client is read no faster."""
        if self.downstream is not None:
            self.downstream.pause_reading_for_upstream()

    def resume_writing(self) -> None:
        """asyncio: the container caught up."""
        if self.downstream is not None:
            self.downstream.resume_reading_for_upstream()

    # --- called by the downstream

    def serve(self, downstream: Sink, head_only: bool) -> None:
        """Belong to `downstream` until the response ends."""
        self.downstream = downstream
        self.head_only = head_only
        self.phase = _HEAD
        self.reusable = False

    def abort(self) -> None:
        """Cut the connection: the exchange on it has failed or lost its client."""
        self.downstream = None
        self.phase = _IDLE
        super().abort()

    def release(self) -> Any:
        """Hand the transport over to a tunnel."""
        self.phase = _TUNNEL
        self.downstream = None
        return super().release()

    # --- the response

    def _head(self, data: bytes, now: float) -> None:
        if self.held:
            data = self.held + data
            self.held = b""
        at = 0
        while True:
            head = parse_response(data, at, self.head_only, self.limits)
            if head is None:
                self.held = data[at:] if at else data
                return
            if head.error is not None:
                self._fail()
                return
            at = head.end
            if head.status >= 200:
                break
            if head.status == 101:
                self._switch(head, data[at:])
                return
            self.downstream.interim(head)
            if at == len(data):
                return
        size = len(data) - at
        framing = head.framing
        self.framing = framing
        self.reusable = head.keep_alive
        if framing == _LENGTH:
            if size > head.length:
                self.reusable = False  # surplus bytes: whose are they?
                size = head.length
            self.left = head.length - size
            body = data[at : at + size] if size else b""
            self.phase = _BODY
            self.downstream.response_start(head, body, size, now)
            if self.left == 0:
                self._done(now)
        elif framing == _NONE:
            if size:
                self.reusable = False
            self.downstream.response_start(head, b"", 0, now)
            self._done(now)
        elif framing == _CHUNKED:
            self.phase = _CHUNKS
            downstream = self.downstream
            downstream.response_start(head, b"", 0, now)  # decides whether it wants chunks
            self.chunks = ChunkReader(downstream.wants_bare_body())
            if size and self.downstream is not None:
                self._chunked(data, at, now)
        else:
            self.phase = _UNTIL_CLOSE
            self.downstream.response_start(head, b"", 0, now)
            if size and self.downstream is not None:
                self.downstream.response_data(data[at:], size)

    def _body(self, data: bytes, now: float) -> None:
        size = len(data)
        if size > self.left:
            self.reusable = False
            size = self.left
            data = data[:size]
        self.left -= size
        self.downstream.response_data(data, size)
        if self.left == 0:
            self._done(now)

    def _chunked(self, data: bytes, at: int, now: float) -> None:
        chunks = self.chunks
        assert chunks is not None, "a chunked body has its reader"
        before = chunks.body_bytes
        out = chunks.feed(data, at)
        if chunks.error:
            self._fail()
            return
        if out:
            self.downstream.response_encoded(out, chunks.body_bytes - before)
        if chunks.done:
            if chunks.end < len(data):
                self.reusable = False
            self._done(now)

    def _switch(self, head: Any, rest: bytes) -> None:
        """A 101: a tunnel, if the downstream asked for that very protocol."""
        downstream = self.downstream
        if head.switched and downstream.wants_tunnel():
            downstream.start_tunnel(self, head, rest)
        else:
            self._fail()

    def _done(self, now: float) -> None:
        downstream = self.downstream
        if downstream is None:
            return
        self.phase = _IDLE
        self.downstream = None
        self.chunks = None
        self.served += 1
        downstream.response_end(self, self.reusable, now)

    def _fail(self) -> None:
        """What came is not a response (RFC 9112): 502 if nothing was sent, else a visible abort."""
        downstream = self.downstream
        self.abort()
        downstream.upstream_failed(Reason.BAD_RESPONSE)

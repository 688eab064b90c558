"""From an accepted connection to HTTP over TLS, within one deadline that counts from the accept and ends with the head.

The client's first words choose how it is served before OpenSSL sees them (`tls.hello`, `secure.Front`). A worker has a
bounded number of handshakes in progress; who comes beyond is cut at once, so that a flood of half-open ones stays small.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tidegate.router.core import Core
from tidegate.router.downstream import Downstream
from tidegate.router.secure import DECODE_ERROR, Front, client_line
from tidegate.router.timers import Timed
from tidegate.tls.hello import MAX_BYTES, NotHello, read_hello
from tidegate.tls.stream import Buffers, TlsStream

_CLEAR = b"400 Bad Request\nThis port speaks HTTPS.\n"
_CLEAR_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
    b"X-Tidegate-Reason: bad-request\r\nConnection: close\r\n\r\n%b" % (len(_CLEAR), _CLEAR)
)


class Handshake(Timed):
    """One accepted connection until its handshake has ended (an asyncio protocol)."""

    __slots__ = ("buffers", "core", "exchange", "front", "grant", "heard", "over", "transport")

    def __init__(self, core: Core, front: Front, buffers: Buffers) -> None:
        super().__init__()
        self.core = core
        self.front = front
        self.buffers = buffers
        self.transport: Any = None
        self.exchange = None  # as other connections have one; there is none yet
        self.heard = b""  # first words, until they are whole
        self.grant: Any = None  # from then on
        self.over = False

    # --- asyncio

    def connection_made(self, transport: asyncio.Transport) -> None:
        """asyncio: accepted."""
        self.transport = transport
        front = self.front
        if front.pending >= front.max_handshakes:
            front.refused += 1
            self.over = True
            transport.abort()
            return
        front.pending += 1
        self.core.connections.add(self)
        self.core.wheel.arm(self, self.core.clock() + self.core.head_timeout)

    def data_received(self, data: bytes) -> None:
        """asyncio: first words."""
        if self.over:
            return
        self.heard += data
        try:
            hello = read_hello(self.heard)
        except NotHello:
            self._turn_away(DECODE_ERROR, clear=65 <= self.heard[0] <= 90)
            return
        if hello is None:
            if len(self.heard) > 2 * MAX_BYTES:
                self._turn_away(DECODE_ERROR)
            return
        grant = self.front.choose(hello, self.core.clock())
        if isinstance(grant, int):
            self._turn_away(grant)
            return
        self.grant = grant
        stream = TlsStream(self.transport, grant.context, self, self.buffers)
        self.transport.set_protocol(stream)
        heard, self.heard = self.heard, b""
        stream.data_received(heard)

    def eof_received(self) -> bool:
        """asyncio: the client gave up."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: gone before its first words were whole, or turned away."""
        self._end(failed=True)

    def pause_writing(self) -> None:
        """asyncio: an alert waits to be sent."""

    def resume_writing(self) -> None:
        """asyncio: it was."""

    # --- called by the stream

    def shaken(self, stream: TlsStream) -> None:
        """The handshake is complete: HTTP takes over, with what is left of the time."""
        above: Any = Downstream(self.core)
        lines = client_line(stream.session) if self.grant.rule is not None else b""
        above.secured(self.grant.host, self.grant.rule, lines)
        stream.set_protocol(above)
        above.connection_made(stream)
        self.core.wheel.arm(above, self.deadline)
        self._end(failed=False)

    def shake_failed(self, stream: TlsStream, error: Exception | None) -> None:
        """The client broke it off, or what it showed was not enough."""
        self._end(failed=True)

    # --- the end, also called by the worker

    def on_deadline(self, now: float) -> None:
        """It took too long."""
        if not self.over:
            self.transport.abort()

    def drain(self) -> None:
        """Who is this far still gets one answer; the deadline is near."""

    def _turn_away(self, alert: int, *, clear: bool = False) -> None:
        """An alert (RFC 8446 section 6), or plain words for plain HTTP on the wrong port; then close."""
        self.heard = b""
        self.transport.write(_CLEAR_ANSWER if clear else bytes((21, 3, 3, 0, 2, 2, alert)))
        self.transport.close()

    def _end(self, *, failed: bool) -> None:
        if self.over:
            return
        self.over = True
        self.armed = 0  # the wheel lets go of it at its next look, which may be long after the connection is gone
        self.transport = self.grant = None
        front = self.front
        front.pending -= 1
        if failed:
            front.failed += 1
        else:
            front.shaken += 1
        self.core.lost(self)

"""The client side: one connection from a client, as the event loop, the wheel and the shutdown see it.

HOT: guarded by `make bench`. What its bytes mean is read by `intake.py`.
"""

from __future__ import annotations

import asyncio

from tidegate.errors import Reason
from tidegate.router.exchange import HELD, RESPONDING, Exchange
from tidegate.router.intake import HEAD, LINGER_SECONDS, TUNNEL, Intake
from tidegate.router.listener import unread
from tidegate.router.onward import told_client
from tidegate.router.reply import FOR_UPSTREAM

_HELD = HELD
_RESPONDING = RESPONDING
_FOR_UPSTREAM = FOR_UPSTREAM
_HEAD = HEAD
_TUNNEL = TUNNEL
_LINGER_SECONDS = LINGER_SECONDS


class Downstream(Intake):
    """One client connection (an asyncio protocol)."""

    __slots__ = ()

    # --- asyncio

    def connection_made(self, transport: asyncio.Transport) -> None:
        """asyncio: a client connected."""
        self.transport = transport
        self.write = transport.write
        transport.set_write_buffer_limits(high=131072, low=32768)
        peer = transport.get_extra_info("peername")
        self.client = peer[0].encode() if peer else b""
        self.trusted = self.core.trusts(self.client)
        self.forwarded = told_client(self.client, self.certificate, self.secure, None)
        self.core.opened(self)
        self.core.wheel.arm(self, self.core.clock() + self.core.head_timeout)

    def data_received(self, data: bytes) -> None:
        """asyncio: request bytes."""
        if self.pending:
            data = self.pending + data
            self.pending = b""
        self._consume(data)

    def eof_received(self) -> bool:
        """asyncio: the client sent its last byte; it may still wait for an answer, or its bytes for their turn."""
        if self.phase == _TUNNEL:
            return False
        if self.exchange is None:
            self.ended = self.write_paused and bool(self.pending)  # whole requests may wait for a slow reader
        else:
            self.ended = self.request_done or bool(self.pending)  # a whole body may wait for its container
            if self.exchange.state != _HELD:
                self._moved(self.exchange)
                self.core.wheel.arm(self, self.core.clock() + self.core.half_close)
        return self.ended

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: the client is gone; whatever was done for it stops."""
        self.closed = True
        self.armed = 0  # the wheel lets go of it at its next look
        self.head = None
        self.pending = b""
        self.core.lost(self)
        exchange = self.exchange
        if exchange is None:
            return
        connection = self.connection
        if connection is not None:
            self.connection = None
            connection.abort()
        self.finish(exchange, Reason.CLIENT_GONE, self.core.clock())

    def pause_writing(self) -> None:
        """asyncio: the client reads slowly, so the container is read no faster."""
        self.write_paused = True
        if self.connection is not None:
            self.connection.transport.pause_reading()

    def resume_writing(self) -> None:
        """asyncio: the client caught up."""
        self.write_paused = False
        if self.connection is not None:
            self.connection.transport.resume_reading()
        elif self.phase == _HEAD:
            self.resume()

    # --- timers and shutdown, called by the core

    def on_deadline(self, now: float) -> None:
        """The current phase took too long."""
        exchange = self.exchange
        if self.closed or self.phase == _TUNNEL:
            return
        if exchange is None:
            if self.write_paused or self.transport.is_closing():
                self.transport.abort()  # the client takes no more, so a polite close would wait for ever
            elif self.phase == _HEAD and self.pending:
                self._refuse(Reason.REQUEST_TIMEOUT)
            elif self.phase == _HEAD and unread(self.transport):
                self.arm(now + _LINGER_SECONDS)  # it came at the last moment: to close now would reset it
            else:
                self._part()
        elif exchange.ends != 0.0 and now >= exchange.ends:
            self.fail(Reason.DEADLINE)
        elif exchange.state == _HELD:
            self.fail(exchange.reason or Reason.HOLD_TIMEOUT)
        elif self._waits_for_upstream() and now < self.due(exchange):
            self.look(exchange, now)
        elif self._moved(exchange):
            patience = self.core.half_close if self.ended and not self.write_paused else exchange.route.response_timeout
            self.arm(now + patience)
        elif self.write_paused or (self.ended and self.request_done):
            self.fail(Reason.CLIENT_GONE)
        elif not self.request_done and not self.blocked & _FOR_UPSTREAM:
            self.fail(Reason.REQUEST_TIMEOUT)
        else:
            self.late(exchange)

    def _waits_for_upstream(self) -> bool:
        """Whether it is the container's turn: to answer, or to take more of a body."""
        waits: bool = self.request_done or bool(self.blocked & _FOR_UPSTREAM)
        return waits and self.connection is not None and not self.ended

    def _moved(self, exchange: Exchange) -> bool:
        """Whether the client took response bytes since the last look: a long answer is not a late one."""
        if exchange.state != _RESPONDING:
            return False
        before = self.progress
        self.progress = exchange.sent - self.transport.get_write_buffer_size()
        return self.progress != before

    def drain(self) -> None:
        """No more requests after the current one; on a connection that has had none yet, after its first, if it comes soon."""
        self.close_after = True
        if not self.leave() and self.head is None and not self.pending:
            self.core.wheel.arm(self, self.core.clock() + _LINGER_SECONDS)

    def part(self) -> None:
        """As `drain`, without hurry: between requests, one more may come within a moment. Its answer tells the client to
        close; a close now could meet the request on its way."""
        self.close_after = True
        if self.exchange is None and not self.pending:
            self.core.wheel.arm(self, self.core.clock() + _LINGER_SECONDS)

    def leave(self) -> bool:
        """Close, if idle between requests; whether it did. Any other connection has a request, or is about to send its
        first: its client has no reason to expect that it closes."""
        if self.exchange is not None or self.pending or self.head is None or self.closed:
            return False
        if self.transport.is_closing() or unread(self.transport):
            return False
        self._part()
        return True

    def _part(self) -> None:
        """Close between two requests. The end leaves at once, not when the loop comes to it: a request of that moment is lost."""
        self.transport.write_eof()
        self._close()

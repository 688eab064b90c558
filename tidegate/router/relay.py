"""One exchange on its way to an upstream: choose and claim, wait where nobody can be chosen, send.

HOT: guarded by `make bench`. A request that finds an idle upstream connection is one pass: pick and claim -> one write.
No task, future or timer per request, except when a new upstream connection must be opened.
"""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.http1.writer import CONTINUE
from tidegate.router.connection import UpstreamConnection
from tidegate.router.exchange import CLAIMED, HELD, IDEMPOTENT, Exchange
from tidegate.router.live import MAINTENANCE, NORMAL, LiveRoute
from tidegate.router.onward import request_head, told_client, told_host
from tidegate.router.reply import Reply
from tidegate.router.upstream import Upstream

_CLAIMED = CLAIMED
_HELD = HELD
_NORMAL = NORMAL
_MAINTENANCE = MAINTENANCE


class Relay(Reply):
    """The part of a turn that faces the containers."""

    __slots__ = ()

    def dispatch(self, now: float) -> None:
        """Send the exchange on its way: to an upstream, into the waiting queue, or back with an answer."""
        exchange = self.exchange
        assert exchange is not None, "dispatch needs an exchange"
        route = exchange.route
        upstream = None
        if route.mode == _NORMAL:
            if route.selection is not None and not self._may_choose(exchange, route, now):
                return
            upstream = exchange.choose()
        elif route.mode >= _MAINTENANCE:
            self.fail(Reason.MAINTENANCE if route.mode == _MAINTENANCE else Reason.CLOSED)
            return
        if upstream is None:
            if route.selection is not None and route.selection.bounds.full:
                self._queue(exchange, now)
            else:
                self._hold(now)
            return
        connection = self._idle(exchange, route)
        if connection is None:
            self._connect(exchange, now)
        else:
            self._send(connection, now)

    def _may_choose(self, exchange: Exchange, route: LiveRoute, now: float) -> bool:
        """On a route with wishes: read from the head what the choice depends on. False if it is answered or queued: too
        many are in flight, or others came first."""
        selection = route.selection
        head = self.head
        assert selection is not None and head is not None, "a request that is sent on its way has a head"
        if not exchange.count():
            self.fail(Reason.OVERLOADED)
            return False
        if selection.bounds.requests and route.waiting and exchange.state != _HELD:
            self._queue(exchange, now)
            return False
        client = self.client
        if self.trusted and head.claimed_for:
            client = self.core.client_behind(head.claimed_for)
        exchange.key = selection.key(head.fields, client)
        exchange.mark = selection.mark(head.fields)
        exchange.safe = self._repeatable(exchange)
        return True

    def _queue(self, exchange: Exchange, now: float) -> None:
        """Wait for a claim to be released, bounded in number and time."""
        route = exchange.route
        if exchange.state != _HELD and len(route.waiting) >= route.queue_size:
            self.fail(Reason.OVERLOADED)
        elif exchange.queue(now):
            exchange.reason = Reason.QUEUE_TIMEOUT
            route.waiting.append(self)
            self.arm(exchange.hold_until)
        else:
            self.fail(Reason.QUEUE_TIMEOUT)

    def _hold(self, now: float) -> None:
        exchange = self.exchange
        assert exchange is not None, "hold needs an exchange"
        route = exchange.route
        if len(route.waiting) >= self.core.hold_queue:
            self.fail(Reason.OVERLOADED if self.core.pressure else Reason.HOLD_QUEUE_FULL)
        elif exchange.hold(now):
            route.waiting.append(self)
            self.arm(exchange.hold_until)
        else:
            self.fail(exchange.reason or Reason.HOLD_TIMEOUT)

    def _idle(self, exchange: Exchange, route: LiveRoute) -> UpstreamConnection | None:
        """A pooled connection, or None. One that would cost a request which must not be sent twice is looked at before."""
        upstream: Upstream = exchange.upstream
        connection: UpstreamConnection | None
        connection = upstream.take() if route.upstream_tls is None else upstream.take_secure(route.upstream_tls)
        if self.request_done and exchange.method == b"GET":
            return connection
        while connection is not None and not self._repeatable(exchange) and connection.ended():
            connection.close()
            connection = upstream.take() if route.upstream_tls is None else upstream.take_secure(route.upstream_tls)
        return connection

    def _repeatable(self, exchange: Exchange) -> bool:
        """Whether sending it once more does no harm, and can be done (decision 0043)."""
        return self.request_done and exchange.received == 0 and exchange.method in IDEMPOTENT

    def _connect(self, exchange: Exchange, now: float) -> None:
        """Ask for a new connection. The connecting task has a deadline of its own; ours must not pass before it."""
        self.arm(now + exchange.route.connect_timeout + exchange.route.response_timeout)
        self.core.connect(self, exchange, exchange.upstream)

    def connected(self, exchange: Exchange, connection: UpstreamConnection) -> None:
        """A new connection is there; the exchange may be over already."""
        if exchange.route.failing:
            exchange.route.failing = False  # who waits because nobody could be connected to may go on
            self.core.wake_all(exchange.route)
        if self.exchange is exchange and exchange.state == _CLAIMED and not self.closed:
            self._send(connection, self.core.clock())
        else:
            self.core.put_back(connection, self.core.clock())

    def _send(self, connection: UpstreamConnection, now: float) -> None:
        """Write the request head to a connection that is ours now; the body follows as it comes."""
        exchange = self.exchange
        head = self.head
        assert exchange is not None and head is not None, "send needs an exchange"
        self.connection = connection
        exchange.sent_at = now
        connection.serve(self, head.method == b"HEAD")
        host = head.authority
        forwarded = self.forwarded
        if self.trusted:
            host = told_host(head)
            forwarded = told_client(self.client, self.certificate, self.secure, head)
        connection.write(request_head(head, forwarded, host))
        if self.write_paused:
            connection.transport.pause_reading()
        route = exchange.route
        if self.request_done:
            self.arm(now + (self.core.half_close if self.ended else route.first_look))
            return
        self.arm(now + (self.core.half_close if self.ended else route.answer_timeout))
        if head.expect_continue and not self.pending and not self.busy:
            self.write(CONTINUE)
        elif head.expect_continue:
            head.expect_continue = False
            if not self.pending:
                self.write(CONTINUE)
        if not self.busy:
            self.resume()

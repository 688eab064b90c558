"""What went wrong on the way to an upstream: another one, where sending the request again is safe; else the reason.

Nothing is tried again once a response byte came, or where a second try could do harm (decision 0043); what was sent costs
the route's budget; when all were tried, the exchange waits a little for the table to change or a container to come back.
"""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.router.exchange import CLAIMED, MAX_REACHED, Exchange
from tidegate.router.link import Link
from tidegate.router.relay import Relay

_CLAIMED = CLAIMED
_ALL = 1e300  # whenever it went idle
#: So long nothing is heard of a host that takes no packets until what must not be sent there twice is given up: with the kernel's least
#: timeout five packets were sent again by then, the sixth would go after 12.6 s.
LOST_SECONDS = 8.0


class Attempts(Relay):
    """The part of a turn that hears of failures."""

    __slots__ = ()

    def connect_failed(self, exchange: Exchange, reason: Reason) -> None:
        """Nothing was sent, so another upstream may be tried; when all were, wait a little for the table to change."""
        if self.exchange is not exchange or exchange.state != _CLAIMED:
            return
        upstream = exchange.upstream
        again = exchange.give_up(True)
        upstream.released()
        self.core.failed(upstream, reason, exchange.route)
        self._try_another(exchange, again and self._granted(exchange), reason)

    def look(self, exchange: Exchange, now: float) -> None:
        """No answer has ended yet: is it that the endpoint's host takes no packets? Then another one, where that does no harm."""
        route = exchange.route
        upstream = exchange.upstream
        connection = self.connection
        due = self.due(exchange)
        if exchange.state != _CLAIMED or connection is None:
            self.arm(due)
            return
        silent = min(connection.unheard(), now - self._sent(exchange))
        if silent <= 0.0:
            self.arm(min(now + route.first_look, due))
        elif not self._repeatable(exchange) or exchange.first_byte != 0.0:
            upstream.close_idle(_ALL)
            if silent >= LOST_SECONDS:
                self.fail(Reason.RESPONSE_TIMEOUT)
            else:
                self.core.failed(upstream, Reason.RESPONSE_TIMEOUT, route)
                self.arm(min(now + LOST_SECONDS - silent, due))  # its packets may yet arrive
        else:
            self.connection = None
            connection.abort()
            again = exchange.give_up(True)
            upstream.close_idle(_ALL)  # nobody would be answered on those either
            upstream.released()
            self.core.failed(upstream, Reason.RESPONSE_TIMEOUT, route)
            self._try_another(exchange, again and self._granted(exchange), Reason.RESPONSE_TIMEOUT)

    def due(self, exchange: Exchange) -> float:
        """Until when an answer to what was sent may begin, or the container take more of a body."""
        patience = exchange.route.answer_timeout if self.request_done else self.body_patience(exchange)
        return self._sent(exchange) + patience

    def body_patience(self, exchange: Exchange) -> float:
        """How long the next piece of a body may take, from the client or into the container."""
        seconds: float = self.core.body_timeout or exchange.route.answer_timeout
        return seconds

    def _sent(self, exchange: Exchange) -> float:
        """When something was last sent for this exchange."""
        sent: float = max(exchange.sent_at, self.body_at)
        return sent

    def late(self, exchange: Exchange) -> None:
        """No response head in time: another endpoint, where the route bounds each try and a second one does no harm."""
        upstream = exchange.upstream
        route = exchange.route
        if upstream is not None:
            self.core.failed(upstream, Reason.RESPONSE_TIMEOUT, route)
        connection = self.connection
        if route.try_timeout == 0.0 or exchange.state != _CLAIMED or connection is None:
            self.fail(Reason.RESPONSE_TIMEOUT)
            return
        exchange.reached += 1
        safe = self._repeatable(exchange) and exchange.first_byte == 0.0 and exchange.reached < MAX_REACHED
        self.connection = None
        connection.abort()
        again = exchange.give_up(safe)
        upstream.released()
        if again and self._granted(exchange):
            self._try_another(exchange, True, Reason.RESPONSE_TIMEOUT)
        else:
            self.fail(Reason.RESPONSE_TIMEOUT)

    def upstream_lost(self, connection: Link, untouched: bool) -> None:
        """The connection broke before the response ended. `untouched`: not one response byte had come."""
        exchange = self.exchange
        self.connection = None
        if exchange is None:
            return
        if exchange.state == _CLAIMED and untouched:
            upstream = exchange.upstream
            if not connection.served:
                exchange.reached += 1
            safe = self._repeatable(exchange) and exchange.first_byte == 0.0 and exchange.reached < MAX_REACHED
            if safe and not connection.served:
                safe = self._granted(exchange)
            again = exchange.give_up(safe)
            upstream.released()
            if not connection.served or not safe:
                self.core.failed(upstream, Reason.UPSTREAM_CLOSED, exchange.route)
            if safe and connection.served and exchange.tried:
                exchange.tried.pop()  # an idle connection grown stale says nothing about the endpoint
            if safe:
                self._try_another(exchange, again, Reason.UPSTREAM_CLOSED)
            else:
                self.fail(Reason.UPSTREAM_CLOSED)
        else:
            self.upstream_failed(Reason.RESPONSE_ABORTED if self.started else Reason.UPSTREAM_CLOSED)

    def upstream_failed(self, reason: Reason) -> None:
        """The response cannot be used: an error answer if nothing was sent yet, else a visible abort."""
        self.connection = None
        exchange = self.exchange
        if exchange is not None:
            self.core.failed(exchange.upstream, reason, exchange.route)
        self.fail(reason)

    def _try_another(self, exchange: Exchange, again: bool, reason: Reason) -> None:
        """Another upstream at once; when all were tried, wait: the table may change, or a container come back."""
        if again and exchange.choose() is not None:
            connection = self._idle(exchange, exchange.route)
            if connection is None:
                self._connect(exchange, self.core.clock())
            else:
                self._send(connection, self.core.clock())
        else:
            self._wait_for_change(exchange, reason)

    def _granted(self, exchange: Exchange) -> bool:
        """Whether the route's budget has one more retry."""
        route = exchange.route
        granted: bool = route.budget.grant(self.core.clock(), route.requests)
        return granted

    def _wait_for_change(self, exchange: Exchange, reason: Reason) -> None:
        if exchange.hold(self.core.clock()) and len(exchange.route.waiting) < self.core.hold_queue:
            exchange.tries = 0
            exchange.reason = reason
            exchange.route.failing = True
            exchange.route.waiting.append(self)
            self.arm(exchange.hold_until)
            self.core.wake_soon(exchange.route)
        else:
            self.fail(reason)

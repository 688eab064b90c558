"""One client's turn: the exchange on its connection, and how that ends.

HOT: guarded by `make bench`. The connection of a client is built in storeys; each is a file and knows only those below:
    Turn        its state; answers of our own; the end
    Reply       the response on its way back
    Relay       the way to an upstream, or into a waiting queue
    Attempts    another upstream, where the first one failed and that is safe
    Entry       what the route demands before: the guard, the filters
    Intake      the client's bytes, read into requests
    Downstream  the connection itself, its deadlines, its end
They are one object, so that nothing is made or looked up per request. An HTTP/2 stream will be another top storey.
"""

from __future__ import annotations

from typing import Any

from tidegate.errors import Reason
from tidegate.http1.events import RequestHead
from tidegate.http1.writer import answer
from tidegate.router.core import Core
from tidegate.router.exchange import CLAIMED, HELD, RESPONDING, Exchange
from tidegate.router.sink import Sink
from tidegate.router.upstream import Upstream

_CLAIMED = CLAIMED
_HELD = HELD
_RESPONDING = RESPONDING


class Turn(Sink):
    """The exchange of one client, one at a time. `core` is the worker's router: table, wheel, settings, access log."""

    __slots__ = (
        "bare_body",
        "blocked",
        "body_at",
        "bound",
        "busy",
        "certificate",
        "chain",
        "client",
        "close_after",
        "closed",
        "coder",
        "connection",
        "core",
        "encode_body",
        "ended",
        "exchange",
        "forwarded",
        "head",
        "pending",
        "progress",
        "request_done",
        "rule",
        "secure",
        "started",
        "transport",
        "trusted",
        "write",
        "write_paused",
    )

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core
        self.transport: Any = None
        self.write: Any = None
        self.client = b""
        self.trusted = False
        self.pending = b""  # client bytes that wait
        self.head: RequestHead | None = None  # of the current exchange
        self.exchange: Exchange | None = None
        self.connection: Any = None  # an UpstreamConnection while one serves us
        self.chain: Any = None  # filters of the current exchange's route
        self.coder: Any = None  # compresses the body of the current answer
        self.request_done = True
        self.started = False  # a response byte went out for the current exchange
        self.encode_body = False  # the upstream's end is its close, ours must be chunks
        self.bare_body = False  # the client speaks HTTP/1.0: no chunks towards it
        self.close_after = False
        self.blocked = 0
        self.body_at = 0.0  # when bytes of a body were last sent to an upstream
        self.write_paused = False
        self.busy = False  # the client's bytes are being read: no recursion
        self.closed = False
        self.ended = False  # the client sent its last byte
        self.progress = -1  # response bytes the client had taken when the deadline last passed
        self.secure = False  # over TLS
        self.bound: bytes | None = None  # the one host that requests may be for, where its clients show certificates
        self.rule: Any = None  # and what was demanded of them
        self.certificate = b""  # the field line that tells containers what they showed
        self.forwarded = b""  # our X-Forwarded-* up to the host

    def secured(self, host: bytes, rule: Any, certificate: bytes) -> None:
        """Before `connection_made`: the client came over TLS for `host`, under the rule of its clients, if there is one."""
        self.secure = True
        self.rule = rule
        self.bound = host if rule is not None else None
        self.certificate = certificate

    # --- what the storey that reads the client adds

    def resume(self) -> None:
        """Take up bytes that waited; let the client send again."""
        raise AssertionError

    def begin_next(self, now: float) -> None:
        """After an answer: wait for the next request, or close."""
        raise AssertionError

    def handed_over(self) -> bytes:
        """The connection belongs to a tunnel now; gives the bytes that were read too early."""
        raise AssertionError

    # --- deadlines and endings

    def arm(self, deadline: float) -> None:
        """Set the deadline of the exchange's next step; the end of the whole exchange is never passed."""
        exchange = self.exchange
        if exchange is not None and exchange.ends != 0.0 and deadline > exchange.ends:
            deadline = exchange.ends
        self.core.wheel.arm(self, deadline)

    def fail(self, reason: Reason, lines: bytes = b"") -> None:
        """End the current exchange with an error answer, or by cutting the connection if the response had begun."""
        exchange = self.exchange
        assert exchange is not None, "only an exchange can fail"
        connection = self.connection
        if connection is not None:
            self.connection = None
            connection.abort()
        if self.started or reason is Reason.CLIENT_GONE:
            self.finish(exchange, reason, self.core.clock())
            self.transport.abort()
            return
        if not reason_keeps_connection(reason):
            self.close_after = True
        exchange.status = reason.status
        if reason is Reason.MAINTENANCE or reason is Reason.CLOSED:
            page = exchange.route.message
        else:
            page = self._page(exchange, reason)
        self._conclude(reason, answer(reason, page, self._told(exchange, lines), *self._manner(exchange)))

    def _page(self, exchange: Exchange, reason: Reason) -> bytes:
        """The text for an error: the route's own, else that of all routes, else empty."""
        chain = exchange.route.chain if exchange.route is not None else None
        return (chain.page(reason) if chain is not None else b"") or self.core.pages.get(reason.status, b"")

    def _told(self, exchange: Exchange, lines: bytes) -> bytes:
        """The field lines of an answer of ours, with the request's id where clients are told it."""
        told: bytes = b"" if exchange.notes is None else exchange.notes.told
        return lines + told

    def _manner(self, exchange: Exchange) -> tuple[bool, bool]:
        """Whether an answer of ours goes without a body, and whether the connection ends with it."""
        if not self.request_done:
            self.close_after = True
        return exchange.method == b"HEAD", self.close_after

    def _conclude(self, reason: Reason | None, data: bytes) -> None:
        """Write a whole answer and go on to the next request."""
        exchange = self.exchange
        assert exchange is not None, "an answer belongs to an exchange"
        self.write(data)
        now = self.core.clock()
        self.finish(exchange, reason, now)
        self.begin_next(now)

    def finish(self, exchange: Exchange, reason: Reason | None, now: float) -> None:
        """The end of the exchange, good or bad: its claim is released, its record written."""
        upstream = exchange.upstream if exchange.state == _CLAIMED or exchange.state == _RESPONDING else None
        if exchange.state == _HELD and self in exchange.route.waiting:
            exchange.route.waiting.remove(self)  # else it would fill the queue until the table changes
        exchange.finish(reason)
        self.exchange = None
        if upstream is not None:
            if reason is None:
                self._judge(exchange, upstream)
            if upstream.draining or upstream.watchers is not None:
                upstream.released()
        self.core.finished(exchange, now)

    def _judge(self, exchange: Exchange, upstream: Upstream) -> None:
        """What a whole answer says about its endpoint."""
        if exchange.route.server_errors and 502 <= exchange.status <= 504:
            self.core.failed(upstream, Reason.BAD_RESPONSE, exchange.route)
        elif upstream.failures:
            self.core.answered(upstream)


def reason_keeps_connection(reason: Reason) -> bool:
    """Whether the connection may go on after this error: only where the request itself was sound."""
    return reason in _SOUND


_SOUND = frozenset(
    (
        Reason.UNAUTHORIZED,
        Reason.FORBIDDEN,
        Reason.RATE_LIMITED,
        Reason.AUTHORITY_SILENT,
        Reason.BODY_TOO_LARGE,
        Reason.TLS_REQUIRED,
        Reason.MISDIRECTED,
        Reason.NO_ROUTE,
        Reason.NOT_READY,
        Reason.HOLD_TIMEOUT,
        Reason.HOLD_QUEUE_FULL,
        Reason.QUEUE_TIMEOUT,
        Reason.OVERLOADED,
        Reason.DEADLINE,
        Reason.MAINTENANCE,
        Reason.CLOSED,
        Reason.CONNECT_FAILED,
        Reason.CONNECT_TIMEOUT,
        Reason.RESPONSE_TIMEOUT,
        Reason.BAD_RESPONSE,
        Reason.UPSTREAM_CLOSED,
    )
)

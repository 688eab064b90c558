"""One exchange on its way: to an upstream, again to another one where that is safe, and the response back to the client.

HOT: guarded by `make bench`. `Relay` is the half of a client connection that faces the containers; `Downstream` adds the
half that reads the client. An HTTP/2 stream will be another such half. A request that finds an idle upstream connection is
one pass: pick and claim -> one write; response bytes are written to the client by the upstream connection's calls.
No task, future or timer per request, except when a new upstream connection must be opened.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tidegate.errors import Reason
from tidegate.http1.authority import split_authority
from tidegate.http1.events import (
    FRAMING_CHUNKED,
    FRAMING_LENGTH,
    FRAMING_NONE,
    FRAMING_UNTIL_CLOSE,
    RequestHead,
    ResponseHead,
)
from tidegate.http1.writer import CONTINUE, answer, respond
from tidegate.router.connection import UpstreamConnection
from tidegate.router.core import Core
from tidegate.router.exchange import CLAIMED, HELD, IDEMPOTENT, MAX_REACHED, RESPONDING, Exchange
from tidegate.router.filters.answer import Answer, Question
from tidegate.router.filters.ask import Ask
from tidegate.router.filters.chain import Chain
from tidegate.router.guard import https_location, verdict
from tidegate.router.link import Link
from tidegate.router.live import MAINTENANCE, NORMAL, LiveRoute
from tidegate.router.sink import Sink
from tidegate.router.tunnel import join
from tidegate.router.upstream import Upstream

_NONE = FRAMING_NONE
_LENGTH = FRAMING_LENGTH
_CHUNKED = FRAMING_CHUNKED
_UNTIL_CLOSE = FRAMING_UNTIL_CLOSE
_CLAIMED = CLAIMED
_HELD = HELD
_RESPONDING = RESPONDING
_NORMAL = NORMAL
_MAINTENANCE = MAINTENANCE

_ENQUIRY_SECONDS = 60.0  # an enquiry has a shorter deadline of its own

FOR_PENDING = 1  # why reading from the client is paused (a set of bits)
FOR_UPSTREAM = 2
_FOR_UPSTREAM = FOR_UPSTREAM


class Relay(Sink):
    """The exchange of one client, one at a time. `core` is the worker's router: table, wheel, settings, access log."""

    __slots__ = (
        "bare_body",
        "blocked",
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

    # --- what the half that reads the client adds

    def resume(self) -> None:
        """Take up bytes that waited; let the client send again."""
        raise AssertionError

    def begin_next(self, now: float) -> None:
        """After an answer: wait for the next request, or close."""
        raise AssertionError

    def handed_over(self) -> bytes:
        """The connection belongs to a tunnel now; gives the bytes that were read too early."""
        raise AssertionError

    # --- filters

    def admit(self, now: float) -> None:
        """Run the filters of the route; what they let pass is dispatched."""
        head = self.head
        assert head is not None, "filters look at a head"
        client = self.client
        if self.trusted and head.claimed_for:
            client = self.core.client_behind(head.claimed_for)
        chain: Chain = self.chain
        secure = self.secure or (self.trusted and head.claimed_proto == b"https")
        ask = Ask(head, client, secure, now)
        self._follow(chain, ask, chain.request(ask))

    def _follow(self, chain: Chain, ask: Ask, verdict: Answer | Question | None) -> None:
        if verdict is None:
            self.dispatch(self.core.clock())
        elif isinstance(verdict, Answer):
            self.reply(verdict)
        else:
            self.core.wheel.arm(self, self.core.clock() + _ENQUIRY_SECONDS)
            exchange = self.exchange
            assert exchange is not None, "filters run for an exchange"
            self.core.enquire(self, verdict, partial(self.enquired, exchange, chain, ask))

    def enquired(self, exchange: Exchange, chain: Chain, ask: Ask, outcome: object) -> None:
        """What a filter asked outside came back; the exchange may be over, or its route gone."""
        if self.exchange is not exchange or self.closed:
            return
        if self.core.find_route(exchange.route.id) is None:
            self.fail(Reason.NO_ROUTE)
            return
        self._follow(chain, ask, chain.conclude(ask, outcome))

    def reply(self, given: Answer) -> None:
        """A filter answers in the container's place."""
        exchange = self.exchange
        assert exchange is not None, "only an exchange is answered"
        if given.reason is not None and given.reason.status == given.status and not given.body:
            self.fail(given.reason, given.lines)
            return
        exchange.status = given.status
        self._conclude(given.reason, respond(given.status, given.lines, given.body, *self._manner(exchange)))

    # --- the way to an upstream

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
        elif route.mode == _MAINTENANCE:
            self.fail(Reason.MAINTENANCE)
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
        exchange.key = selection.key(head.fields, self.client)
        exchange.mark = selection.mark(head.fields)
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

    def arm(self, deadline: float) -> None:
        """Set the deadline of the exchange's next step; the end of the whole exchange is never passed."""
        exchange = self.exchange
        if exchange is not None and exchange.ends != 0.0 and deadline > exchange.ends:
            deadline = exchange.ends
        self.core.wheel.arm(self, deadline)

    def _connect(self, exchange: Exchange, now: float) -> None:
        """Ask for a new connection. The connecting task has a deadline of its own; ours must not pass before it."""
        self.arm(now + exchange.route.connect_timeout + exchange.route.response_timeout)
        self.core.connect(self, exchange, exchange.upstream)

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

    def wake(self) -> None:
        """The table changed, or time passed: choose again. Called only on members of a waiting queue, once each."""
        exchange = self.exchange
        if self.closed or exchange is None or exchange.state != _HELD:
            return
        route = self.core.find_route(exchange.route.id)
        if route is None:
            self.fail(Reason.NO_ROUTE)
            return
        exchange.moved_to(route)
        if (not route.guard and self.bound is None) or self.admitted(route):
            self.dispatch(self.core.clock())

    def admitted(self, route: LiveRoute) -> bool:
        """Whether this connection may carry the request; else it has been answered. Asked where there is a rule."""
        exchange = self.exchange
        head = self.head
        assert exchange is not None and head is not None, "a request is admitted, or not"
        found = verdict(self, route, head)
        if found is None:
            return True
        if isinstance(found, Reason):
            self.fail(found)
            return False
        exchange.status = 301 if head.method in (b"GET", b"HEAD") else 308
        line = b"Location: %b\r\n" % https_location(head, self.core.secure_port)
        self._conclude(None, respond(exchange.status, line, b"", *self._manner(exchange)))
        return False

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
            if head.claimed_host and split_authority(head.claimed_host)[0]:
                host = head.claimed_host
            forwarded = self.describe_client(head)
        last = b"\r\n\r\n" if head.framing != _CHUNKED else b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        if head.upgrade:
            last = b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        connection.write(
            b"".join(
                (
                    head.method,
                    b" ",
                    head.target,
                    b" HTTP/1.1\r\n",
                    head.fields,
                    forwarded,
                    host,
                    b'"\r\nX-Forwarded-Host: ',
                    host,
                    last,
                )
            )
        )
        if self.write_paused:
            connection.transport.pause_reading()
        self.arm(now + (self.core.half_close if self.ended else exchange.route.answer_timeout))
        if self.request_done:
            return
        if head.expect_continue and not self.pending and not self.busy:
            self.write(CONTINUE)
        elif head.expect_continue:
            head.expect_continue = False
            if not self.pending:
                self.write(CONTINUE)
        if not self.busy:
            self.resume()

    def describe_client(self, head: RequestHead | None) -> bytes:
        """X-Forwarded-* and Forwarded (RFC 7239) up to the host; ours alone, or appended to what a trusted peer claims."""
        client = self.client
        chain = client
        proto = b"https" if self.secure else b"http"
        if head is not None:
            if head.claimed_for:
                chain = head.claimed_for + b", " + client
            if head.claimed_proto in (b"http", b"https"):
                proto = head.claimed_proto
        node = b'"[%b]"' % client if b":" in client else client
        return (
            b'%bX-Forwarded-For: %b\r\nX-Real-IP: %b\r\nX-Forwarded-Proto: %b\r\nForwarded: for=%b;proto=%b;host="'
            % (self.certificate, chain, client, proto, node, proto)
        )

    def connected(self, exchange: Exchange, connection: UpstreamConnection) -> None:
        """A new connection is there; the exchange may be over already."""
        if exchange.route.failing:
            exchange.route.failing = False  # who waits because nobody could be connected to may go on
            self.core.wake_all(exchange.route)
        if self.exchange is exchange and exchange.state == _CLAIMED and not self.closed:
            self._send(connection, self.core.clock())
        else:
            self.core.put_back(connection, self.core.clock())

    def connect_failed(self, exchange: Exchange, reason: Reason) -> None:
        """Nothing was sent, so another upstream may be tried; when all were, wait a little for the table to change."""
        if self.exchange is not exchange or exchange.state != _CLAIMED:
            return
        upstream = exchange.upstream
        again = exchange.give_up(True)
        upstream.released()
        self.core.failed(upstream, reason, exchange.route)
        self._try_another(exchange, again and self._granted(exchange), reason)

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

    # --- the response, called by the upstream connection

    def wants_bare_body(self) -> bool:
        """Whether chunks must not reach the client (HTTP/1.0)."""
        return self.bare_body or self.coder is not None

    def wants_tunnel(self) -> bool:
        """Whether the request asked for the upgrade that the container now accepts."""
        return self.head is not None and self.head.upgrade

    def interim(self, head: ResponseHead) -> None:
        """A 1xx: passed on, except the 100 that we answered ourselves, and to HTTP/1.0 clients nothing."""
        if head.status != 100 and not self.bare_body:
            if self.exchange is not None:
                self.exchange.first_byte = self.core.clock()  # from here on nothing is tried again
            self.write(b"".join((head.line, head.fields, b"\r\n")))

    def response_start(self, head: ResponseHead, body: bytes, size: int, now: float) -> None:
        """The response head, and the part of a sized body that came with it, as one write."""
        exchange = self.exchange
        assert exchange is not None, "a response belongs to an exchange"
        exchange.responding(head.status, now)
        if exchange.upstream.ejected:
            self.core.answered(exchange.upstream)
        exchange.sent += size
        self.started = True
        self.progress = -1
        if self.chain is not None:
            self.coder = self.chain.edit(self.head, head)
            if self.coder is not None:
                head.framing = _CHUNKED
        framing = head.framing
        self.encode_body = False
        length = b""
        if exchange.moved:
            head.fields = self._with_cookie(head.fields, exchange)
        if framing == _LENGTH or framing == _NONE:
            pass
        elif self.bare_body:
            self.close_after = True
        else:
            length = b"Transfer-Encoding: chunked\r\n"
            self.encode_body = framing == _UNTIL_CLOSE
        if not self.request_done or (self.ended and not self.pending):
            self.close_after = True
        if self.close_after:
            last = b"Connection: close\r\n\r\n"
        elif self.bare_body:
            last = b"Connection: keep-alive\r\n\r\n"
        else:
            last = b"\r\n"
        if self.secure and exchange.route.hsts is not None:
            length = exchange.route.hsts + length
        if self.coder is None:
            self.write(b"".join((head.line, head.fields, length, last, body)))
        else:
            self.write(b"".join((head.line, head.fields, length, last)))
            self._coded(body)

    def _coded(self, data: bytes) -> None:
        """Body bytes through the coder."""
        out = self.coder.feed(data) if data else b""
        if out:
            self.write(out if self.bare_body else b"%x\r\n%b\r\n" % (len(out), out))

    def _with_cookie(self, fields: bytes, exchange: Exchange) -> bytes:
        """The fields and the cookie that keeps the client where it is now."""
        selection = exchange.route.selection
        if selection is None or selection.sticky is None:
            return fields
        head = self.head
        claimed = self.trusted and head is not None and head.claimed_proto == b"https"
        cookie: bytes = selection.sticky.cookie(exchange.upstream, claimed or self.secure)
        return fields + cookie

    def response_data(self, data: bytes, size: int) -> None:
        """Body bytes as the container framed them (sized, or until it closes)."""
        exchange = self.exchange
        if exchange is None:
            return
        exchange.sent += size
        if self.coder is not None:
            self._coded(data)
        elif self.encode_body:
            self.write(b"%x\r\n%b\r\n" % (size, data))
        else:
            self.write(data)

    def _end_coded(self) -> None:
        out = self.coder.end()
        self.coder = None
        self.write(out if self.bare_body else b"%x\r\n%b\r\n0\r\n\r\n" % (len(out), out))

    def response_encoded(self, data: bytes, size: int) -> None:
        """Body bytes already in the client's framing; `size` of them are content."""
        exchange = self.exchange
        if exchange is not None:
            exchange.sent += size
            if self.coder is not None:
                self._coded(data)
            else:
                self.write(data)

    def response_end(self, connection: Link, reusable: bool, now: float) -> None:
        """The response is complete."""
        exchange = self.exchange
        if exchange is None:
            return
        if self.coder is not None:
            self._end_coded()
        elif self.encode_body:
            self.write(b"0\r\n\r\n")
        self.connection = None
        if reusable and self.request_done and not self.blocked & _FOR_UPSTREAM:
            if self.write_paused:
                connection.transport.resume_reading()  # it was we who read slowly, not the next client
            self.core.put_back(connection, now)
        else:
            connection.close()
        self.finish(exchange, None, now)
        self.begin_next(now)

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

    def start_tunnel(self, connection: Link, head: ResponseHead, rest: bytes) -> None:
        """101: both transports now carry the upgraded protocol; this object hands over."""
        exchange = self.exchange
        assert exchange is not None, "a tunnel begins with an exchange"
        exchange.responding(101, self.core.clock())
        if exchange.upstream.failures:
            self.core.answered(exchange.upstream)
        if exchange.moved:
            head.fields = self._with_cookie(head.fields, exchange)
        early = self.handed_over()
        self.connection = None
        self.exchange = None
        self.write(b"".join((head.line, head.fields, b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", rest)))
        self.armed = 0
        join(self.core, exchange, self.transport, connection.release(), early)
        self.core.lost(self)

    # --- endings

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
        page = exchange.route.message if reason is Reason.MAINTENANCE else self._page(exchange, reason)
        self._conclude(reason, answer(reason, page, lines, *self._manner(exchange)))

    def _page(self, exchange: Exchange, reason: Reason) -> bytes:
        """The text for an error: the route's own, else that of all routes, else empty."""
        chain = exchange.route.chain if exchange.route is not None else None
        return (chain.page(reason) if chain is not None else b"") or self.core.pages.get(reason.status, b"")

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
        Reason.CONNECT_FAILED,
        Reason.CONNECT_TIMEOUT,
        Reason.RESPONSE_TIMEOUT,
        Reason.BAD_RESPONSE,
        Reason.UPSTREAM_CLOSED,
    )
)

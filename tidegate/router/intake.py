"""The requests of one client connection: its bytes become heads, bodies go up as they come.

HOT: guarded by `make bench`. A request is one pass: bytes -> head -> route; the storeys below take it on from there
(`turn.py` names them). Nothing is made per request but the head and the exchange.

Phases, one exchange at a time (pipelined requests wait in `pending`):
    HEAD     reading a request head, or idle between requests
    BODY     forwarding a request body
    WAIT     request sent or held; waiting for the response to end
    DISCARD  answered, but the client is still sending: read and drop until it stops or the deadline passes
    TUNNEL   handed over to a tunnel; this object is out of the game
"""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.http1.chunks import ChunkReader
from tidegate.http1.events import FRAMING_LENGTH, FRAMING_NONE, RequestHead
from tidegate.http1.request import parse_request
from tidegate.router.admission import SHEDDING
from tidegate.router.core import Core
from tidegate.router.entry import Entry
from tidegate.router.exchange import Exchange
from tidegate.router.reply import FOR_PENDING, FOR_UPSTREAM

_NONE = FRAMING_NONE
_LENGTH = FRAMING_LENGTH
_FOR_PENDING = FOR_PENDING
_FOR_UPSTREAM = FOR_UPSTREAM
_SHEDDING = SHEDDING

HEAD = 0
TUNNEL = 4
_HEAD = HEAD
_BODY = 1
_WAIT = 2
_DISCARD = 3
_TUNNEL = TUNNEL

_MAX_PENDING = 65536  # pipelined or early bytes kept before reading pauses
LINGER_SECONDS = 2.0
_LINGER_SECONDS = LINGER_SECONDS


class Intake(Entry):
    """The part of a turn that reads requests."""

    __slots__ = ("chunks", "left", "phase", "surplus")

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self.phase = _HEAD
        self.left = 0  # request body bytes still to come
        self.chunks: ChunkReader | None = None
        self.surplus = False  # one more than may be: refused, if that is still so when its request comes

    # --- requests

    def _consume(self, data: bytes) -> None:
        at = 0
        size = len(data)
        self.busy = True
        while at < size:
            if self.phase == _HEAD:
                if self.write_paused:
                    break  # answers of ours must not pile up for a client that does not read them
                head = parse_request(data, at, self.core.limits)
                if head is None:
                    break
                if head.error is not None:
                    self._refuse(head.error)
                    at = size
                    break
                at = head.end
                self._begin(head)
            elif self.phase == _BODY:
                if self.connection is None or self.blocked & _FOR_UPSTREAM:
                    break
                at = self._body(data, at, size)
            elif self.phase == _DISCARD or self.phase == _TUNNEL:
                at = size
            else:
                break
        self.busy = False
        if at < size:
            self.pending = data[at:] if at else data
            if self.phase == _HEAD and not self.write_paused:
                if self.exchange is None and self.deadline > self.core.clock() + self.core.head_timeout:
                    self.core.wheel.arm(self, self.core.clock() + self.core.head_timeout)
            elif len(self.pending) > _MAX_PENDING:
                self._block(_FOR_PENDING)
        if self.ended:
            self._consumed_last()

    def _consumed_last(self) -> None:
        """No more will come than waits: close, unless an answer is due or a whole request may wait."""
        if self.phase == _BODY:
            if not self.pending:
                self._close()  # the body's rest will not come
        elif self.phase == _HEAD and self.exchange is None and not (self.pending and self.write_paused):
            self._close()

    def _begin(self, head: RequestHead) -> None:
        core = self.core
        now = core.clock()
        exchange = Exchange.__new__(Exchange)
        exchange.begin(head.method, head.host, head.target, self.client, now)
        exchange.agent = head.user_agent
        exchange.referer = head.referer
        exchange.secure = self.secure
        self.exchange = exchange
        self.head = head
        if core.observer is not None:
            core.observer.begin(exchange, head)
        self.started = False
        self.bare_body = head.minor == 0
        if not head.keep_alive or core.pressure:
            self.close_after = True
        framing = head.framing
        if framing == _NONE:
            self.request_done = True
            self.phase = _WAIT
        elif framing == _LENGTH:
            self.left = head.length
            self.request_done = self.left == 0
            self.phase = _WAIT if self.request_done else _BODY
        else:
            self.chunks = ChunkReader(False)
            self.request_done = False
            self.phase = _BODY
        if self.surplus:
            self.surplus = len(core.connections) > core.bound
        if self.surplus or core.pressure == _SHEDDING:
            core.refused += 1
            self.close_after = True
            self.fail(Reason.OVERLOADED)
            return
        route = core.matcher.match(head.host, head.path)
        if route is None:
            self.fail(Reason.NO_ROUTE if core.ready else Reason.NOT_READY)
            return
        if route.choice is not None:
            route = route.choice.choose(head)
            if route is None:
                self.fail(Reason.NO_ROUTE)
                return
        if head.dot_segments and (route.prefixed or route.chain is not None):
            self.fail(Reason.BAD_REQUEST)
            return
        exchange.routed(route)
        self.chain = route.chain
        if (route.guard or self.bound is not None) and not self.admitted(route):
            return
        if route.chain is None:
            self.dispatch(now)
        elif head.length > route.body_limit:
            self.fail(Reason.BODY_TOO_LARGE)
        else:
            self.admit(now)

    def _body(self, data: bytes, at: int, size: int) -> int:
        """Forward body bytes from `at`; the offset of the first byte that is not body."""
        exchange = self.exchange
        connection = self.connection
        assert exchange is not None, "a body belongs to an exchange"
        if self.chunks is not None:
            before = self.chunks.body_bytes
            out = self.chunks.feed(data, at)
            exchange.received += self.chunks.body_bytes - before
            if self.chunks.error:
                self.fail(Reason.BAD_REQUEST)
                return size
            if self.chain is not None and exchange.received > exchange.route.body_limit:
                self.fail(Reason.BODY_TOO_LARGE)
                return size
            if out:
                connection.write(out)
            at = self.chunks.end
            if self.chunks.done:
                self.chunks = None
                self._request_complete()
            else:
                self._went_on()
            return at
        take = size - at
        if take > self.left:
            take = self.left
        piece = data[at : at + take] if at or take < size else data
        self.left -= take
        exchange.received += take
        connection.write(piece)
        if self.left == 0:
            self._request_complete()
        else:
            self._went_on()
        return at + take

    def _went_on(self) -> None:
        """A piece of a body was sent, or the container has room again; another one is to follow."""
        exchange = self.exchange
        assert exchange is not None, "a body belongs to an exchange"
        self.body_at = self.core.clock()
        patience = exchange.route.first_look if self.blocked & _FOR_UPSTREAM else self.body_patience(exchange)
        self.arm(self.body_at + patience)

    def _request_complete(self) -> None:
        self.request_done = True
        self.phase = _WAIT
        exchange = self.exchange
        if exchange is not None:
            self.body_at = self.core.clock()
            self.arm(self.body_at + (self.core.half_close if self.ended else exchange.route.first_look))

    def resume(self) -> None:
        """Take up bytes that waited; let the client send again."""
        self.blocked &= ~_FOR_PENDING
        if self.pending and not self.busy:
            data = self.pending
            self.pending = b""
            self._consume(data)
        if self.blocked == 0 and not self.closed:
            self.transport.resume_reading()

    def _block(self, why: int) -> None:
        if self.blocked == 0:
            self.transport.pause_reading()
        self.blocked |= why

    def handed_over(self) -> bytes:
        """The connection belongs to a tunnel now; gives the bytes that were read too early."""
        self.phase = _TUNNEL
        early = self.pending
        self.pending = b""
        return early

    # --- back-pressure from the upstream

    def pause_reading_for_upstream(self) -> None:
        """The container reads slowly."""
        self._block(_FOR_UPSTREAM)

    def resume_reading_for_upstream(self) -> None:
        """The container caught up."""
        self.blocked &= ~_FOR_UPSTREAM
        if not self.request_done:
            self._went_on()
        self.resume()

    # --- endings

    def _refuse(self, reason: Reason) -> None:
        """A head that is not one: answer and close; logged without a route."""
        exchange = Exchange(b"", b"", b"", self.client, self.core.clock())
        self.exchange = exchange
        self.started = False
        self.request_done = False
        self.head = None
        self.fail(reason)

    def begin_next(self, now: float) -> None:
        """After an answer: wait for the next request, or close."""
        if self.closed:
            return
        core = self.core
        self.chunks = None
        self.blocked &= ~_FOR_UPSTREAM
        if self.close_after or (self.ended and not self.pending and not self.busy):
            if self.ended or (self.request_done and not self.pending):
                self._close()
            else:  # closing now would reset the connection and lose the answer (RFC 9112 section 9.6)
                self.phase = _DISCARD
                self.pending = b""
                self.blocked = 0
                self.transport.resume_reading()
                self.transport.write_eof()
                core.wheel.arm(self, now + _LINGER_SECONDS)
            return
        self.phase = _HEAD
        core.wheel.arm(self, now + core.idle_timeout)
        if (self.pending or self.blocked) and not self.busy:
            self.resume()

    def _close(self) -> None:
        """Close once the client has taken what was written, or when it takes too long about it."""
        self.transport.close()
        self.core.wheel.arm(self, self.core.clock() + (self.core.body_timeout or _LINGER_SECONDS))

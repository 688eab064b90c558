"""The response on its way back: what an upstream connection calls, and what the client gets. HOT: guarded by `make bench`.

Response bytes are written to the client by the upstream connection's calls; only its head is composed here.
"""

from __future__ import annotations

from tidegate.http1.events import FRAMING_CHUNKED, FRAMING_LENGTH, FRAMING_NONE, FRAMING_UNTIL_CLOSE, ResponseHead
from tidegate.http1.fields import without
from tidegate.router.exchange import Exchange
from tidegate.router.link import Link
from tidegate.router.tunnel import join
from tidegate.router.turn import Turn

_NONE = FRAMING_NONE
_LENGTH = FRAMING_LENGTH
_CHUNKED = FRAMING_CHUNKED
_UNTIL_CLOSE = FRAMING_UNTIL_CLOSE

FOR_PENDING = 1  # why reading from the client is paused (a set of bits)
FOR_UPSTREAM = 2
_FOR_UPSTREAM = FOR_UPSTREAM


class Reply(Turn):
    """The part of a turn that faces back to the client."""

    __slots__ = ()

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
        if exchange.notes is not None and exchange.notes.told:
            head.fields = without(head.fields, [b"x-request-id"]) + exchange.notes.told
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

    def _coded(self, data: bytes) -> None:
        """Body bytes through the coder."""
        out = self.coder.feed(data) if data else b""
        if out:
            self.write(out if self.bare_body else b"%x\r\n%b\r\n" % (len(out), out))

    def _end_coded(self) -> None:
        out = self.coder.end()
        self.coder = None
        self.write(out if self.bare_body else b"%x\r\n%b\r\n0\r\n\r\n" % (len(out), out))

    def start_tunnel(self, connection: Link, head: ResponseHead, rest: bytes) -> None:
        """101: both transports now carry the upgraded protocol; this object hands over."""
        exchange = self.exchange
        assert exchange is not None, "a tunnel begins with an exchange"
        exchange.responding(101, self.core.clock())
        if exchange.upstream.failures:
            self.core.answered(exchange.upstream)
        if exchange.moved:
            head.fields = self._with_cookie(head.fields, exchange)
        if exchange.notes is not None and exchange.notes.told:
            head.fields = without(head.fields, [b"x-request-id"]) + exchange.notes.told
        early = self.handed_over()
        self.connection = None
        self.exchange = None
        self.write(b"".join((head.line, head.fields, b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", rest)))
        self.armed = 0
        join(self.core, exchange, self.transport, connection.release(), early)
        self.core.lost(self)

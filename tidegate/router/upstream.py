"""The container side: `Upstream` is the live side of one endpoint, `UpstreamConnection` one connection to it.

HOT: guarded by `make bench`. A connection goes back to the pool only if the response was complete and framed, the request
was fully sent, nothing surplus was readable, and neither side asked to close; a byte or an end on an idle one drops it.
The connection writes response bytes straight to the downstream's transport; every decision is the downstream's.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import Callable
from typing import Any

from msgspec import json

from tidegate.errors import Reason
from tidegate.http1.chunks import ChunkReader
from tidegate.http1.events import FRAMING_CHUNKED, FRAMING_LENGTH, FRAMING_NONE, Limits, ResponseHead
from tidegate.http1.response import parse_response
from tidegate.model import Address, Endpoint
from tidegate.policy import UpstreamTls
from tidegate.router.counters import Counters
from tidegate.router.listener import UNSENT_BYTES
from tidegate.router.timers import Timed

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


class Upstream:
    """Connections, claims and counters of one endpoint; survives table swaps. `on_empty(self)` is called when it drains
    and the last claim is released."""

    __slots__ = (
        "address",
        "connections",
        "counters",
        "draining",
        "ejected",
        "endpoint",
        "failures",
        "host",
        "idle",
        "in_flight",
        "log_part",
        "on_empty",
        "on_room",
        "port",
        "secure_idle",
        "since",
        "trial",
        "watchers",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        address: Address,
        on_empty: Callable[[Upstream], None],
        ledger: list[Counters] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.address = address
        self.host = address.host
        self.port = address.port
        self.on_empty = on_empty
        self.counters = Counters("endpoint", (endpoint.service, endpoint.version, endpoint.id), ledger)
        self.idle: list[Any] = []  # newest last: the busiest stay warm, the oldest time out
        self.secure_idle: Any = None  # those over TLS, by policy: what one route trusts another may not
        self.in_flight = 0  # claims
        self.connections = 0  # open ones, idle included
        self.failures = 0  # since the last good response
        self.draining = False
        self.since = 0.0  # when it became ready; 0: with the first table, so nothing is warming up
        self.ejected = False  # it failed again and again: gets nothing but a trial for now
        self.watchers: set[str] | None = None  # ids of routes whose requests may wait for room here
        self.on_room: Callable[[Upstream], None] = _nobody  # a claim was released, and there are watchers
        self.trial = False  # back from an ejection: the next request shows what it is worth
        self.log_part = b'","service":%b,"version":%b,"endpoint":%b,"address":"%b' % (
            json.encode(endpoint.service),
            json.encode(endpoint.version),
            json.encode(endpoint.id),
            str(address).encode(),
        )

    def take(self) -> Any:
        """An idle connection, or None."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed:
                return connection
        return None

    def take_secure(self, tls: UpstreamTls) -> Any:
        """An idle connection that was made by this policy, or None."""
        idle = self.secure_idle.get(tls) if self.secure_idle is not None else None
        while idle:
            connection = idle.pop()
            if not connection.closed:
                return connection
        return None

    def put(self, connection: Any, limit: int) -> None:
        """A connection that may serve again; closed if the endpoint drains or enough are idle."""
        if self.draining or connection.closed or len(self.idle) >= limit:
            connection.close()
        elif connection.tls is None:
            self.idle.append(connection)
        else:
            self._put_secure(connection, limit)

    def _put_secure(self, connection: Any, limit: int) -> None:
        if self.secure_idle is None:
            self.secure_idle = {}
        idle = self.secure_idle.setdefault(connection.tls, [])
        if len(idle) >= limit:
            connection.close()
        else:
            idle.append(connection)

    def pooled(self) -> int:
        """How many connections are idle."""
        secure = self.secure_idle.values() if self.secure_idle is not None else ()
        return len(self.idle) + sum(len(idle) for idle in secure)

    def watched_by(self, route_id: str) -> None:
        """Requests of this route may wait for room here."""
        if self.watchers is None:
            self.watchers = set()
        self.watchers.add(route_id)

    def set_draining(self, draining: bool) -> None:
        """Draining: no idle connection is kept, and the last release is reported."""
        if draining and not self.draining:
            self.draining = True
            self.close_idle(1e300)
            if self.in_flight == 0:
                self.on_empty(self)
        elif not draining:
            self.draining = False

    def released(self) -> None:
        """A claim was released."""
        if self.watchers is not None:
            self.on_room(self)
        if self.draining and self.in_flight == 0:
            self.on_empty(self)

    def close_idle(self, before: float) -> None:
        """Close connections that went idle before that time."""
        keep = [connection for connection in self.idle if connection.idle_since >= before]
        stale = [connection for connection in self.idle if connection.idle_since < before]
        self.idle = keep
        for tls, idle in list(self.secure_idle.items()) if self.secure_idle is not None else ():
            stale += [connection for connection in idle if connection.idle_since < before]
            idle[:] = [connection for connection in idle if connection.idle_since >= before]
            if not idle:
                del self.secure_idle[tls]
        for connection in stale:
            connection.close()


def _nobody(upstream: Upstream) -> None:
    """Whoever sets watchers says first whom to tell."""
    raise AssertionError


class Sink(Timed):
    """Who takes a response: the calls an upstream connection makes, in the order they may come:
    `interim`* then `response_start`, (`response_data` | `response_encoded`)*, `response_end`; or `start_tunnel`; or, at
    any point, `upstream_lost` or `upstream_failed`, after which nothing follows. HTTP/2 streams will be sinks too."""

    __slots__ = ()

    def wants_bare_body(self) -> bool:
        """Whether the receiver cannot take chunks."""
        raise AssertionError

    def wants_tunnel(self) -> bool:
        """Whether the request asked for the upgrade that the container now accepts."""
        raise AssertionError

    def interim(self, head: ResponseHead) -> None:
        """A 1xx."""
        raise AssertionError

    def response_start(self, head: ResponseHead, body: bytes, size: int, now: float) -> None:
        """The head, and the part of a sized body that came with it."""
        raise AssertionError

    def response_data(self, data: bytes, size: int) -> None:
        """Body bytes, unframed."""
        raise AssertionError

    def response_encoded(self, data: bytes, size: int) -> None:
        """Body bytes in canonical chunks (bare if `wants_bare_body`), `size` of them content."""
        raise AssertionError

    def response_end(self, connection: UpstreamConnection, reusable: bool, now: float) -> None:
        """Complete."""
        raise AssertionError

    def upstream_lost(self, connection: UpstreamConnection, untouched: bool) -> None:
        """The connection broke; `untouched`: before any response byte."""
        raise AssertionError

    def upstream_failed(self, reason: Reason) -> None:
        """What came is not a response."""
        raise AssertionError

    def start_tunnel(self, connection: UpstreamConnection, head: ResponseHead, rest: bytes) -> None:
        """101 to the protocol that was asked for."""
        raise AssertionError

    def pause_reading_for_upstream(self) -> None:
        """The container reads slowly."""
        raise AssertionError

    def resume_reading_for_upstream(self) -> None:
        """The container caught up."""
        raise AssertionError


class UpstreamConnection:
    """One HTTP/1.1 connection to an endpoint (an asyncio protocol). Serves one downstream at a time."""

    __slots__ = (
        "chunks",
        "clock",
        "closed",
        "downstream",
        "framing",
        "head_only",
        "held",
        "idle_since",
        "left",
        "limits",
        "phase",
        "reusable",
        "served",
        "tls",
        "transport",
        "upstream",
        "write",
    )

    def __init__(self, upstream: Upstream, limits: Limits, clock: Callable[[], float]) -> None:
        self.upstream = upstream
        self.limits = limits
        self.clock = clock
        self.transport: Any = None
        self.write: Any = None
        self.downstream: Any = None  # the Sink it serves
        self.phase = _IDLE
        self.framing = 0
        self.left = 0  # body bytes still to come
        self.held = b""  # an incomplete head
        self.chunks: ChunkReader | None = None
        self.head_only = False
        self.reusable = False  # decided by the response head
        self.served = 0  # responses so far: 0 means a fresh connection
        self.tls: Any = None  # the policy it was made by, where it runs over TLS
        self.idle_since = 0.0
        self.closed = False

    # --- asyncio

    def connection_made(self, transport: asyncio.Transport) -> None:
        """asyncio: connected."""
        self.transport = transport
        self.write = transport.write
        self.upstream.connections += 1
        self.upstream.counters.opened += 1
        transport.set_write_buffer_limits(high=131072, low=32768)
        connected = transport.get_extra_info("socket")
        if connected is not None:
            # as the listener does for clients: what a container does not read waits at the client, not in our kernel
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

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
        if self.tls is not None:
            return  # they are records
        try:
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

    def ended(self) -> bool:
        """Whether an idle connection cannot serve any more: the container closed it, or sent what nobody asked for. Asks the
        kernel, so that what the event loop has not read yet counts too."""
        descriptor = self.transport.get_extra_info("socket")
        if descriptor is None or descriptor.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(descriptor.fileno(), select.POLLIN | select.POLLRDHUP)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Close politely (nothing of interest is in flight)."""
        self.closed = True
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Cut the connection: the exchange on it has failed or lost its client."""
        self.downstream = None
        self.phase = _IDLE
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    def release(self) -> Any:
        """Hand the transport over to a tunnel."""
        self.phase = _TUNNEL
        self.downstream = None
        self.upstream.connections -= 1
        return self.transport

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

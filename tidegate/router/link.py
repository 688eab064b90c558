"""A connection to an endpoint, whatever is spoken on it: what the pool keeps, and what a tunnel takes over. HOT."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from typing import Any

from tidegate.router.listener import UNSENT_BYTES

#: `struct tcp_info` of linux/tcp.h, up to the last of what we read: retransmits, unacknowledged segments, milliseconds since the last ACK.
_TCP_INFO = struct.Struct("=2xB21xI28xI")
_RETRANSMITS = 2  # after the first of them; with the least timeout they take 0.6 s
_UNHEARD_MS = 1000


class Link:
    """One connection to the endpoint of `upstream`, an `Upstream`; an asyncio protocol, once somebody reads on it."""

    __slots__ = ("closed", "idle_since", "served", "tls", "transport", "upstream", "write")

    def __init__(self, upstream: Any) -> None:
        self.upstream = upstream
        self.transport: Any = None
        self.write: Any = None
        self.served = 0  # responses so far: 0 means a fresh connection
        self.tls: Any = None  # the policy it was made by, where it runs over TLS
        self.idle_since = 0.0
        self.closed = False

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

    def ended(self) -> bool:
        """Whether an idle connection cannot serve any more: the container closed it, or sent what nobody asked for. Asks the
        kernel, so that what the event loop has not read yet counts too."""
        descriptor = self.transport.get_extra_info("socket")
        if descriptor is None or descriptor.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(descriptor.fileno(), select.POLLIN | select.POLLRDHUP)
        return bool(poll.poll(0))

    def unheard(self) -> bool:
        """Whether the host at the other end takes no packets: what we sent was sent again and again, and nothing came back. A program
        that is busy or frozen is none of its: its kernel answers."""
        raw = self.transport if self.tls is None else self.transport.raw
        descriptor = raw.get_extra_info("socket")
        if descriptor is None or descriptor.fileno() < 0:
            return False
        info = _TCP_INFO.unpack(descriptor.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size))
        retransmits, unacknowledged, last_heard_ms = info
        return bool(retransmits >= _RETRANSMITS and unacknowledged and last_heard_ms >= _UNHEARD_MS)

    def close(self) -> None:
        """Close politely (nothing of interest is in flight)."""
        self.closed = True
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Cut the connection: the exchange on it has failed or lost its client."""
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    def release(self) -> Any:
        """Hand the transport over to a tunnel."""
        self.upstream.connections -= 1
        return self.transport

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
#: A connection on which all was taken and no answer comes: the kernel ends it when so many probes, so far apart, are not acknowledged,
#: 8 s after the last word. It sends none while something waits to be acknowledged, or a receiver has no room.
KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 2), (socket.TCP_KEEPINTVL, 2), (socket.TCP_KEEPCNT, 3))


class Link:
    """One connection to the endpoint of `upstream`, an `Upstream`; an asyncio protocol, once somebody reads on it."""

    __slots__ = ("closed", "idle_since", "served", "tls", "transport", "upstream", "watched", "write")

    def __init__(self, upstream: Any) -> None:
        self.upstream = upstream
        self.transport: Any = None
        self.write: Any = None
        self.served = 0  # responses so far: 0 means a fresh connection
        self.tls: Any = None  # the policy it was made by, where it runs over TLS
        self.idle_since = 0.0
        self.closed = False
        self.watched = False  # by the kernel's probes

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

    def unheard(self) -> float:
        """For how many seconds the host at the other end has taken no packets: what we sent was sent again and again, and nothing came
        back. A program that is busy or frozen is none of its, its kernel answers: 0. So it is where all was taken; from then on the
        kernel asks whether the host is still there, and the connection breaks if not."""
        raw = self.transport if self.tls is None else self.transport.raw
        descriptor = raw.get_extra_info("socket")
        if descriptor is None or descriptor.fileno() < 0:
            return 0.0
        info = _TCP_INFO.unpack(descriptor.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size))
        retransmits, unacknowledged, last_heard_ms = info
        if not unacknowledged and not self.watched:
            self._watch(descriptor)
        if retransmits >= _RETRANSMITS and unacknowledged and last_heard_ms >= _UNHEARD_MS:
            return float(last_heard_ms / 1000)
        return 0.0

    def _watch(self, descriptor: Any) -> None:
        self.watched = True
        for option, value in KEEP_ALIVE:
            descriptor.setsockopt(socket.IPPROTO_TCP, option, value)
        descriptor.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

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

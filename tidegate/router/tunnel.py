"""After an upgrade: two transports joined, bytes both ways, each side slowed to what the other takes.

A half-close on one side is passed to the other; the tunnel ends when both sides are done, one side breaks, or nothing
moved for the idle time. The exchange that began it is logged when it ends, with all bytes.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tidegate.errors import Reason
from tidegate.router.exchange import Exchange
from tidegate.router.timers import Timed

_LOOK_SECONDS = 30.0
_LAST_SECONDS = 10.0  # for the last bytes of an ended tunnel to be taken


def join(core: Any, exchange: Exchange, downstream: Any, upstream: Any, early: bytes) -> None:
    """Tie the two transports together; `early` are client bytes that were read before the upgrade was accepted."""
    tunnel = Tunnel(core, exchange)
    tunnel.client = TunnelSide(tunnel, downstream)
    tunnel.container = TunnelSide(tunnel, upstream)
    tunnel.client.other = upstream
    tunnel.container.other = downstream
    downstream.set_protocol(tunnel.client)
    upstream.set_protocol(tunnel.container)
    core.connections.add(tunnel)  # not a new one: it takes the place of the connection it began on
    core.tunnels[tunnel.between] = core.tunnels.get(tunnel.between, 0) + 1
    tunnel.moved()
    tunnel.on_deadline(tunnel.moved_at)
    if early:
        tunnel.client.data_received(early)
    downstream.resume_reading()
    upstream.resume_reading()


class Tunnel(Timed):
    """What both sides share: the exchange, the idle deadline, the end."""

    def __init__(self, core: Any, exchange: Exchange) -> None:
        super().__init__()
        self.core = core
        self.exchange = exchange
        self.between = (exchange.route, exchange.upstream)
        self.client: TunnelSide
        self.container: TunnelSide
        self.idle = exchange.route.tunnel_idle or core.tunnel_idle
        self.over = False
        self.moved_at = 0.0  # when the last bytes passed

    def moved(self) -> None:
        """Bytes passed: the idle time starts anew."""
        self.moved_at = self.core.clock()

    def on_deadline(self, now: float) -> None:
        """Nothing moved for the idle time; or it is over and one side does not take its last bytes."""
        if self.over:
            self.client.transport.abort()
            self.container.transport.abort()
        elif now < self.moved_at + self.idle:
            self._look_again()
        else:
            self.end(Reason.IDLE_TIMEOUT)

    def _look_again(self) -> None:
        # in small steps, so that the wheel does not keep a tunnel that ended for the rest of a long idle time
        due = self.moved_at + self.idle
        self.core.wheel.arm(self, min(due, self.core.clock() + _LOOK_SECONDS))

    def drain(self) -> None:
        """Tunnels live until the worker's drain deadline for them."""

    def end(self, reason: Reason | None) -> None:
        """Close both sides and account for the exchange, once."""
        if self.over:
            return
        self.over = True
        upstream = self.exchange.upstream
        self.exchange.finish(reason)
        upstream.released()
        self.core.tunnels[self.between] -= 1
        if not self.core.tunnels[self.between]:
            del self.core.tunnels[self.between]
        self.core.lost(self)
        self.core.finished(self.exchange, self.core.clock())
        self.client.transport.close()
        self.container.transport.close()
        self.core.wheel.arm(self, self.core.clock() + _LAST_SECONDS)

    @property
    def transport(self) -> Any:
        """The client's transport: what the worker cuts when its drain deadline passes."""
        return self.client.transport


class TunnelSide:
    """One end of a tunnel (an asyncio protocol): what arrives here is written to `other`."""

    def __init__(self, tunnel: Tunnel, transport: Any) -> None:
        self.tunnel = tunnel
        self.transport = transport
        self.other: Any = None
        self.ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        """asyncio: never called, the transport is older than this protocol."""

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes for the other side."""
        exchange = self.tunnel.exchange
        if self is self.tunnel.client:
            exchange.received += len(data)
        else:
            exchange.sent += len(data)
        self.other.write(data)
        self.tunnel.moved()

    def eof_received(self) -> bool:
        """asyncio: this side sent its last byte; the other direction may go on."""
        self.ended = True
        if self.tunnel.client.ended and self.tunnel.container.ended:
            self.tunnel.end(None)
        elif not self.other.is_closing():
            self.other.write_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: this side is gone, so the tunnel is."""
        self.tunnel.end(None)
        del self.tunnel  # nothing comes after this; with it, only the garbage collector could free the two

    def pause_writing(self) -> None:
        """asyncio: this side reads slowly."""
        self.other.pause_reading()

    def resume_writing(self) -> None:
        """asyncio: this side caught up."""
        self.other.resume_reading()

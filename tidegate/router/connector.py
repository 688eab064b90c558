"""New connections to containers: one task each, which has a deadline and tells the downstream how it went."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from tidegate.errors import Reason
from tidegate.policy import UpstreamTls
from tidegate.router.connection import UpstreamConnection
from tidegate.router.core import Core
from tidegate.router.dial import context_for, dial
from tidegate.router.exchange import Exchange
from tidegate.router.listener import connect
from tidegate.router.peering import Peers
from tidegate.router.reactor import Reactor, Wire
from tidegate.router.secure import Front
from tidegate.router.through import Through
from tidegate.router.upstream import Upstream
from tidegate.tasks import Tasks
from tidegate.tls.shelf import View
from tidegate.tls.stream import Buffers

_OUR_LACK = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL))


class Connector:
    """`front` has the certificates, `buffers` are of all TLS, `peers` is how other nodes are asked for theirs; `on_lack` is called
    when no descriptor or port is left; `contained(owner, call)` makes a call whose fault costs only its owner."""

    def __init__(
        self,
        core: Core,
        front: Front,
        buffers: Buffers,
        peers: Peers,
        on_lack: Callable[[], None],
        contained: Callable[[Any, Callable[[], None]], None],
    ) -> None:
        self._core = core
        self._front = front
        self._buffers = buffers
        self._peers = peers
        self._on_lack = on_lack
        self._contained = contained
        self._trusts: dict[tuple[UpstreamTls, View], ssl.SSLContext] = {}  # towards containers
        self._tasks: Tasks | None = None

    def begin(self, reactor: Reactor, tasks: Tasks) -> None:
        """Before the first request."""
        self._reactor = reactor
        self._tasks = tasks

    def start(self, downstream: Any, exchange: Exchange, upstream: Upstream) -> None:
        """Begin to connect to a claimed upstream; the downstream hears `connected` or `connect_failed`."""
        assert self._tasks is not None, "connections are only made while running"
        self._tasks.spawn("connect", self._connect(downstream, exchange, upstream))

    async def _connect(self, downstream: Any, exchange: Exchange, upstream: Upstream) -> None:
        try:
            async with asyncio.timeout(exchange.route.connect_timeout):
                connection = await self._open(upstream, exchange.route.upstream_tls)
        except TimeoutError:
            self._contained(downstream, partial(downstream.connect_failed, exchange, Reason.CONNECT_TIMEOUT))
        except OSError as error:
            reason = Reason.CONNECT_FAILED
            if error.errno in _OUR_LACK:
                reason = Reason.OVERLOADED
                self._on_lack()
            self._contained(downstream, partial(downstream.connect_failed, exchange, reason))
        else:
            self._contained(downstream, partial(downstream.connected, exchange, connection))

    async def _open(self, upstream: Upstream, tls: UpstreamTls | None) -> UpstreamConnection:
        """A connection, over TLS where the route's policy says so. Raises OSError."""
        factory: Any = partial(UpstreamConnection, upstream, self._core.limits, self._core.clock)
        if tls is None:
            plain: UpstreamConnection = factory()
            await self._reach(upstream, plain)
            return plain
        view = self._front.view
        context = self._trusts.get((tls, view))
        if context is None:
            context = await asyncio.to_thread(context_for, tls, view)
            self._trusts = {key: value for key, value in self._trusts.items() if key[1] is view}
            self._trusts[tls, view] = context
        connection: UpstreamConnection = factory()
        connection.tls = tls
        return await dial(partial(self._reach, upstream), upstream.endpoint, context, connection, self._buffers)

    async def _reach(self, upstream: Upstream, protocol: Any) -> Wire:
        """Connect to where the endpoint is, or to the router of its node, which passes the connection on. Raises OSError."""
        if not upstream.address.through:
            return await connect(self._reactor, upstream.host, upstream.port, protocol)
        through = Through(self._peers.head(upstream), protocol)
        wire = await connect(self._reactor, upstream.host, upstream.port, through)
        try:
            await through.passed
        except BaseException:
            wire.abort()
            raise
        return wire

"""Where other nodes ask for connections to endpoints of ours, or to desks of our control, and get nothing else.

A connection begins with one head (`passport`). Who shows that he belongs to the cluster and names an endpoint of this node
gets a pipe to it; an endpoint that is itself reached through a node is none of ours, so nothing goes in circles. A desk is asked
for by its name and no service.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from tidegate.model import Endpoint
from tidegate.router.core import Core
from tidegate.router.listener import connect, connect_locally
from tidegate.router.passport import MAX_HEAD_BYTES, Asking, read, time_line, written
from tidegate.router.pipe import Pipe
from tidegate.router.reactor import Reactor
from tidegate.router.timers import Timed
from tidegate.router.upstream import Upstream
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

HEAD_SECONDS = 5.0  # for a peer to say what it wants
CONNECT_SECONDS = 5.0  # for our endpoint to accept
NOWHERE: Mapping[str, str] = MappingProxyType({})
_END = b"\r\n\r\n"
_log = logger("router")


class Secret(Protocol):
    """Who knows the cluster's secret."""

    def current(self) -> bytes:
        """The secret; empty while there is none, and then nobody is let in."""
        ...


class Peers:
    """Both sides of this node, `own`: asking and answering. `find(service, endpoint)` gives an endpoint of the table, or None.
    Whether it is ready is for who asks to judge, who may know better. `desks` are the Unix sockets of our control, by their names."""

    def __init__(
        self,
        own: str,
        secret: Secret,
        core: Core,
        find: Callable[[str, str], Endpoint | None],
        desks: Mapping[str, str] = NOWHERE,
    ) -> None:
        self.own = own
        self.core = core
        self.refused = 0  # heads that showed nothing
        self._secret = secret
        self._find = find
        self._desks = desks
        self._reactor: Reactor | None = None
        self._tasks: Tasks | None = None

    def begin(self, reactor: Reactor, tasks: Tasks) -> None:
        """Before the first connection."""
        self._reactor = reactor
        self._tasks = tasks

    def head(self, upstream: Upstream) -> bytes:
        """What asks the node of an endpoint to pass a connection on."""
        endpoint = upstream.endpoint
        asking = Asking(
            node=self.own,
            to=endpoint.node,
            service=endpoint.service,
            endpoint=upstream.address.through,
            when=int(time.time()),
        )
        return written(asking, self._secret.current())

    def accepted(self) -> Caller:
        """The protocol of a connection from another node."""
        return Caller(self)

    def welcome(self, caller: Caller, head: bytes) -> None:
        """Let in who may come, and begin to connect."""
        asking = read(head, self.own, self._secret.current(), time.time())
        if asking is None:
            self.refused += 1
            _log.warning("a connection to the peer listener shows nothing that lets it in")
            caller.refuse(b"407 Proxy Authentication Required")
            return
        silent = Silent()
        connecting = self._way(asking, silent)
        if connecting is None:
            caller.refuse(b"404 Not Found")
            return
        assert self._tasks is not None, "connections come only while running"
        self._tasks.spawn("peer", self._connect(caller, silent, connecting))

    def _way(self, asking: Asking, silent: Silent) -> Awaitable[Any] | None:
        """The connection that is asked for, yet to be made; None where it is not to be had."""
        assert self._reactor is not None, "connections come only while running"
        if not asking.service and asking.endpoint in self._desks:
            return connect_locally(self._reactor, self._desks[asking.endpoint], silent)
        endpoint = self._find(asking.service, asking.endpoint)
        address = endpoint.address if endpoint is not None and endpoint.node == self.own else None
        if address is None or address.through:
            return None
        return connect(self._reactor, address.host, address.port, silent)

    async def _connect(self, caller: Caller, silent: Silent, connecting: Awaitable[Any]) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                container = await connecting
        except (OSError, TimeoutError):
            caller.refuse(b"503 Service Unavailable")
            return
        if caller.gone or silent.gone:
            container.abort()
            caller.refuse(b"503 Service Unavailable")
            return
        caller.join(container)


class Caller(Timed):
    """A connection from another node (an asyncio protocol) until it is a pipe."""

    def __init__(self, peers: Peers) -> None:
        super().__init__()
        self.transport: Any = None
        self.gone = False
        self._peers = peers
        self._head = b""
        self._asked = False

    def connection_made(self, transport: Any) -> None:
        """asyncio: it is here, and has `HEAD_SECONDS` to say what it wants."""
        self.transport = transport
        core = self._peers.core
        core.connections.add(self)
        core.wheel.arm(self, core.clock() + HEAD_SECONDS)
        if len(core.connections) > core.bound:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """asyncio: its head, in one piece or more; it says no more until it is answered."""
        self._head += data
        head, end, rest = self._head.partition(_END)
        if self._asked or rest or len(head) > MAX_HEAD_BYTES:
            self.refuse(b"400 Bad Request")
        elif end:
            self._asked = True
            core = self._peers.core
            core.wheel.arm(self, core.clock() + 2 * CONNECT_SECONDS)
            self._peers.welcome(self, head)

    def refuse(self, status: bytes) -> None:
        """Say why not, and close."""
        if not self.gone:
            fields = b"Content-Length: 0\r\nConnection: close\r\n" + time_line(time.time())
            self.transport.write(b"HTTP/1.1 %b\r\n%b\r\n" % (status, fields))
            self.transport.close()

    def join(self, container: Any) -> None:
        """It is a connection to the container from now on."""
        self.gone = True
        self.transport.write(b"HTTP/1.1 200 Connection Established\r\n%b\r\n" % time_line(time.time()))
        self.transport.pause_reading()
        Pipe(self._peers.core, self.transport, container).begin()
        self._peers.core.lost(self)

    def on_deadline(self, now: float) -> None:
        """Too slow."""
        if not self.gone:
            self.transport.abort()

    def drain(self) -> None:
        """The worker ends: who has asked is still answered."""
        if not self._asked:
            self.transport.close()

    def eof_received(self) -> bool:
        """asyncio: who asks and hangs up wants nothing."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: gone before it was a pipe."""
        self.gone = True
        self._peers.core.lost(self)

    def pause_writing(self) -> None:
        """asyncio: never called, an answer is small."""

    def resume_writing(self) -> None:
        """asyncio: as above."""


class Silent:
    """A connection to a container that nobody reads yet (an asyncio protocol)."""

    def __init__(self) -> None:
        self.gone = False

    def connection_made(self, transport: Any) -> None:
        """asyncio: its first bytes, should it speak first, wait for the pipe."""
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """asyncio: never called, it does not read."""

    def eof_received(self) -> bool:
        """asyncio: as above."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: it went at once."""
        self.gone = True

    def pause_writing(self) -> None:
        """asyncio: never called, nothing is written."""

    def resume_writing(self) -> None:
        """asyncio: as above."""

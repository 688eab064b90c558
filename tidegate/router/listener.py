"""Bound sockets. The supervisor binds one per listener and worker slot; workers inherit them and accept.

Because the supervisor keeps its copy open, a worker that dies loses its connections but not the queue of those not yet
accepted: its successor accepts them.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import termios
from collections.abc import Callable
from typing import Any

from tidegate.model import Address
from tidegate.router.reactor import Reactor, Wire
from tidegate.telemetry import logger

BACKLOG = 4096
_ACCEPTS = 64  # at a time, before others get their turn
_log = logger("router")
UNSENT_BYTES = 131072  # the kernel takes of an answer, beyond what is on its way; the rest waits where we see it


def bind(address: Address) -> socket.socket:
    """A listening TCP socket with SO_REUSEPORT (one per worker slot). Raises OSError, e.g. when the port is in use."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Accepted connections inherit it. Without it the kernel takes up to tcp_wmem (4 MiB) for each client that reads
        # slowly, and a thousand of those fill the host's TCP memory.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # this, too, is inherited
        listening.bind((address.host, address.port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening


def unread(transport: Any) -> bool:
    """Whether bytes have arrived on a connection that its protocol has not been given yet: to close it now would reset it."""
    one = transport.get_extra_info("socket")
    if one is None or one.fileno() < 0:
        return False
    return fcntl.ioctl(one.fileno(), termios.FIONREAD, b"\0\0\0\0") != b"\0\0\0\0"


class Listener:
    """One bound socket in a worker, and whether connections are accepted from it now: while they are not, they wait in the
    socket's queue. `factory` makes the protocol of each connection, which the reactor serves.
    """

    def __init__(self, bound: socket.socket, factory: Callable[[], Any], reactor: Reactor) -> None:
        self.accepting = False
        self._bound = bound
        self._factory = factory
        self._reactor = reactor

    def open(self) -> None:
        """Accept from now on, or again."""
        if not self.accepting:
            self.accepting = True
            asyncio.get_running_loop().add_reader(self._bound.fileno(), self._accept)

    def pause(self) -> None:
        """Accept no more until `open`."""
        if self.accepting:
            self.accepting = False
            asyncio.get_running_loop().remove_reader(self._bound.fileno())

    def take_rest(self) -> None:
        """Accept what waits in the queue: closing the socket would reset it, and nobody comes after us."""
        for _ in range(BACKLOG):
            if not self._take():
                return

    def close(self) -> None:
        """Stop listening, as far as this process goes."""
        self.pause()
        self._bound.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            if not self.accepting or not self._take():
                return

    def _take(self) -> bool:
        """Accept one connection, if one waits. Without a descriptor for it accepting pauses: it would only be tried again."""
        try:
            accepted, _ = self._bound.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return False
        except OSError as error:
            _log.warning("accepting pauses: %s", error)
            self.pause()
            return False
        accepted.setblocking(False)
        self._reactor.adopt(accepted, self._factory())
        return True


async def connect(reactor: Reactor, host: str, port: int, protocol: Any) -> Wire:
    """Connect to an address and serve the connection. Raises OSError; the caller has the deadline."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    connecting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return await _connected(reactor, connecting, (host, port), protocol)


async def connect_locally(reactor: Reactor, path: str, protocol: Any) -> Wire:
    """As `connect`, to a Unix socket."""
    connecting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    return await _connected(reactor, connecting, path, protocol)


async def _connected(reactor: Reactor, connecting: socket.socket, place: Any, protocol: Any) -> Wire:
    try:
        await asyncio.get_running_loop().sock_connect(connecting, place)
    except BaseException:
        connecting.close()
        raise
    return reactor.adopt(connecting, protocol)

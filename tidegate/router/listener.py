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

BACKLOG = 4096
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
    """One bound socket in a worker, and whether connections are accepted from it now.

    The server of the event loop gets a duplicate, so that accepting can pause and go on: meanwhile connections wait in
    the socket's queue. `factory` makes the protocol of each connection.
    """

    def __init__(self, bound: socket.socket, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        self._bound = bound
        self._factory = factory
        self._server: asyncio.Server | None = None

    @property
    def accepting(self) -> bool:
        """Whether connections are accepted. The loop gives a server up when it runs out of descriptors."""
        if self._server is None:
            return False
        try:
            return bool(self._server.sockets)
        except (OSError, RuntimeError):  # its handle is closed
            return False

    async def open(self) -> None:
        """Accept from now on, or again. Raises OSError, e.g. without a descriptor to spare."""
        self.pause()
        duplicate = self._bound.dup()
        try:
            self._server = await asyncio.get_running_loop().create_server(self._factory, sock=duplicate)
        except OSError:
            duplicate.close()
            raise

    def pause(self) -> None:
        """Accept no more until `open`."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def take_rest(self) -> None:
        """Accept what waits in the queue: closing the socket would reset it, and nobody comes after us."""
        loop = asyncio.get_running_loop()
        for _ in range(BACKLOG):
            try:
                accepted, _ = self._bound.accept()
            except OSError:  # none is left, or there is no descriptor for it
                return
            accepted.setblocking(False)
            await loop.connect_accepted_socket(self._factory, accepted)

    def close(self) -> None:
        """Stop listening, as far as this process goes."""
        self.pause()
        self._bound.close()

"""Bound sockets. The supervisor binds one per listener and worker slot; workers inherit them and accept.

Because the supervisor keeps its copy open, a worker that dies loses its connections but not the queue of those not yet
accepted: its successor accepts them.
"""

from __future__ import annotations

import socket

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

"""Unix sockets that only our own user may open."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def private_socket(path: Path) -> socket.socket:
    """A Unix socket that only our user may open, listening. One left behind by a process that was killed is
    replaced. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    # The mode must hold from the first moment: the socket is bound under a mask, not changed after.
    mask = os.umask(0o177)
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen()
    finally:
        os.umask(mask)
    return listener

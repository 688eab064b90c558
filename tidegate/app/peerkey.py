"""The secret by which the routers of one cluster know each other: from the store into the state folder, from there to workers.

Workers do not read the store, and the routing table, which they are sent, is also kept on disk for everybody who may read it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_NAME = "peer.key"
_LOOK_SECONDS = 1.0


def keep(folder: Path, secret: bytes) -> None:
    """Have workers use this one. Raises OSError."""
    path = folder / _NAME
    if _read(path) == secret:
        return
    fresh = path.with_name(f"{_NAME}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
    fresh.replace(path)


def kept(folder: Path) -> bool:
    """Whether workers have one."""
    return bool(_read(folder / _NAME))


class PeerKey:
    """The secret as a worker has it; it is looked after once a second at most, when it is asked for."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = folder / _NAME
        self._clock = clock
        self._secret = b""
        self._look_at = -_LOOK_SECONDS

    def current(self) -> bytes:
        """The secret; empty while there is none."""
        now = self._clock()
        if now >= self._look_at or not self._secret:
            self._look_at = now + _LOOK_SECONDS
            self._secret = _read(self._path)
        return self._secret


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

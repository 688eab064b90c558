"""The key behind the values of sticky cookies: made once, kept in the state folder, the same for all workers and restarts.

Nodes that serve the same routes behind one address need the same file, or a client that changes nodes is balanced anew.
The key of DNS cookies is derived from it.
"""

from __future__ import annotations

import os
import secrets
from hashlib import blake2b
from pathlib import Path

_SIZE = 32
_DNS_SIZE = 16  # what SipHash takes


def cookie_key(folder: Path) -> bytes:
    """The key in `folder`, made there if it is not; one of our own, for this life, if the folder cannot be used."""
    path = folder / "cookie.key"
    try:
        return _read(path) or _make(path)
    except OSError:
        return secrets.token_bytes(_SIZE)


def dns_cookie_key(key: bytes) -> bytes:
    """The key of DNS cookies (RFC 7873) that goes with `key`, and tells nothing of it."""
    return blake2b(key=key, digest_size=_DNS_SIZE, person=b"dns cookies").digest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _make(path: Path) -> bytes:
    """Linked into place whole, so that of several workers that start at once one wins and all read the same."""
    own = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_SIZE))
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
    return path.read_bytes()

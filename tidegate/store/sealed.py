"""A file that is whole, or not believed: 8 bytes of magic, SHA-256 of the rest, the rest. Written to a temporary file, synced, renamed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_CHECKSUM = hashlib.sha256().digest_size


def write_sealed(path: Path, magic: bytes, body: bytes) -> None:
    """Write durably, readable for ourselves alone. Raises OSError. Blocks: not for the event loop's thread."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(magic + hashlib.sha256(body).digest() + body)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself must survive a power cut
    finally:
        os.close(folder)


def unsealed(data: bytes, magic: bytes) -> bytes:
    """The body of what `write_sealed` wrote. Raises ValueError."""
    begin = len(magic) + _CHECKSUM
    if not data.startswith(magic):
        raise ValueError("it is another kind of file")
    if hashlib.sha256(data[begin:]).digest() != data[len(magic) : begin]:
        raise ValueError("its checksum is wrong")
    return data[begin:]

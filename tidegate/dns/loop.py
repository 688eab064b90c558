"""Forwarding loops: an upstream that sends our queries back to us, over others perhaps.

Each upstream is asked once for a name that only we answer. It carries who we are: whoever listens at these addresses of
this network namespace, so that the workers of one server, which share their sockets, answer for each other, and two
servers one behind the other are told apart. An upstream that comes back with our own answer is not asked again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path

from tidegate.dns import record, wire
from tidegate.dns.message import Message
from tidegate.model import Address

_ZONE = "tidegate-loop.test"  # reserved for such uses (RFC 6761 6.2), but not kept from being forwarded
_TYPE = wire.TXT
_WORD = b"\x04loop"


class LoopCheck:
    """The names that only we know, of a server with `listeners`."""

    def __init__(self, listeners: Sequence[Address]) -> None:
        self._apex = wire.encode(f"{_identity(listeners)}.{_ZONE}")

    def question(self) -> bytes:
        """A question of ours: name, type, class. Another one each time, so that no cache answers it."""
        label = secrets.token_hex(8).encode()
        return bytes((len(label),)) + label + self._apex + _TYPE.to_bytes(2, "big") + b"\0\1"

    def answer(self, query: wire.Query) -> bytes | None:
        """Our reply to such a question, whoever of us asked it."""
        if not query.name.endswith(self._apex):
            return None
        return wire.assemble(
            query, wire.FLAG_RA, wire.NOERROR, wire.PLAIN_SIZE, [record.record(record.HERE, _TYPE, 0, _WORD)]
        )

    def is_ours(self, found: Message) -> bool:
        """Is this what `answer` says?"""
        return found.counts[0] == 1 and found.types[0] == _TYPE and found.body[: found.ends[0]].endswith(_WORD)


def _identity(listeners: Sequence[Address]) -> str:
    places = [str(listener) for listener in listeners]
    namespace = [_read(Path(path)) for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/net")]
    return hashlib.sha256("\n".join(places + namespace).encode()).hexdigest()[:16]


def _read(path: Path) -> str:
    """A file's first line, or where a link of the kernel points; empty where there is none (no Linux)."""
    try:
        return str(path.readlink()) if path.is_symlink() else path.read_text("ascii").strip()
    except OSError:
        return ""

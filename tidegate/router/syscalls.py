"""The four system calls of the data plane. This is what they do, in Python; compiled modules use the same calls straight from
C (`csyscalls.pxd`, which says what must stay alike).

Sockets are non-blocking. An event is one machine word in a list: flags above the lowest 32 bits, the descriptor in them.
"""

from __future__ import annotations

import os
import select

RECEIVE_BYTES = 65536

IN = select.EPOLLIN
OUT = select.EPOLLOUT
BROKEN = select.EPOLLHUP | select.EPOLLERR
HUNG = select.EPOLLRDHUP | BROKEN
EDGES = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


def receive(descriptor: int, most: int) -> bytes | None:
    """Bytes that arrived, at most so many (and never more than RECEIVE_BYTES); empty at the end, None if nothing is there now.
    Raises OSError."""
    try:
        return os.read(descriptor, min(most, RECEIVE_BYTES))
    except BlockingIOError:
        return None


def send(descriptor: int, data: bytes) -> int:
    """How many bytes the kernel took; 0 if it takes none now. Raises OSError."""
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        return 0


def wait(polled: select.epoll, descriptor: int, most: int, milliseconds: int) -> list[int]:
    """Events of an epoll object, at most so many; `descriptor` is its own. Waits for the first that long, for ever if below
    zero; none if a signal came. Raises OSError."""
    timeout = milliseconds / 1000 if milliseconds > 0 else milliseconds
    return [flags << 32 | ready for ready, flags in polled.poll(timeout, most)]

"""HOT: datagrams of connected sockets, in bundles. Counted: every forwarded query; guarded by `make bench`.

As `batch`, for the side where we ask: `ManyBundle` has one sendmmsg for all queries that leave by one socket, and one recvmmsg for
the answers that have come to it. Sockets do not block. Queries are at most `_QUERY_SIZE` octets, as ours always are; an answer
longer than `_ANSWER_SIZE` is cut.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
from typing import Any

import tidegate.dns.octets as raw  # compiled: coctets.pxd

DEPTH = 64  # queries in one bundle
TAKEN = 32  # answers taken in at a time, then it is the loop's turn

_DEPTH, _TAKEN = DEPTH, TAKEN
_QUERY_SIZE = 320  # a header, the longest question, an OPT record
_ANSWER_SIZE = 4096
_HEAD_SIZE = 64  # of a struct mmsghdr
_NOTHING = (errno.EAGAIN, errno.EINTR)


class Bundle:
    """What goes out together, and what came in together. `count` is what waits to be sent."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, ident: bytes, query: bytes) -> None:
        """Take in a query, whose first two octets are to be `ident`; there are fewer than `DEPTH`."""
        raise NotImplementedError

    def send(self, sock: socket.socket) -> list[int]:
        """Send what was added; which of them could not go, by their order."""
        raise NotImplementedError

    def receive(self, sock: socket.socket) -> int:
        """Take in what has come, at most `TAKEN`; how many. Raises OSError."""
        raise NotImplementedError

    def data(self, index: int) -> bytes:
        """What came, until the next `receive`."""
        raise NotImplementedError


def bundle() -> Bundle:
    """The fastest kind of bundle this platform has."""
    if sys.platform == "linux" and sys.byteorder == "little" and ctypes.sizeof(ctypes.c_void_p) == 8:
        return ManyBundle()
    return PlainBundle()


class PlainBundle(Bundle):
    """One by one; works everywhere."""

    def __init__(self) -> None:
        self.count = 0
        self._queries: list[bytes] = []
        self._answers: list[bytes] = []

    def add(self, ident: bytes, query: bytes) -> None:
        self._queries.append(ident + query[2:])
        self.count += 1

    def send(self, sock: socket.socket) -> list[int]:
        failed = []
        for number, query in enumerate(self._queries):
            try:
                sock.send(query)
            except OSError:
                failed.append(number)
        self._queries.clear()
        self.count = 0
        return failed

    def receive(self, sock: socket.socket) -> int:
        self._answers.clear()
        try:
            while len(self._answers) < TAKEN:
                self._answers.append(sock.recv(_ANSWER_SIZE))
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            if not self._answers:  # else it is told the next time
                raise
        return len(self._answers)

    def data(self, index: int) -> bytes:
        return self._answers[index]


class ManyBundle(Bundle):
    """By recvmmsg and sendmmsg, over memory laid out once."""

    def __init__(self) -> None:
        self.count = 0
        self._outgoing = _laid_out(DEPTH, _QUERY_SIZE)
        self._incoming = _laid_out(TAKEN, _ANSWER_SIZE)
        self._queries, self._vectors = raw.place(self._outgoing[0]), raw.place(self._outgoing[1])
        self._out = raw.place(self._outgoing[2])
        self._answers, self._in = raw.place(self._incoming[0]), raw.place(self._incoming[2])

    def add(self, ident: bytes, query: bytes) -> None:
        assert len(query) <= _QUERY_SIZE, "no query of ours is longer"
        at = self.count * _QUERY_SIZE
        raw.put(self._queries, at, query)
        raw.put(self._queries, at, ident)
        raw.set_number(self._vectors, self.count * 16 + 8, len(query))
        self.count += 1

    def send(self, sock: socket.socket) -> list[int]:
        failed: list[int] = []
        descriptor = sock.fileno()
        sent = 0
        while sent < self.count:
            done = raw.send_many(descriptor, self._out, sent * _HEAD_SIZE, self.count - sent)
            if done <= 0:  # the first of the rest cannot go; the others still may
                failed.append(sent)
                done = 1
            sent += done
        self.count = 0
        return failed

    def receive(self, sock: socket.socket) -> int:
        count = raw.receive_many(sock.fileno(), self._in, _TAKEN)
        if count >= 0:
            return count
        if -count in _NOTHING:
            return 0
        raise OSError(-count, os.strerror(-count))

    def data(self, index: int) -> bytes:
        return raw.taken(self._answers, index * _ANSWER_SIZE, raw.number(self._in, index * _HEAD_SIZE + 56))


def _laid_out(count: int, size: int) -> tuple[Any, Any, Any]:
    """Memory for `count` datagrams of `size` octets: theirs, that of their vectors, and that of their heads."""
    octets, vectors, heads = (ctypes.create_string_buffer(count * each) for each in (size, 16, _HEAD_SIZE))
    for index in range(count):
        struct.pack_into("2Q", vectors, index * 16, ctypes.addressof(octets) + index * size, size)
        vector = ctypes.addressof(vectors) + index * 16
        struct.pack_into("8Q", heads, index * _HEAD_SIZE, 0, 0, vector, 1, 0, 0, 0, 0)
    return octets, vectors, heads

"""HOT: datagrams in batches. Counted: every UDP query; guarded by bench/micro/dns_answer.py.

`PlainBatch` uses recvmsg and sendmsg, one call per datagram. `ManyBatch` uses Linux' recvmmsg and sendmmsg: one call
per batch each way, over memory laid out once; 64-bit little-endian only, the layout of `struct mmsghdr` there is
eight words: name, its length, iovec, their number, control, its length, flags, octets moved.

A batch lives from one `receive` to the next. Addresses are 4 or 16 octets. Replies that come later leave together too, with
the next `flush`.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from typing import Any

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import listener
from tidegate.dns.pages import UNFIT, Pages
from tidegate.dns.view import Asker
from tidegate.dns.zone import Zone

DEPTH = 64  # datagrams per wake: bounds how long HTTP on the same loop waits, some 0.5 ms

_DEPTH = DEPTH
_QUERY_SIZE = 2048  # longer queries do not come by UDP
_REPLY_SIZE = 1280  # at least wire.EDNS_SIZE
_CONTROL_SIZE = 64
_NAME_SIZE = 32
_HEAD_SIZE = 64  # of a struct mmsghdr
_MSG_TRUNC = 0x20
ReturnPath = Any  # what a batch needs to answer later


class Batch:
    """What the server does with datagrams."""

    def receive(self) -> int:
        """Take in what is there, at most `DEPTH`; how many."""
        raise NotImplementedError

    def data(self, index: int) -> bytes:
        raise NotImplementedError

    def source(self, index: int) -> bytes:
        raise NotImplementedError

    def local(self, index: int) -> bytes:
        raise NotImplementedError

    def asker(self, index: int, zone: Zone) -> Asker:
        """Who sent datagram `index`."""
        raise NotImplementedError

    def answer(self, index: int, asker: Asker, pages: Pages) -> int:
        """Answer datagram `index` from `pages`, at the next `flush`; what `Pages.reply` says."""
        raise NotImplementedError

    def reply(self, index: int, data: bytes) -> None:
        """Answer datagram `index` of the batch, at the next `flush`."""
        raise NotImplementedError

    def return_path(self, index: int) -> ReturnPath:
        """What `reply_late` needs."""
        raise NotImplementedError

    def reply_late(self, path: ReturnPath, data: bytes) -> None:
        """Answer a datagram of an earlier batch, at the next `flush`."""
        raise NotImplementedError

    def flush(self) -> int:
        """Send the replies; how many the kernel did not take since the last time."""
        raise NotImplementedError


def batch(sock: socket.socket) -> Batch:
    """The fastest kind of batch this platform has for `sock`."""
    if sys.platform == "linux" and sys.byteorder == "little" and ctypes.sizeof(ctypes.c_void_p) == 8:
        return ManyBatch(sock)
    return PlainBatch(sock)


class PlainBatch(Batch):
    """Datagrams one by one; works wherever there is a recvmsg."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._local = listener.local_address(sock)
        self._taken: list[tuple[bytes, tuple[Any, list[tuple[int, int, bytes]]]]] = []
        self._replies: list[tuple[ReturnPath, bytes]] = []

    def receive(self) -> int:
        self._taken.clear()
        while len(self._taken) < DEPTH:
            try:
                data, ancillary, flags, address = self._sock.recvmsg(_QUERY_SIZE, _CONTROL_SIZE)
            except (BlockingIOError, InterruptedError):
                break
            if not flags & _MSG_TRUNC:
                kept = [(level, kind, _without_interface(level, cmsg)) for level, kind, cmsg in ancillary]
                self._taken.append((data, (address, kept)))
        return len(self._taken)

    def data(self, index: int) -> bytes:
        return self._taken[index][0]

    def source(self, index: int) -> bytes:
        address = self._taken[index][1][0]
        return socket.inet_pton(self._sock.family, address[0].partition("%")[0])

    def local(self, index: int) -> bytes:
        if self._local:
            return self._local
        for level, _, cmsg in self._taken[index][1][1]:
            return cmsg[:16] if level == socket.IPPROTO_IPV6 else cmsg[4:8]
        return b""

    def asker(self, index: int, zone: Zone) -> Asker:
        return zone.asker(self.source(index), self.local(index))

    def answer(self, index: int, asker: Asker, pages: Pages) -> int:
        found = pages.answer(self.data(index), asker)
        if found is None:
            return UNFIT
        self.reply(index, found)
        return len(found)

    def reply(self, index: int, data: bytes) -> None:
        self._replies.append((self._taken[index][1], data))

    def return_path(self, index: int) -> ReturnPath:
        return self._taken[index][1]

    def reply_late(self, path: ReturnPath, data: bytes) -> None:
        self._replies.append((path, data))

    def flush(self) -> int:
        lost = 0
        for (address, ancillary), data in self._replies:
            try:
                self._sock.sendmsg([data], ancillary, 0, address)
            except OSError:  # full buffer, unreachable asker: the query is lost as on any network, and counted
                lost += 1
        self._replies.clear()
        return lost


class ManyBatch(Batch):
    """Datagrams by recvmmsg and sendmmsg. All pointers are set once, but for those of replies: a reply stands at its
    own place in the outgoing headers and points to the name and control data of the query it answers."""

    def __init__(self, sock: socket.socket) -> None:
        self._fd = sock.fileno()
        self._sock = sock  # keeps the descriptor open as long as the batch lives
        self._is_v4 = sock.family == socket.AF_INET
        self._local = listener.local_address(sock)
        self._count = 0
        self._pending = 0
        self._lost = 0  # since the last `flush`
        self._source_at = 4 if self._is_v4 else 8  # in a struct sockaddr_in or sockaddr_in6
        self._source_size = 4 if self._is_v4 else 16
        self._local_at = 16 + (4 if self._is_v4 else 0)  # of the packet info: ifindex, local address, destination
        self._askers: list[Asker | None] = []  # by last octet of the source: the last of these who asked
        self._moves = -1  # the zone's when these askers were made
        self._kept: list[Any] = []  # the memory behind the places below
        self._lay_out(28 if not self._is_v4 else 16)

    def receive(self) -> int:
        # The kernel wrote lengths and flags into what it used.
        raw.copy(self._head, 0, self._blank, 0, self._count * _HEAD_SIZE)
        self._count = 0
        count = raw.receive_many(self._fd, self._head, _DEPTH)
        self._count = max(count, 0)  # an error here is "nothing there"; others come back by the loop
        return self._count

    def data(self, index: int) -> bytes:
        return raw.taken(self._queries, index * _QUERY_SIZE, self._size(index))

    def source(self, index: int) -> bytes:
        return raw.taken(self._names, index * _NAME_SIZE + self._source_at, self._source_size)

    def local(self, index: int) -> bytes:
        if self._local:
            return self._local
        return raw.taken(self._controls, index * _CONTROL_SIZE + self._local_at, self._source_size)

    def asker(self, index: int, zone: Zone) -> Asker:
        if zone.moves != self._moves:
            self._askers = [None] * 256
            self._moves = zone.moves
        at = index * _NAME_SIZE + self._source_at
        place = self._names[at + self._source_size - 1]
        found = self._askers[place]
        if found is None or not raw.holds(self._names, at, found.source) or not self._came_to(index, found.local):
            found = zone.asker(self.source(index), self.local(index))
            self._askers[place] = found
        return found

    def answer(self, index: int, asker: Asker, pages: Pages) -> int:
        start = self._place()
        size = pages.reply(self._queries, index * _QUERY_SIZE, self._size(index), asker, self._replies, start)
        if size > 0:
            self._address(index, size)
        return size

    def reply(self, index: int, data: bytes) -> None:
        raw.put(self._replies, self._place(), data)
        self._address(index, len(data))

    def return_path(self, index: int) -> ReturnPath:
        """The sender's name and the control data, as they came."""
        name = raw.taken(self._names, index * _NAME_SIZE, _NAME_SIZE)
        return name if self._local else name + raw.taken(self._controls, index * _CONTROL_SIZE, _CONTROL_SIZE)

    def reply_late(self, path: ReturnPath, data: bytes) -> None:
        raw.put(self._replies, self._place(), data)
        slot = _DEPTH + self._pending  # behind the places of those that came in
        raw.put(self._names, slot * _NAME_SIZE, path[:_NAME_SIZE])
        if not self._local:
            raw.put(self._controls, slot * _CONTROL_SIZE, path[_NAME_SIZE:])
        self._address(slot, len(data))

    def flush(self) -> int:
        self._send()
        lost = self._lost
        self._lost = 0
        return lost

    def _place(self) -> int:
        """Where the next reply is to stand."""
        if self._pending == _DEPTH:
            self._send()
        return self._pending * _REPLY_SIZE

    def _send(self) -> None:
        sent = 0
        while sent < self._pending:
            done = raw.send_many(self._fd, self._out, sent * _HEAD_SIZE, self._pending - sent)
            if done <= 0:  # the first of the rest cannot go: full buffer, unreachable asker; the others still may
                self._lost += 1
                done = 1
            sent += done
        self._pending = 0

    def _size(self, index: int) -> int:
        """Octets of datagram `index`; none if it was cut."""
        head = index * _HEAD_SIZE
        return 0 if raw.number(self._head, head + 48) & _MSG_TRUNC else raw.number(self._head, head + 56)

    def _came_to(self, index: int, local: bytes) -> bool:
        return bool(self._local) or raw.holds(self._controls, index * _CONTROL_SIZE + self._local_at, local)

    def _address(self, index: int, size: int) -> None:
        """Let the next reply, `size` octets at its place, go to the name at place `index`."""
        slot = self._pending
        self._pending = slot + 1
        raw.set_number(self._vectors, slot * 16 + 8, size)
        raw.set_number(self._out, slot * _HEAD_SIZE, self._names_at + index * _NAME_SIZE)
        if not self._local:
            control = index * _CONTROL_SIZE
            if self._is_v4:  # leave the way out to the routes; the source address is what matters
                raw.put(self._controls, control + 16, _NO_INTERFACE)
            raw.set_number(self._out, slot * _HEAD_SIZE + 32, self._controls_at + control)

    def _lay_out(self, name_size: int) -> None:
        self._names_at, names = self._memory(2 * DEPTH * _NAME_SIZE)
        self._controls_at, controls = self._memory(2 * DEPTH * _CONTROL_SIZE)
        queries_at, queries = self._memory(DEPTH * _QUERY_SIZE)
        replies_at, replies = self._memory(DEPTH * _REPLY_SIZE)
        in_vectors_at, in_vectors = self._memory(DEPTH * 16)
        out_vectors_at, out_vectors = self._memory(DEPTH * 16)
        _, head = self._memory(DEPTH * _HEAD_SIZE)
        _, out = self._memory(DEPTH * _HEAD_SIZE)
        _, blank = self._memory(DEPTH * _HEAD_SIZE)
        control_size = 0 if self._local else (32 if self._is_v4 else 40)  # CMSG_SPACE of the packet info
        for index in range(DEPTH):
            struct.pack_into("2Q", in_vectors, index * 16, queries_at + index * _QUERY_SIZE, _QUERY_SIZE)
            struct.pack_into("2Q", out_vectors, index * 16, replies_at + index * _REPLY_SIZE, 0)
            name = self._names_at + index * _NAME_SIZE
            control = 0 if self._local else self._controls_at + index * _CONTROL_SIZE
            for words, vectors in ((head, in_vectors_at), (out, out_vectors_at), (blank, in_vectors_at)):
                vector = vectors + index * 16
                struct.pack_into(
                    "8Q", words, index * _HEAD_SIZE, name, name_size, vector, 1, control, control_size, 0, 0
                )
        self._names, self._controls = raw.place(names), raw.place(controls)
        self._queries, self._replies, self._vectors = raw.place(queries), raw.place(replies), raw.place(out_vectors)
        self._head, self._out, self._blank = raw.place(head), raw.place(out), raw.place(blank)

    def _memory(self, size: int) -> tuple[int, Any]:
        """Memory that stays where it is as long as the batch: its address, and itself."""
        memory = ctypes.create_string_buffer(size)
        self._kept.append(memory)
        return ctypes.addressof(memory), memory


_NO_INTERFACE = b"\0\0\0\0"


def _without_interface(level: int, cmsg: bytes) -> bytes:
    """Packet info fit for the reply: over IPv4 without the interface, which IPv6 needs for link-local askers."""
    return cmsg if level == socket.IPPROTO_IPV6 else _NO_INTERFACE + cmsg[4:]

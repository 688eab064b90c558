"""HOT: datagrams in batches. Counted: every UDP query; guarded by bench/micro/dns_answer.py.

`PlainBatch` uses recvmsg and sendmsg, one call per datagram. `ManyBatch` uses Linux' recvmmsg and sendmmsg: one call
per batch each way, over memory laid out once; 64-bit little-endian only, the layout of `struct mmsghdr` there is
eight words: name, its length, iovec, their number, control, its length, flags, octets moved.

A batch lives from one `receive` to the next. Addresses are 4 or 16 octets.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from typing import Any, Protocol

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import listener
from tidegate.dns.sheet import UNFIT, Sheet
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
_PKTINFO: dict[int, tuple[int, int, int]] = {
    socket.AF_INET: (0, 8, 12),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 50, 20),
}  # level, type, octets

ReturnPath = tuple[Any, list[tuple[int, int, bytes]]]


class Batch(Protocol):
    """What the server does with datagrams."""

    def receive(self) -> int:
        """Take in what is there, at most `DEPTH`; how many."""
        ...

    def data(self, index: int) -> bytes: ...

    def source(self, index: int) -> bytes: ...

    def local(self, index: int) -> bytes: ...

    def asker(self, index: int, zone: Zone) -> Asker:
        """Who sent datagram `index`."""
        ...

    def answer(self, index: int, asker: Asker, sheet: Sheet) -> int:
        """Answer datagram `index` from `sheet`, at the next `flush`; what `Sheet.reply` says."""
        ...

    def reply(self, index: int, data: bytes) -> None:
        """Answer datagram `index` of the batch, at the next `flush`."""
        ...

    def flush(self) -> int:
        """Send the replies; how many the kernel did not take."""
        ...

    def return_path(self, index: int) -> ReturnPath:
        """What `sendmsg` needs to answer later."""
        ...


def batch(sock: socket.socket) -> Batch:
    """The fastest kind of batch this platform has for `sock`."""
    if sys.platform == "linux" and sys.byteorder == "little" and ctypes.sizeof(ctypes.c_void_p) == 8:
        return ManyBatch(sock)
    return PlainBatch(sock)


class PlainBatch:
    """Datagrams one by one; works wherever there is a recvmsg."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._local = listener.local_address(sock)
        self._taken: list[tuple[bytes, ReturnPath]] = []
        self._replies: list[tuple[int, bytes]] = []

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

    def answer(self, index: int, asker: Asker, sheet: Sheet) -> int:
        found = sheet.answer(self.data(index), asker)
        if found is None:
            return UNFIT
        self.reply(index, found)
        return len(found)

    def reply(self, index: int, data: bytes) -> None:
        self._replies.append((index, data))

    def flush(self) -> int:
        lost = 0
        for index, data in self._replies:
            address, ancillary = self._taken[index][1]
            try:
                self._sock.sendmsg([data], ancillary, 0, address)
            except OSError:  # full buffer, unreachable asker: the query is lost as on any network, and counted
                lost += 1
        self._replies.clear()
        return lost

    def return_path(self, index: int) -> ReturnPath:
        return self._taken[index][1]


class ManyBatch:
    """Datagrams by recvmmsg and sendmmsg. All pointers are set once, but for those of replies: a reply stands at its
    own place in the outgoing headers and points to the name and control data of the query it answers."""

    def __init__(self, sock: socket.socket) -> None:
        self._fd = sock.fileno()
        self._sock = sock  # keeps the descriptor open as long as the batch lives
        self._family = int(sock.family)  # the socket makes an enumeration of it each time it is asked
        self._is_v4 = sock.family == socket.AF_INET
        self._local = listener.local_address(sock)
        self._count = 0
        self._pending = 0
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
        self._pending = 0
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

    def answer(self, index: int, asker: Asker, sheet: Sheet) -> int:
        start = self._pending * _REPLY_SIZE
        size = sheet.reply(self._queries, index * _QUERY_SIZE, self._size(index), asker, self._replies, start)
        if size > 0:
            self._address(index, size)
        return size

    def reply(self, index: int, data: bytes) -> None:
        raw.put(self._replies, self._pending * _REPLY_SIZE, data)
        self._address(index, len(data))

    def flush(self) -> int:
        lost = sent = 0
        while sent < self._pending:
            done = raw.send_many(self._fd, self._out, sent * _HEAD_SIZE, self._pending - sent)
            if done <= 0:  # the first of the rest cannot go: full buffer, unreachable asker; the others still may
                lost += 1
                done = 1
            sent += done
        self._pending = 0
        return lost

    def return_path(self, index: int) -> ReturnPath:
        source = raw.taken(self._names, index * _NAME_SIZE, _NAME_SIZE)
        port = struct.unpack_from(">H", source, 2)[0]
        host = socket.inet_ntop(self._family, self.source(index))
        level, kind, size = _PKTINFO[self._family]
        ancillary = []
        if not self._local:
            cmsg = raw.taken(self._controls, index * _CONTROL_SIZE + 16, size)
            ancillary = [(level, kind, _without_interface(level, cmsg))]
        if self._is_v4:
            return (host, port), ancillary
        return (host, port, 0, struct.unpack_from("=I", source, 24)[0]), ancillary

    def _size(self, index: int) -> int:
        """Octets of datagram `index`; none if it was cut."""
        head = index * _HEAD_SIZE
        return 0 if raw.number(self._head, head + 48) & _MSG_TRUNC else raw.number(self._head, head + 56)

    def _came_to(self, index: int, local: bytes) -> bool:
        return bool(self._local) or raw.holds(self._controls, index * _CONTROL_SIZE + self._local_at, local)

    def _address(self, index: int, size: int) -> None:
        """Let the next reply, `size` octets at its place, go where datagram `index` came from."""
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
        self._names_at, names = self._memory(DEPTH * _NAME_SIZE)
        self._controls_at, controls = self._memory(DEPTH * _CONTROL_SIZE)
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

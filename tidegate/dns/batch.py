"""HOT: datagrams in batches. Counted: every UDP query; guarded by bench/micro/dns_answer.py.

`PlainBatch` uses recvmsg and sendmsg, one call per datagram. `ManyBatch` uses Linux' recvmmsg and sendmmsg through
ctypes: one call per batch each way, over memory laid out once; 64-bit little-endian only, the layout of `struct
mmsghdr` there is eight words: name, its length, iovec, their number, control, its length, flags, octets moved.

A batch lives from one `receive` to the next. Addresses are 4 or 16 octets.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, Protocol

from tidegate.dns import listener

DEPTH = 64  # datagrams per wake: bounds how long HTTP on the same loop waits, some 0.5 ms

_QUERY_SIZE = 2048  # longer queries do not come by UDP
_REPLY_SIZE = 1280  # at least wire.EDNS_SIZE
_CONTROL_SIZE = 64
_NAME_SIZE = 32
_WORDS = 8  # of eight octets, in a struct mmsghdr
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
        libc = ctypes.CDLL(None, use_errno=True)
        self._recvmmsg: Callable[..., int] = libc.recvmmsg
        self._sendmmsg: Callable[..., int] = libc.sendmmsg
        libc.recvmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
        libc.sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
        self._lay_out(28 if not self._is_v4 else 16)

    def receive(self) -> int:
        used = self._count * _WORDS
        self._head[:used] = self._blank[:used]  # the kernel wrote lengths and flags into what it used
        self._count = 0
        count = self._recvmmsg(self._fd, self._head_at, DEPTH, 0, None)
        self._count = max(count, 0)  # an error here is "nothing there"; others come back by the loop
        self._pending = 0
        return self._count

    def data(self, index: int) -> bytes:
        word = index * _WORDS
        if self._head[word + 6] & _MSG_TRUNC:
            return b""
        start = index * _QUERY_SIZE
        return self._queries[start : start + self._head[word + 7]].tobytes()

    def source(self, index: int) -> bytes:
        start = index * _NAME_SIZE
        if self._is_v4:
            return self._names[start + 4 : start + 8].tobytes()
        return self._names[start + 8 : start + 24].tobytes()

    def local(self, index: int) -> bytes:
        if self._local:
            return self._local
        start = index * _CONTROL_SIZE + 16
        if self._is_v4:  # ifindex, the local address, the header's destination
            return self._controls[start + 4 : start + 8].tobytes()
        return self._controls[start : start + 16].tobytes()

    def reply(self, index: int, data: bytes) -> None:
        slot = self._pending
        self._pending = slot + 1
        size = len(data)
        start = slot * _REPLY_SIZE
        self._replies[start : start + size] = data
        self._vectors[slot * 2 + 1] = size
        word = slot * _WORDS
        self._out[word] = self._names_at + index * _NAME_SIZE
        if not self._local:
            control = index * _CONTROL_SIZE
            if self._is_v4:  # leave the way out to the routes; the source address is what matters
                self._controls[control + 16 : control + 20] = _NO_INTERFACE
            self._out[word + 4] = self._controls_at + control

    def flush(self) -> int:
        lost = sent = 0
        while sent < self._pending:
            done = self._sendmmsg(self._fd, self._out_at + sent * _WORDS * 8, self._pending - sent, 0)
            if done <= 0:  # the first of the rest cannot go: full buffer, unreachable asker; the others still may
                lost += 1
                done = 1
            sent += done
        self._pending = 0
        return lost

    def return_path(self, index: int) -> ReturnPath:
        source = self._names[index * _NAME_SIZE :]
        port = struct.unpack_from(">H", source, 2)[0]
        host = socket.inet_ntop(self._family, self.source(index))
        control = index * _CONTROL_SIZE
        level, kind, size = _PKTINFO[self._family]
        ancillary = []
        if not self._local:
            cmsg = self._controls[control + 16 : control + 16 + size].tobytes()
            ancillary = [(level, kind, _without_interface(level, cmsg))]
        if self._is_v4:
            return (host, port), ancillary
        return (host, port, 0, struct.unpack_from("=I", source, 24)[0]), ancillary

    def _lay_out(self, name_size: int) -> None:
        self._names_at, self._names = _memory(DEPTH * _NAME_SIZE)
        self._controls_at, self._controls = _memory(DEPTH * _CONTROL_SIZE)
        queries_at, self._queries = _memory(DEPTH * _QUERY_SIZE)
        replies_at, self._replies = _memory(DEPTH * _REPLY_SIZE)
        in_vectors_at, self._in_vectors = _memory(DEPTH * 16)
        out_vectors_at, out_vectors = _memory(DEPTH * 16)
        self._head_at, head = _memory(DEPTH * _WORDS * 8)
        self._out_at, out = _memory(DEPTH * _WORDS * 8)
        self._head, self._out, self._vectors = head.cast("Q"), out.cast("Q"), out_vectors.cast("Q")
        queries = self._in_vectors.cast("Q")
        control_size = 0 if self._local else (32 if self._is_v4 else 40)  # CMSG_SPACE of the packet info
        for index in range(DEPTH):
            queries[index * 2], queries[index * 2 + 1] = queries_at + index * _QUERY_SIZE, _QUERY_SIZE
            self._vectors[index * 2] = replies_at + index * _REPLY_SIZE
            name = self._names_at + index * _NAME_SIZE
            control = 0 if self._local else self._controls_at + index * _CONTROL_SIZE
            for words, vectors in ((self._head, in_vectors_at), (self._out, out_vectors_at)):
                words[index * _WORDS : index * _WORDS + _WORDS] = memoryview(
                    struct.pack("8Q", name, name_size, vectors + index * 16, 1, control, control_size, 0, 0)
                ).cast("Q")
        self._blank = memoryview(self._head.tobytes()).cast("Q")


_NO_INTERFACE = b"\0\0\0\0"


def _memory(size: int) -> tuple[int, memoryview]:
    """Memory that stays where it is: its address and a view of it, which keeps it alive."""
    memory = ctypes.create_string_buffer(size)
    return ctypes.addressof(memory), memoryview(memory).cast("B")


def _raise_fault(code: int) -> None:
    """Nothing there, or an interrupted call, or a peer's ICMP error, is no fault; the rest is a fault of ours."""
    if code not in (errno.EAGAIN, errno.EINTR, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH):
        raise OSError(code, "recvmmsg failed")


def _without_interface(level: int, cmsg: bytes) -> bytes:
    """Packet info fit for the reply: over IPv4 without the interface, which IPv6 needs for link-local askers."""
    return cmsg if level == socket.IPPROTO_IPV6 else _NO_INTERFACE + cmsg[4:]

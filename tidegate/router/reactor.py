"""Connections of the data plane on the one epoll of a worker, served before the event loop hears of anything else.

HOT: every byte of HTTP passes here; guarded by `make bench` (docs/decisions/0090 and 0103 have what it saves over the loops'
own transports). A `Wire` is an asyncio transport as far as the protocols above use one: same calls, same order of events, and
`connection_lost` never comes from inside a call of the protocol. The event loop is a guest: it waits in `serve`
(`loop.py`), which comes back to it when it has something to do.

Edge-triggered: a socket is registered once, for everything. What it said last is kept in `readable`; a short read means that
it is empty, unless the peer hung up. Bytes written in one event leave together when it is over.

Fair: an event is answered with a small read. A connection that had more to read waits in line with its likes, and each turn
serves the line for a bounded number of bytes, then sees who else has something to say (docs/decisions/0094).
"""

from __future__ import annotations

import select
import socket
from collections import deque
from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import Any

import tidegate.router.syscalls as calls  # compiled: csyscalls.pxd
from tidegate.router.syscalls import BROKEN, EDGES, HUNG, IN, OUT

_EDGES = EDGES
_HUNG = HUNG
_BROKEN = BROKEN
_IN = IN
_OUT = OUT

_BATCH = 128  # events served before the clock is looked at
_SIP_BYTES = 16384  # first read of an event: room for a head; who fills it has a body to move
_GULP_BYTES = 32768  # each read after it
_BULK_BYTES = 65536  # read of those in a turn, or a read more


class Reactor:
    """All wires of one worker. `on_fault(error)` hears of exceptions that a protocol or a watcher let out; a connection is
    cut for it. Of the event loop it knows what `host` tells: `ready` are its callbacks that are due, `timers()` the heap of
    those that will be."""

    __slots__ = ("_again", "_dirty", "_epoll", "_fd", "_gone", "_ready", "_timers", "_watchers", "_wires", "on_fault")

    def __init__(self) -> None:
        self.on_fault: Callable[[BaseException], None] | None = None
        self._epoll = select.epoll()
        self._fd = self._epoll.fileno()
        self._wires: list[Wire | None] = []  # by descriptor
        self._watchers: dict[int, Callable[[], None]] = {}
        self._dirty: list[Wire] = []  # have bytes to send
        self._again: list[Wire] = []  # may be readable without a new edge
        self._gone: list[Wire] = []  # are to be closed
        self._ready: deque[Any] = deque()
        self._timers: Callable[[], list[Any]] = list

    def host(self, ready: deque[Any], timers: Callable[[], list[Any]]) -> None:
        """Serve beside a loop's callbacks and timers from now on."""
        self._ready = ready
        self._timers = timers

    def adopt(self, connected: socket.socket, protocol: Any) -> Wire:
        """Serve a connected, non-blocking socket, which is ours from now on."""
        descriptor = connected.fileno()
        wire = Wire(self, connected, descriptor, protocol)
        while len(self._wires) <= descriptor:
            self._wires.append(None)
        self._wires[descriptor] = wire
        protocol.connection_made(wire)
        self._epoll.register(descriptor, _EDGES)
        return wire

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call whenever there is something to read, until `unwatch`; the call must read it."""
        if descriptor not in self._watchers:
            self._epoll.register(descriptor, _IN)
        self._watchers[descriptor] = call

    def unwatch(self, descriptor: int) -> bool:
        """Whether it was watched."""
        if self._watchers.pop(descriptor, None) is None:
            return False
        self._epoll.unregister(descriptor)
        return True

    def follow(self, descriptor: int, flags: int, *, known: bool) -> None:
        """Have `serve` tell of a guest's descriptor; no flags: no more."""
        if not known:
            self._epoll.register(descriptor, flags)
        elif flags:
            self._epoll.modify(descriptor, flags)
        else:
            self._epoll.unregister(descriptor)

    def cut(self) -> None:
        """Cut the connections that are left."""
        for wire in list(self._wires):
            if wire is not None:
                wire.abort()
        self._settle()

    def close(self) -> None:
        """Give the epoll back."""
        self._epoll.close()

    def serve(self, seconds: float | None) -> list[int]:
        """Serve what is ready, for that long (for ever if None) or until the loop has something to do: events of its
        descriptors, which are returned, a callback, or a new timer that is the next."""
        timers = self._timers()
        first = timers[0] if timers else None
        until = monotonic() + seconds if seconds else 0.0
        guests: list[int] = []
        if self._again or self._dirty or self._gone:
            self._settle()
        pause = -1 if seconds is None else ceil(seconds * 1000)
        while True:
            events = calls.wait(self._epoll, self._fd, _BATCH, 0 if self._again or self._ready else pause)
            for event in events:
                self._serve_one(event, guests)
                if self._dirty:
                    self._send_all()
            if self._again or self._gone:
                self._settle()
            elif not events:
                return guests
            if guests or self._ready or (timers and timers[0] is not first):
                return guests
            if seconds is not None:
                left = until - monotonic()
                if left <= 0:
                    return guests
                pause = ceil(left * 1000)

    def _serve_one(self, event: int, guests: list[int]) -> None:
        descriptor = event & 0xFFFFFFFF
        wire = self._wires[descriptor] if descriptor < len(self._wires) else None
        if wire is not None:
            wire.happened(event >> 32)
        elif descriptor in self._watchers:
            self._watched(self._watchers[descriptor])
        else:
            guests.append(event)

    def _watched(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001  our own bug costs this call only; it is told
            self.fault(error)

    def fault(self, error: BaseException) -> None:
        """Tell of it; without a listener it is the loop's."""
        if self.on_fault is None:
            raise error
        self.on_fault(error)

    def _settle(self) -> None:
        """Send, read and close what was put off."""
        again, self._again = self._again, []
        left = _BULK_BYTES
        for at, wire in enumerate(again):
            if left <= 0:
                self._again[:0] = again[at:]
                break
            left -= wire.read_on()
        while self._dirty or self._gone:
            self._send_all()
            gone, self._gone = self._gone, []
            for wire in gone:
                self._wires[wire.descriptor] = None
                wire.lose()

    def _send_all(self) -> None:
        dirty = self._dirty
        self._dirty = []
        for wire in dirty:
            wire.send_waiting()

    # --- called by wires

    def has_written(self, wire: Wire) -> None:
        """It has bytes to send, for the first time since it sent the last."""
        self._dirty.append(wire)

    def may_read(self, wire: Wire) -> None:
        """It may read without a new edge."""
        self._again.append(wire)

    def is_over(self, wire: Wire) -> None:
        """It is to be closed."""
        self._gone.append(wire)


class Wire:
    """One connection, with the calls of an asyncio transport. `protocol` gets what happens to it."""

    __slots__ = (
        "_bulky",
        "_choked",
        "_closing",
        "_dirty",
        "_ended",
        "_ending",
        "_error",
        "_feed",
        "_high",
        "_hung",
        "_low",
        "_over",
        "_protocol",
        "_queued",
        "_reactor",
        "_readable",
        "_reading",
        "_size",
        "_socket",
        "_waiting",
        "descriptor",
    )

    def __init__(self, reactor: Reactor, connected: socket.socket, descriptor: int, protocol: Any) -> None:
        self.descriptor = descriptor
        self._reactor = reactor
        self._socket = connected
        self._protocol = protocol
        self._feed = protocol.data_received
        self._waiting: list[bytes] = []
        self._size = 0  # of what waits to be sent
        self._high = 65536
        self._low = 16384
        self._reading = True
        self._readable = False
        self._bulky = False  # filled its last read: waits in line for the next one
        self._hung = False  # the peer sent its last byte, or broke off: only a read tells
        self._ended = False  # the read told
        self._ending = False  # our last byte is to be sent
        self._closing = False
        self._over = False  # will be lost, or is
        self._dirty = False
        self._queued = False  # the reactor will have it read on
        self._choked = False  # the protocol was told to pause
        self._error: OSError | None = None

    # --- called by the reactor

    def happened(self, flags: int) -> None:
        """An edge."""
        if flags & _HUNG:
            self._hung = True
            if self._ended and flags & _BROKEN:  # more than the end that is known
                self._break(None)
                return
        if flags & (_IN | _HUNG):
            self._readable = True
            if self._reading and not self._queued:
                if self._bulky:
                    self._put_off()
                else:
                    self._read(_SIP_BYTES)
        if flags & _OUT and self._size and not self._dirty:
            self.send_waiting()

    def read_on(self) -> int:
        """What was put off; how many bytes it was."""
        self._queued = False
        return self._read(_GULP_BYTES) if self._reading else 0

    def _read(self, most: int) -> int:
        """One read, or what there is and the end; how many bytes. Whoever has more to read is put off."""
        taken = 0
        try:
            while self._readable and self._reading and not self._ended:
                data = calls.receive(self.descriptor, most)
                if data is None:
                    self._readable = False
                elif not data:
                    self._readable = False
                    self._ended = True
                    if not self._protocol.eof_received():
                        self.close()
                else:
                    self._bulky = len(data) == most
                    if not self._bulky and not self._hung:
                        self._readable = False
                    taken += len(data)
                    self._feed(data)
                    if self._bulky and self._readable:
                        self._put_off()
                        break
        except OSError as error:
            self._break(error)
        except Exception as error:  # noqa: BLE001  our own bug costs this connection only; it is told
            self._reactor.fault(error)
            self.abort()
        return taken

    def _put_off(self) -> None:
        if not self._queued:
            self._queued = True
            self._reactor.may_read(self)

    def send_waiting(self) -> None:
        """Send what waits, as much as the kernel takes."""
        self._dirty = False
        waiting = self._waiting
        if self._over or not waiting:
            return
        data = waiting[0] if len(waiting) == 1 else b"".join(waiting)
        try:
            sent = calls.send(self.descriptor, data)
        except OSError as error:
            self._break(error)
            return
        if sent == len(data):
            self._waiting = []
            self._size = 0
            if self._ending or self._closing:
                self._send_end()
        else:
            self._waiting = [data[sent:] if sent else data]
            self._size = len(data) - sent
        if self._choked != (self._size > (self._low if self._choked else self._high)):
            self._tell()

    def _tell(self) -> None:
        """Let the protocol write again, or ask it to pause."""
        self._choked = not self._choked
        try:
            if self._choked:
                self._protocol.pause_writing()
            else:
                self._protocol.resume_writing()
        except Exception as error:  # noqa: BLE001  as in `_read`
            self._reactor.fault(error)
            self.abort()

    def _send_end(self) -> None:
        if self._closing:
            self._finish()
        else:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError as error:
                self._break(error)

    def _break(self, error: OSError | None) -> None:
        self._error = error
        self._finish()

    def _finish(self) -> None:
        self._reading = False
        self._closing = True
        if not self._over:
            self._over = True
            self._reactor.is_over(self)

    def lose(self) -> None:
        """The end: the protocol hears of it while the socket is still there."""
        self._waiting = []
        self._size = 0
        try:
            self._protocol.connection_lost(self._error)
        except Exception as error:  # noqa: BLE001  as in `_read`
            self._reactor.fault(error)
        self._socket.close()
        # The protocol knows this wire: a ring, which only the garbage collector could free, thousands at once and all
        # requests waiting for it.
        self._protocol = None
        self._feed = None
        self._error = None  # its trace knows this wire, too

    # --- the transport

    def write(self, data: bytes) -> None:
        """Send when this event is over; ignored once the connection closes or broke."""
        if self._closing or not data:
            return
        self._waiting.append(data)
        self._size += len(data)
        if not self._dirty:
            self._dirty = True
            self._reactor.has_written(self)
        if self._size > self._high and not self._choked:
            self.send_waiting()  # now, so that nobody piles up more before he is told to pause

    def write_eof(self) -> None:
        """Send the last byte after what waits; reading goes on."""
        if not self._ending and not self._closing:
            self._ending = True
            if not self._size:
                self._send_end()

    def pause_reading(self) -> None:
        """Read no more until `resume_reading`."""
        self._reading = False

    def resume_reading(self) -> None:
        """Read on."""
        if not self._reading and not self._closing:
            self._reading = True
            if self._readable:
                self._put_off()

    def is_reading(self) -> bool:
        """Whether it reads."""
        return self._reading

    def close(self) -> None:
        """Close when what waits is sent."""
        if not self._closing:
            self._closing = True
            self._reading = False
            if not self._size:
                self._finish()

    def abort(self) -> None:
        """Close now; what waits is lost."""
        self._waiting = []
        self._size = 0
        self._finish()

    def is_closing(self) -> bool:
        """Whether it closes, or is closed."""
        return self._closing

    def set_protocol(self, protocol: Any) -> None:
        """Another protocol from now on."""
        self._protocol = protocol
        self._feed = protocol.data_received

    def get_protocol(self) -> Any:
        """The protocol."""
        return self._protocol

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        """When the protocol is told to pause, and to resume; in bytes."""
        self._high = high
        self._low = low

    def get_write_buffer_size(self) -> int:
        """Bytes that wait to be sent."""
        return self._size

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`peername`, `sockname` or `socket`; `default` for anything else, or if it is gone."""
        if name == "socket":
            return self._socket
        if name not in ("peername", "sockname"):
            return default
        try:
            return self._socket.getpeername() if name == "peername" else self._socket.getsockname()
        except OSError:
            return default

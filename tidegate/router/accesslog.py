"""The access log: one JSON line per exchange, built along the way, written in batches by a thread of its own.

HOT: `line` once per request (`make bench`, log on). The data path never waits for the log: lines go to a bounded buffer,
and when whoever reads the log is stuck, lines are dropped and counted instead.
"""

from __future__ import annotations

import os
import threading

from tidegate.http1.writer import number
from tidegate.router.exchange import Exchange

_MAX_BUFFERED = 8 << 20
_SAFE = bytes(octet for octet in range(0x20, 0x7F) if octet not in b'"\\')
_UNSAFE = bytes(0 if octet in _SAFE else 1 for octet in range(256))


def escape(raw: bytes) -> bytes:
    r"""`raw` as the inside of a JSON string; octets outside printable ASCII become \\u00xx."""
    view = raw
    unsafe = _UNSAFE
    for at in range(len(raw)):
        if unsafe[view[at]]:
            return _escaped(raw[:2048])
    return raw


def _escaped(raw: bytes) -> bytes:
    return b"".join([bytes((octet,)) if octet in _SAFE else b"\\u%04x" % octet for octet in raw])


def line(exchange: Exchange, stamp: bytes, duration_us: int) -> bytes:
    """The record of a finished exchange. `stamp` is an RFC 3339 time; durations are microseconds, sizes bytes."""
    route = exchange.route
    upstream = exchange.upstream
    reason = exchange.reason
    first_us = int((exchange.first_byte - exchange.started) * 1e6) if exchange.first_byte else 0
    return b"".join(
        (
            b'{"time":"',
            stamp,
            b'","client":"',
            exchange.client,
            b'","method":"',
            exchange.method,
            b'","host":"',
            exchange.host,
            b'","target":"',
            escape(exchange.target),
            route.log_part if route is not None else b"",
            upstream.log_part if upstream is not None else b"",
            b'","reason":"' + reason.token.encode() if reason is not None else b"",
            b'","agent":"',
            escape(exchange.agent),
            b'","referer":"' + escape(exchange.referer) if exchange.referer else b"",
            b'","status":',
            number(exchange.status),
            b',"received":',
            number(exchange.received),
            b',"sent":',
            number(exchange.sent),
            b',"tries":',
            number(exchange.tries),
            b',"first_byte_us":',
            number(first_us),
            b',"duration_us":',
            number(duration_us),
            b"}\n",
        )
    )


class AccessLog:
    """Takes batches of lines and writes them in a thread. `path` is `-` for standard output, or a file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.dropped = 0
        self._batches: list[bytes] = []
        self._buffered = 0
        self._ready = threading.Condition()
        self._closing = False
        self._descriptor = -1
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Open the file and start the writer thread. Raises OSError if the file cannot be opened."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.dup(1) if self.path == "-" else os.open(self.path, flags, 0o640)
        self._thread = threading.Thread(target=self._write_batches, name="tidegate-access-log", daemon=True)
        self._thread.start()

    def write(self, lines: list[bytes]) -> None:
        """Hand lines to the writer thread; drop and count them if it is too far behind."""
        batch = b"".join(lines)
        with self._ready:
            if self._buffered + len(batch) > _MAX_BUFFERED:
                self.dropped += len(lines)
                return
            self._batches.append(batch)
            self._buffered += len(batch)
            self._ready.notify()

    def close(self, timeout_seconds: float = 2.0) -> None:
        """Write what is left, within the time."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def _write_batches(self) -> None:
        while True:
            with self._ready:
                while not self._batches and not self._closing:
                    self._ready.wait()
                if not self._batches:
                    os.close(self._descriptor)
                    return
                batches, self._batches = self._batches, []
            data = b"".join(batches)
            try:
                self._write(data)
            finally:
                with self._ready:
                    self._buffered -= len(data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except OSError:  # disk full, or nobody reads any more: the log is lost, the traffic is not
                self.dropped += bytes(view).count(b"\n")
                return

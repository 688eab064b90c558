"""Writes the lines of a log in a thread of its own, so that the data path never waits for a disk or for who reads a pipe.

Lines go to a bounded buffer; while whoever takes them is stuck, lines are dropped and counted. A file that was moved
or removed is opened anew under its name, so rotation needs no signal; `reopen` does it at once.
"""

from __future__ import annotations

import os
import select
import stat
import threading
import time
from pathlib import Path

from tidegate.telemetry import logger

_log = logger("logfile")
_MAX_BUFFERED = 8 << 20
_LOOK_SECONDS = 1.0  # between two looks whether the file is still the one of that name
_POLL_MS = 250


class LogFile:
    """Takes batches of lines and writes them in a thread. `path` is `-` for standard output, a file or a FIFO; `name` is
    what an operator calls this log.

    `dropped` counts lines that nobody will see: the buffer was full, or the write failed."""

    def __init__(self, path: str, name: str = "access log") -> None:
        self.path = path
        self.name = name
        self.dropped = 0
        self._batches: list[bytes] = []
        self._buffered = 0
        self._ready = threading.Condition()
        self._closing = False
        self._reopening = False
        self._descriptor = -1
        self._thread: threading.Thread | None = None
        self._look_at = 0.0
        self._torn = False  # the last write ended inside a line
        self._failed = False  # it could not be opened, and that was said

    def open(self) -> None:
        """Start the writer thread. A file that cannot be opened is tried again and again: the log is lost meanwhile, the
        traffic is not. Does not wait for the reader of a FIFO."""
        self._descriptor = os.dup(1) if self.path == "-" else self._try_to_open()
        self._thread = threading.Thread(target=self._write_batches, name=f"tidegate {self.name}", daemon=True)
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

    def reopen(self) -> None:
        """Open the file anew before the next line is written; what comes out wrong leaves the old one in use."""
        self._reopening = True

    def close(self, timeout_seconds: float = 2.0) -> None:
        """Write what is left, within the time."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    # --- the thread

    def _write_batches(self) -> None:
        while True:
            with self._ready:
                while not self._batches and not self._closing:
                    self._ready.wait()
                if not self._batches:
                    self._let_go()
                    return
                batches, self._batches = self._batches, []
            data = b"".join(batches)
            try:
                self._follow_name()
                self._write(data)
            finally:
                with self._ready:
                    self._buffered -= len(data)

    def _follow_name(self) -> None:
        """If the file of our name is another one now (or none), write to that."""
        now = time.monotonic()
        if self.path == "-" or (now < self._look_at and not self._reopening):
            return
        self._look_at = now + _LOOK_SECONDS
        if not self._reopening and self._descriptor >= 0 and _same(self.path, self._descriptor):
            return
        self._reopening = False
        opened = self._try_to_open()
        if opened >= 0:  # else the old file still takes the lines
            self._let_go()
            self._descriptor = opened
            self._torn = False

    def _try_to_open(self) -> int:
        """A descriptor, or -1; says once that it cannot be had."""
        try:
            opened = opened_for_lines(self.path)
        except OSError as error:
            if not self._failed:
                _log.error(
                    "the %s cannot be opened, trying again", self.name, extra={"path": self.path, "cause": str(error)}
                )
            self._failed = True
            return -1
        self._failed = False
        return opened

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, data: bytes) -> None:
        if self._descriptor < 0:
            self.dropped += data.count(b"\n")
            return
        view = memoryview(b"\n" + data if self._torn else data)
        self._torn = False
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:  # somebody made standard output non-blocking, and its reader is slow
                if not self._writable():
                    self._lose(view, data)
                    return
            except OSError:  # disk full, or nobody reads any more: the log is lost, the traffic is not
                self._lose(view, data)
                return

    def _writable(self) -> bool:
        """Wait until the descriptor takes bytes; False when we are to close before it does."""
        poller = select.poll()
        poller.register(self._descriptor, select.POLLOUT)
        while not poller.poll(_POLL_MS):
            if self._closing:
                return False
        return True

    def _lose(self, rest: memoryview, data: bytes) -> None:
        self.dropped += bytes(rest).count(b"\n")
        self._torn = 0 < len(rest) < len(data) and data[-len(rest) - 1 : -len(rest)] != b"\n"


def opened_for_lines(path: str) -> int:
    """A descriptor to append to. Raises OSError. A FIFO is opened for reading too: else opening waits until somebody reads."""
    flags = os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    flags |= os.O_RDWR if _is_fifo(path) else os.O_WRONLY
    return os.open(path, flags, 0o640)


def _is_fifo(path: str) -> bool:
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except OSError:
        return False


def _same(path: str, descriptor: int) -> bool:
    try:
        named, open_ = Path(path).stat(), os.fstat(descriptor)
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (open_.st_dev, open_.st_ino)

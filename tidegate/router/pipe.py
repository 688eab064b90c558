"""Two transports joined for a peer: bytes both ways, each side slowed to what the other takes.

It carries requests of another router, so nothing is counted here but that it moves. When the worker drains it ends in the pause
between an answer and the next request, as an idle connection of a container would.
"""

from __future__ import annotations

from typing import Any

from tidegate.router.timers import Timed

REST_SECONDS = 0.5  # so long after the container's last bytes no answer is taken to be under way
_LOOK_SECONDS = 30.0


class Pipe(Timed):
    """Both sides; `core` is the worker's. It counts as one of its connections."""

    def __init__(self, core: Any, peer: Any, container: Any) -> None:
        super().__init__()
        self.core = core
        self.transport = peer  # what the worker cuts when its drain deadline passes
        self.container = container
        self.moved_at = core.clock()  # when the last bytes passed
        self.answered = True  # they were the container's, or none have passed yet
        self.leaving = False
        self.over = False
        self.ended = 0  # sides that sent their last byte

    def begin(self) -> None:
        """Join the two, and count as a connection from now on."""
        asks, answers = Side(self, self.container, answers=False), Side(self, self.transport, answers=True)
        self.transport.set_protocol(asks)
        self.container.set_protocol(answers)
        self.core.connections.add(self)
        self.core.wheel.arm(self, self.moved_at + _LOOK_SECONDS)
        self.transport.resume_reading()
        self.container.resume_reading()

    def on_deadline(self, now: float) -> None:
        """Look whether it rests: for a drain, or for too long."""
        rested = now - self.moved_at
        if rested > self.core.tunnel_idle or (self.leaving and self.answered and rested >= REST_SECONDS):
            self.end()
        else:
            self.core.wheel.arm(self, now + (REST_SECONDS if self.leaving else _LOOK_SECONDS))

    def drain(self) -> None:
        """End at the next rest."""
        self.leaving = True
        self.on_deadline(self.core.clock())

    def end(self) -> None:
        """Close both sides, once."""
        if self.over:
            return
        self.over = True
        self.transport.close()
        self.container.close()
        self.core.lost(self)


class Side:
    """One end of a pipe (an asyncio protocol): what arrives here is written to `other`."""

    def __init__(self, pipe: Pipe, other: Any, *, answers: bool) -> None:
        self._pipe = pipe
        self._other = other
        self._answers = answers

    def connection_made(self, transport: Any) -> None:
        """asyncio: never called, the transport is older than this protocol."""

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes for the other side."""
        self._other.write(data)
        self._pipe.moved_at = self._pipe.core.clock()
        self._pipe.answered = self._answers

    def eof_received(self) -> bool:
        """asyncio: this side sent its last byte; the other direction may go on."""
        self._pipe.ended += 1
        if self._pipe.ended == 2:
            self._pipe.end()
        elif not self._other.is_closing():
            self._other.write_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: this side is gone, so the pipe is."""
        self._pipe.end()

    def pause_writing(self) -> None:
        """asyncio: this side reads slowly."""
        self._other.pause_reading()

    def resume_writing(self) -> None:
        """asyncio: this side caught up."""
        self._other.resume_reading()

"""One child process as the supervisor sees it: its end by a pidfd, its life by its pulse.

Started by us, or by the program that we were before a re-execution: the pid of the supervisor stays, so they are its
children still, and all that is needed to know them again is their pid and the read end of their pulse.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Self

from tidegate.app.pulse import READY

_START_SECONDS = 60.0  # an interpreter may load for this long before its first beat


class Process:
    """A child that is watched from `adopt` on. Times are the running loop's."""

    def __init__(self, name: str, pid: int, pulse: int, *, is_ready: bool = False) -> None:
        self.name = name
        self.pid = pid
        self.pulse = pulse
        self.code: int | None = None  # set when it has ended
        self.born = 0.0
        self.heard = 0.0  # the last beat
        self.due = 0.0  # when it must be gone; 0 while it is to stay
        self.condemned = 0.0  # when the watchdog told it to die
        self._beats = 0
        self._is_ready = is_ready
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()

    @classmethod
    def adopt(cls, name: str, pid: int, pulse: int, *, is_ready: bool = False) -> Self:
        """Watch a child that runs, or has ended unreaped; `pulse` is where it beats, or -1."""
        process = cls(name, pid, pulse, is_ready=is_ready)
        loop = asyncio.get_running_loop()
        process.born = process.heard = loop.time()
        watch = os.pidfd_open(pid)
        loop.add_reader(watch, process._over, watch)
        if pulse >= 0:
            os.set_blocking(pulse, False)
            loop.add_reader(pulse, process._hear)
        return process

    async def wait(self) -> int:
        """Its exit code, once it has ended; negative is the signal that ended it."""
        await self._ended.wait()
        assert self.code is not None, "set where it ended"
        return self.code

    async def is_ready(self, seconds: float) -> bool:
        """Whether it says within the time that it serves."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._is_ready and self.code is None:
                    self._changed.clear()
                    await self._changed.wait()
        return self.serves

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it has not ended."""
        if self.code is None:
            os.kill(self.pid, number)

    @property
    def serves(self) -> bool:
        """Whether it said that it serves, and has not ended."""
        return self._is_ready and self.code is None

    def silent(self, now: float, seconds: float) -> bool:
        """Whether its loop has said nothing for that long; while it still starts, for as long as a start may take."""
        patience = seconds if self._beats else max(seconds, _START_SECONDS)
        return self.code is None and now - self.heard > patience

    def _hear(self) -> None:
        try:
            said = os.read(self.pulse, 4096)
        except BlockingIOError:
            return
        if not said:
            self._stop_hearing()
            return
        self.heard = asyncio.get_running_loop().time()
        self._beats += len(said)
        if READY in said:
            self._is_ready = True
            self._changed.set()

    def _over(self, watch: int) -> None:
        asyncio.get_running_loop().remove_reader(watch)
        os.close(watch)
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        self._stop_hearing()
        self._ended.set()
        self._changed.set()

    def _stop_hearing(self) -> None:
        if self.pulse >= 0:
            asyncio.get_running_loop().remove_reader(self.pulse)
            os.close(self.pulse)
            self.pulse = -1

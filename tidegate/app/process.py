"""One child process as the supervisor sees it: its end by a pidfd, its life by its pulse.

Started by us, or by the program that we were before a re-execution: the pid of the supervisor stays, so they are its
children still, and all that is needed to know them again is their pid and the read end of their pulse.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Self

from tidegate.app.pulse import READY

_START_SECONDS = 60.0  # until it serves: the modules, and in control the first table, are one long turn of its loop


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
        self._waited = 0.0  # at that beat, see `waited`
        self._is_ready = is_ready
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()

    @classmethod
    def adopt(cls, name: str, pid: int, pulse: int, *, is_ready: bool = False) -> Self:
        """Watch a child that runs, or has ended unreaped; `pulse` is where it beats, or -1."""
        process = cls(name, pid, pulse, is_ready=is_ready)
        loop = asyncio.get_running_loop()
        process.born = loop.time()
        process.hear_from(process.born)
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

    def hear_from(self, now: float) -> None:
        """It beats."""
        self.heard = now
        self._waited = waited(self.pid)

    def silent(self, now: float, seconds: float) -> bool:
        """Whether its loop has said nothing for that long; until it serves, for as long as a start may take. Time in which it
        wanted a CPU and had none is not its silence: to kill it would only make it start again, as slowly."""
        patience = seconds if self._is_ready else max(seconds, _START_SECONDS)
        quiet = now - self.heard
        return self.code is None and quiet > patience and quiet - (waited(self.pid) - self._waited) > patience

    def _hear(self) -> None:
        try:
            said = os.read(self.pulse, 4096)
        except BlockingIOError:
            return
        if not said:
            self._stop_hearing()
            return
        self.hear_from(asyncio.get_running_loop().time())
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


def waited(pid: int) -> float:
    """Seconds for which this process's first thread, where the loops run, stood in line for a CPU; 0 where nobody can say.
    The second number of /proc/PID/schedstat (Linux, Documentation/scheduler/sched-stats.rst)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0

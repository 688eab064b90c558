"""One place for a child process: who is in it, who comes next, who left it and still drains.

Theory: empty -> current -> (died) -> wait (0 s the first time, doubling to 5 s while it keeps dying young) -> current.
A replaced process is *retired*: it accepts no more, finishes what it has, and must be gone by its `due` time. A successor
that does not come to serve costs nothing: who was in the slot stays in it.
"""

from __future__ import annotations

import asyncio
import signal

from tidegate.app.launch import Launch, spawn
from tidegate.app.process import Process
from tidegate.telemetry import logger

READY_SECONDS = 30.0  # for a successor to serve
_YOUNG_SECONDS = 10.0
_MAX_WAIT_SECONDS = 5.0
_STOP_COMING_SECONDS = 5.0
_ABORT_SECONDS = 1.0  # for a stuck process to write its stack
_MAX_RETIRED = 3  # per slot: reloads that follow each other must not heap up generations that wait for tunnels
_log = logger("supervisor")


class Slot:
    """`stop_seconds` is how long its processes may take to stop, `linger_seconds` to drain after a reload."""

    def __init__(self, name: str, role: str, launch: Launch, *, stop_seconds: float, linger_seconds: float) -> None:
        self.name = name
        self.role = role
        self.launch = launch
        self.process: Process | None = None
        self.retired: list[Process] = []
        self.stopping = asyncio.Event()
        self._stop_seconds = stop_seconds
        self._linger_seconds = linger_seconds
        self._starting = asyncio.Lock()
        self._coming: Process | None = None  # a successor that does not serve yet

    async def keep_running(self) -> None:
        """Start, wait for its end, start again; returns when told to stop."""
        wait = 0.0
        loop = asyncio.get_running_loop()
        while not self.stopping.is_set():
            process = await self._current()
            if process is None:
                return
            code = await process.wait()
            if process is not self.process or self.stopping.is_set():
                continue  # replaced: watch its successor
            self.process = None
            wait = 0.0 if loop.time() - process.born > _YOUNG_SECONDS else min(_MAX_WAIT_SECONDS, max(0.1, wait * 2))
            _log.error("died, starting it again", extra={"child": self.name, "code": code, "in_seconds": wait})
            await self._pause(wait)

    async def replace(self) -> bool:
        """Start a successor; once it serves, who was here retires. False if it does not come to serve: nothing has
        changed then."""
        async with self._starting:
            if self.stopping.is_set():
                return False
            self._coming = successor = self._start()
            ready = await successor.is_ready(READY_SECONDS)
            self._coming = None
            if not ready or self.stopping.is_set():
                _log.error("successor does not serve, the old one stays", extra={"child": self.name})
                successor.send(signal.SIGTERM)
                await self._end(successor, asyncio.get_running_loop().time() + _STOP_COMING_SECONDS)
                return False
            old, self.process = self.process, successor
        if old is not None:
            self._retire(old, signal.SIGHUP)
        return True

    async def restart(self, seconds: float) -> bool:
        """Another process in place of the one that is here, which stops. Whether it serves within the time."""
        async with self._starting:
            if self.stopping.is_set():
                return False
            old, self.process = self.process, self._start()
        if old is not None:
            self._retire(old, signal.SIGTERM)
        return await self.process.is_ready(seconds)

    def dismiss(self) -> None:
        """Leave the slot empty for good; who is here retires."""
        self.stopping.set()
        if self.process is not None:
            self._retire(self.process, signal.SIGHUP)
            self.process = None

    @property
    def here(self) -> list[Process]:
        """All its processes that have not ended, the oldest first."""
        current = (self.process,) if self.process is not None else ()
        return [each for each in (*self.retired, *current) if each.code is None]

    def look(self, now: float, watchdog_seconds: float, paused: float) -> None:
        """Once a second: end what is stuck (0: never), and what should be gone. `paused` is how long nobody could look."""
        self.retired = [each for each in self.retired if each.code is None]
        for each in self.here:
            each.heard += max(0.0, paused)
            if each.condemned:
                if now - each.condemned >= _ABORT_SECONDS:
                    each.send(signal.SIGKILL)
            elif each.due and now > each.due:
                _log.warning("did not stop in time, killed", extra={"child": self.name, "pid": each.pid})
                each.send(signal.SIGKILL)
            elif watchdog_seconds and each.silent(now, watchdog_seconds):
                _log.error("stuck, killed with its stack", extra={"child": self.name, "pid": each.pid})
                each.condemned = now
                each.send(signal.SIGABRT)

    async def stop(self) -> None:
        """SIGTERM to all that are here, and SIGKILL to what does not stop in time."""
        self.stopping.set()
        if self._coming is not None:
            self._coming.send(signal.SIGTERM)
        async with self._starting:  # one that is being started must not be overlooked
            here = self.here
        for each in here:
            each.send(signal.SIGTERM)
        deadline = asyncio.get_running_loop().time() + self._stop_seconds
        for each in here:
            await self._end(each, deadline)

    # --- the processes

    async def _current(self) -> Process | None:
        """The process in this slot, started if there is none; None once the slot is to be empty."""
        async with self._starting:
            if self.process is None and not self.stopping.is_set():
                self.process = self._start()
            return self.process

    def _start(self) -> Process:
        pid, pulse = spawn(self.role, self.launch)
        _log.info("started", extra={"child": self.name, "pid": pid})
        return Process.adopt(self.name, pid, pulse)

    def _retire(self, process: Process, number: signal.Signals) -> None:
        now = asyncio.get_running_loop().time()
        process.send(number)
        process.due = now + (self._linger_seconds if number == signal.SIGHUP else self._stop_seconds)
        self.retired = [each for each in self.retired if each.code is None]
        for oldest in self.retired[: max(0, len(self.retired) + 1 - _MAX_RETIRED)]:
            oldest.send(signal.SIGTERM)
            oldest.due = min(oldest.due, now + self._stop_seconds)
        self.retired.append(process)

    async def _end(self, process: Process, deadline: float) -> None:
        """Wait for its end, until `deadline` of the loop's time; then kill it."""
        try:
            async with asyncio.timeout_at(deadline):
                await process.wait()
        except TimeoutError:
            _log.warning("did not stop in time, killed", extra={"child": self.name, "pid": process.pid})
            process.send(signal.SIGKILL)
            await process.wait()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return

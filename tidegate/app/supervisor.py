"""The parent process: owns every listening socket, starts control and workers, and starts them again when they die.

It does nothing else, so that nothing can go wrong in it. Theory of a child's life: WANTED -> running -> (died) -> wait
(0 s the first time, doubling to 5 s while it keeps dying young) -> running. On SIGTERM or SIGINT workers drain first,
then control stops. SIGHUP replaces every child by a new one on the same sockets; an old worker drains once its successor
accepts.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tidegate.app.folder import StateFolder
from tidegate.app.launch import Launch, command
from tidegate.app.sockets import Sockets, bind_all, close_all, close_data
from tidegate.config import Config
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

_YOUNG_SECONDS = 10.0
_MAX_WAIT_SECONDS = 5.0
_CONTROL_STOP_SECONDS = 10.0
_log = logger("supervisor")


class Child:
    """One slot and the process in it now; a replaced process drains and ends by itself."""

    def __init__(self, name: str, role: str, launch: Launch) -> None:
        self.name = name
        self.role = role
        self.launch = launch
        self.process: asyncio.subprocess.Process | None = None
        self.stopping = asyncio.Event()
        self._starting = asyncio.Lock()

    async def keep_running(self) -> None:
        """Start, wait for its end, start again; returns when told to stop."""
        wait = 0.0
        loop = asyncio.get_running_loop()
        while not self.stopping.is_set():
            process = await self._current()
            if process is None:
                return
            born = loop.time()
            code = await process.wait()
            if process is not self.process or self.stopping.is_set():
                continue  # replaced: watch its successor
            self.process = None
            wait = 0.0 if loop.time() - born > _YOUNG_SECONDS else min(_MAX_WAIT_SECONDS, max(0.1, wait * 2))
            _log.error("died, starting it again", extra={"child": self.name, "code": code, "in_seconds": wait})
            await self._pause(wait)

    async def replace(self) -> None:
        """Start a successor on the same sockets, then let the old process drain. Until the successor accepts, new
        connections wait in the accept queue, which is the supervisor's."""
        async with self._starting:
            old = self.process
            if not self.stopping.is_set():
                await self._start()
        if old is not None and old.returncode is None:
            old.terminate()

    async def _current(self) -> asyncio.subprocess.Process | None:
        """The process in this slot, started if there is none; None once the slot is to be empty."""
        async with self._starting:
            if self.process is None and not self.stopping.is_set():
                await self._start()
            return self.process

    async def _start(self) -> None:
        argv, memory = command(self.role, self.launch)
        try:
            self.process = await asyncio.create_subprocess_exec(
                *argv, pass_fds=(memory, *self.launch.descriptors), start_new_session=True
            )
        finally:
            os.close(memory)
        _log.info("started", extra={"child": self.name, "pid": self.process.pid})

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return

    async def stop(self, timeout_seconds: float) -> None:
        """SIGTERM, and SIGKILL after the time."""
        self.stopping.set()
        async with self._starting:  # one that is being started must not be overlooked
            process = self.process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(timeout_seconds):
                await process.wait()
        except TimeoutError:
            _log.warning("did not stop in time, killed", extra={"child": self.name, "pid": process.pid})
            process.kill()
            await process.wait()


class Supervisor:
    """Everything the parent process does; `run` returns the exit code."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Event()

    async def run(self) -> int:
        """Bind, start, watch, stop. Raises ConfigError if the state folder or a socket cannot be had."""
        folder = StateFolder(self._config.state.folder)
        await asyncio.to_thread(folder.take)
        try:
            await self._serve()
        finally:
            folder.release()
        return 0

    async def _serve(self) -> None:
        sockets = bind_all(self._config)
        try:
            control, workers = self._children(sockets)
            self._listen_to_signals()
            async with Tasks("supervisor") as tasks:
                for child in (control, *workers):
                    tasks.spawn(child.name, child.keep_running())
                reloads = tasks.spawn("reload", self._reload(control, workers))
                await self._stopping.wait()
                reloads.cancel()
                await self._stop_all(control, workers, sockets)
        finally:
            close_all(sockets)

    def _children(self, sockets: Sockets) -> tuple[Child, list[Child]]:
        path = str(Path(self._config.state.folder) / "channel.sock")
        control = Launch(
            config=self._config,
            parent=os.getpid(),
            admin=tuple(one.fileno() for one in sockets.admin),
            channel=sockets.channel[0].fileno(),
            channel_path=path,
        )
        workers = [
            Child(
                f"worker-{slot}",
                "worker",
                Launch(
                    config=self._config,
                    parent=os.getpid(),
                    slot=slot,
                    http=tuple(one.fileno() for one in sockets.http[slot]),
                    https=tuple(one.fileno() for one in sockets.https[slot]),
                    dns_udp=tuple(one.fileno() for one in sockets.dns_udp[slot]),
                    dns_tcp=tuple(one.fileno() for one in sockets.dns_tcp[slot]),
                    channel_path=path,
                ),
            )
            for slot in range(len(sockets.http))
        ]
        return Child("control", "control", control), workers

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reloading.set)

    async def _reload(self, control: Child, workers: list[Child]) -> None:
        """On SIGHUP: a new generation on the same sockets."""
        while True:
            await self._reloading.wait()
            self._reloading.clear()
            for child in (control, *workers):
                await child.replace()

    async def _stop_all(self, control: Child, workers: list[Child], sockets: Sockets) -> None:
        drain = self._config.http.drain_seconds + 5.0
        for worker in workers:
            worker.stopping.set()  # nobody is started any more, so that the sockets are not needed again
        # With our copies open, new connections would still be queued, and wait for nobody while the workers drain.
        close_data(sockets)
        async with Tasks("supervisor.stop") as tasks:
            for worker in workers:
                tasks.spawn(worker.name, worker.stop(drain))
        await control.stop(_CONTROL_STOP_SECONDS)

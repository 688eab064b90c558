"""The parent process: owns every listening socket, starts control and workers, and starts them again when they die.

It does nothing else, so that nothing can go wrong in it. A child's life is in `slot`. On SIGTERM or SIGINT workers drain
first, then control stops. On SIGHUP or SIGUSR2 it becomes the code and the settings that are on disk now (`handover`), and
replaces its children: control, then each worker once its successor serves. Nothing changes if these are no good.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tidegate import __version__
from tidegate.app.folder import StateFolder
from tidegate.app.handover import SIGNALS, Handover, Left, accepted, become
from tidegate.app.launch import Launch
from tidegate.app.process import Process
from tidegate.app.slot import Slot
from tidegate.app.sockets import Inherited, Sockets, bind_all, bind_rest, close_all, close_data
from tidegate.config import Config
from tidegate.tasks import Tasks
from tidegate.telemetry import logger

_CONTROL_STOP_SECONDS = 10.0
_CONTROL_READY_SECONDS = 10.0  # it is waited for so that new workers get the newest table; without it they serve too
_EXTRA_SECONDS = 5.0  # for a worker to end after its drain
_LOOK_SECONDS = 1.0
_log = logger("supervisor")


class Supervisor:
    """Everything the parent process does; `run` returns the exit code. `before` is what the last generation left."""

    def __init__(self, config: Config, before: Handover | None = None) -> None:
        self._config = config
        self._before = before
        self._folder = StateFolder(config.state.folder)
        self._stopping = asyncio.Event()
        self._reloading = asyncio.Event()

    async def run(self) -> int:
        """Bind, start, watch, stop. Raises ConfigError if the state folder or a socket cannot be had."""
        if self._before is not None:
            self._folder.keep(self._before.lock)
        else:
            await asyncio.to_thread(self._folder.take)
        try:
            await self._serve(self._bound())
        finally:
            self._folder.release()
        return 0

    def _bound(self) -> Sockets:
        if self._before is None:
            return bind_all(self._config)
        sockets, problems = bind_rest(self._config, Inherited(self._before.sockets))
        for problem in problems:  # somebody was faster since the trial: too late to go back, and no reason to stop
            _log.error("%s", problem)
        return sockets

    async def _serve(self, sockets: Sockets) -> None:
        try:
            control, workers = self._slots(sockets)
            leaving = self._adopt([control, *workers])
            slots = [control, *workers, *leaving]
            found = [slot for slot in slots if slot.process is not None]
            self._listen_to_signals()
            async with Tasks("supervisor") as tasks:
                for slot in (control, *workers):
                    tasks.spawn(slot.name, slot.keep_running())
                watching = tasks.spawn("watch", self._watch(slots))
                reloads = tasks.spawn("reload", self._reload(sockets, slots, found))
                await self._stopping.wait()
                reloads.cancel()
                await self._stop_all(control, [*workers, *leaving], sockets)
                watching.cancel()
        finally:
            close_all(sockets)

    def _slots(self, sockets: Sockets) -> tuple[Slot, list[Slot]]:
        path = str(Path(self._config.state.folder) / "channel.sock")
        control = Launch(
            config=self._config,
            parent=os.getpid(),
            admin=tuple(one.fileno() for one in sockets.admin),
            channel=sockets.channel[0].fileno(),
            channel_path=path,
        )
        workers = [
            self._worker_slot(
                f"worker-{slot}",
                Launch(
                    config=self._config,
                    parent=os.getpid(),
                    slot=slot,
                    http=tuple(one.fileno() for one in sockets.http[slot]),
                    https=tuple(one.fileno() for one in sockets.https[slot]),
                    peers=tuple(one.fileno() for one in sockets.peers[slot]),
                    dns_udp=tuple(one.fileno() for one in sockets.dns_udp[slot]),
                    dns_tcp=tuple(one.fileno() for one in sockets.dns_tcp[slot]),
                    channel_path=path,
                ),
            )
            for slot in range(len(sockets.http))
        ]
        stop = _CONTROL_STOP_SECONDS
        return Slot("control", "control", control, stop_seconds=stop, linger_seconds=stop), workers

    def _worker_slot(self, name: str, launch: Launch) -> Slot:
        http = self._config.http
        linger = max(http.drain_seconds, http.tunnel_drain_seconds) + _EXTRA_SECONDS
        return Slot(name, "worker", launch, stop_seconds=http.drain_seconds + _EXTRA_SECONDS, linger_seconds=linger)

    def _adopt(self, slots: list[Slot]) -> list[Slot]:
        """Put the children of the last generation into their slots; the slots of those that have none any more."""
        by_name = {slot.name: slot for slot in slots}
        leaving: dict[str, Slot] = {}
        for left in self._before.children if self._before is not None else ():
            process = Process.adopt(left.name, left.pid, left.pulse, is_ready=left.serves)
            process.due = left.due
            slot = by_name.get(left.name) or leaving.get(left.name)
            if slot is None:
                slot = leaving[left.name] = self._worker_slot(left.name, Launch(config=self._config))
            if left.due:
                slot.retired.append(process)
            else:
                slot.process = process
        return list(leaving.values())

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        for number in (signal.SIGHUP, signal.SIGUSR2):
            loop.add_signal_handler(number, self._reloading.set)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # blocked since before exec, if there was one

    async def _watch(self, slots: list[Slot]) -> None:
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = loop.time()
            paused = now - looked - _LOOK_SECONDS  # it was we who stood still: nobody else's silence counts
            looked = now
            for slot in slots:
                slot.look(now, self._config.watchdog_seconds, paused)

    # --- the next generation

    async def _reload(self, sockets: Sockets, slots: list[Slot], found: list[Slot]) -> None:
        """Replace what the last generation left in its slots; then, on a signal, become the next one."""
        if self._before is not None:
            await self._replace_all(slots, found)
        while True:
            await self._reloading.wait()
            self._reloading.clear()
            settings = await accepted(self._handover(sockets, slots))
            if settings is not None:
                _log.info("becoming what is on disk now")
                become(self._handover(sockets, slots, settings))

    async def _replace_all(self, slots: list[Slot], found: list[Slot]) -> None:
        """Control first, so that new workers get the newest table; who has no slot any more at last."""
        done = True
        for slot in found:
            if slot.role == "control":
                if not await slot.restart(_CONTROL_READY_SECONDS):
                    _log.warning("control does not see everything yet, workers are replaced all the same")
            elif slot.launch.descriptors:
                done = await slot.replace() and done
            else:
                slot.dismiss()
        if done and not self._stopping.is_set():
            _log.info("the new generation serves", extra={"children": len(slots), "version": __version__})

    def _handover(self, sockets: Sockets, slots: list[Slot], settings: bytes = b"") -> Handover:
        children = [
            Left(name=slot.name, pid=each.pid, pulse=each.pulse, serves=each.serves, due=each.due)
            for slot in slots
            for each in slot.here
        ]
        return Handover(
            settings=settings,
            folder=self._config.state.folder,
            lock=self._folder.descriptor,
            sockets=tuple(sockets.kept),
            children=tuple(children),
        )

    # --- the end

    async def _stop_all(self, control: Slot, workers: list[Slot], sockets: Sockets) -> None:
        for worker in workers:
            worker.stopping.set()  # nobody is started any more, so that the sockets are not needed again
        # With our copies open, new connections would still be queued, and wait for nobody while the workers drain.
        close_data(sockets)
        async with Tasks("supervisor.stop") as tasks:
            for worker in workers:
                tasks.spawn(worker.name, worker.stop())
        await control.stop()

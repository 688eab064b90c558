"""One "container" of the embedded engine: a spec, an address, and at most one running process at a time.

Life: created -> running -> stopped -> running ... -> removed. `start`, `stop` and the restart policy move it; a process
that ends moves it to stopped. Between two lives of a restart policy it is stopped, with a timer set.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tidegate.engine.port import ContainerDetail, ContainerSpec, ContainerSummary, LogLine
from tidegate.engine.process_addresses import listen_port
from tidegate.engine.process_child import Child
from tidegate.engine.process_logs import LogRing
from tidegate.errors import EngineError
from tidegate.model import InstanceState, NetworkAddress, PublishedPort

NETWORK = "process"
FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 60.0
GOOD_LIFE_SECONDS = 10.0  # one that long starts the back-off anew
KILLED_SECONDS = 5.0  # SIGKILL takes effect at once, or the kernel holds the process

Emit = Callable[[str, str, dict[str, str]], None]

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
_PLACEHOLDER = re.compile(r"\$\{(ADDRESS|PORT)(?::?-[^}]*)?\}")


class ProcessContainer:
    """`emit(action, id, attributes)` is told what happens to it."""

    def __init__(self, spec: ContainerSpec, address: str, folder: Path, emit: Emit) -> None:
        self.id = secrets.token_hex(32)
        self.spec = spec
        self.address = address
        self.logs = LogRing()
        self._folder = folder / spec.working_dir  # an absolute one stands for itself
        self._emit = emit
        self._ports = tuple(dict.fromkeys((*spec.ports, *_published(spec))))
        self._listen = listen_port(address, self._ports[0]) if self._ports else 0
        self._created_at = time.time()
        self._started_at = 0.0  # of the present or last life
        self._exit_code: int | None = None  # of the last life
        self._restarts = 0
        self._child: Child | None = None  # while a process runs
        self._stopping = False  # told to stop since the last start: the restart policy is off
        self._restart: asyncio.TimerHandle | None = None  # while waiting between two lives
        self._backoff = FIRST_BACKOFF_SECONDS
        self.tell("create")

    # ---------------------------------------------------------------------------------------------------------- moving

    def start(self) -> None:
        """Run it, if it does not; raises EngineError when the command cannot be started."""
        if self._child is not None:
            return
        self._cancel_restart()
        self._stopping = False
        self._backoff = FIRST_BACKOFF_SECONDS
        self._begin()

    async def stop(self, timeout_seconds: float) -> None:
        """Ask it to end, wait, then kill it; the restart policy keeps still until the next start."""
        self._stopping = True
        waited = self._cancel_restart()
        child = self._child
        if child is None:
            if waited:
                self.tell("stop")
            return
        self.send(signal_number(self.spec.stop_signal or "SIGTERM"))
        if not await exited(child, timeout_seconds):
            await self._kill(child)
        self.tell("stop")

    async def kill(self) -> None:
        """End it now."""
        self._stopping = True
        self._cancel_restart()
        if self._child is not None:
            await self._kill(self._child)

    def halt(self, number: int) -> None:
        """Send it `number` and let no policy start it again; does not wait."""
        self._stopping = True
        self._cancel_restart()
        self.send(number)

    async def ended(self) -> None:
        """Return when no process runs; the caller sets the deadline."""
        if self._child is not None:
            await self._child.exited.wait()

    def send(self, number: int) -> None:
        """Send it a signal, and tell."""
        if self._child is not None:
            self.tell("kill", signal=str(number))
            self._child.signal(number)

    def tell(self, action: str, **more: str) -> None:
        self._emit(action, self.id, {**self.spec.labels, "image": self.spec.image, "name": self.spec.name, **more})

    async def _kill(self, child: Child) -> None:
        self.send(signal.SIGKILL)
        await exited(child, KILLED_SECONDS)

    def _begin(self) -> None:
        child = Child(self._line, self._ended)
        command = tuple(self._filled(part) for part in _words(self.spec))
        child.start(command, self.environment(), self._folder, self.spec.user)
        self._child = child
        self._started_at = time.time()
        self._exit_code = None
        self.logs.open()
        self.tell("start")

    def _line(self, text: str, stream: str) -> None:
        self.logs.append(LogLine(text=text, stream=stream, at=time.time()))

    def _ended(self, exit_code: int) -> None:
        self._child = None
        self._exit_code = exit_code
        self.tell("die", exitCode=str(exit_code))
        if self._wants_restart(exit_code):
            if time.time() - self._started_at >= GOOD_LIFE_SECONDS:
                self._backoff = FIRST_BACKOFF_SECONDS
            self._schedule()
        else:
            self.logs.close()

    def _wants_restart(self, exit_code: int) -> bool:
        policy, _, limit = self.spec.restart.partition(":")
        if self._stopping:
            return False
        if policy == "on-failure":
            return exit_code != 0 and (not limit or self._restarts < int(limit))
        return policy in ("always", "unless-stopped")

    def _schedule(self) -> None:
        self._restart = asyncio.get_running_loop().call_later(self._backoff, self._again)
        self._backoff = min(self._backoff * 2, LONGEST_BACKOFF_SECONDS)

    def _again(self) -> None:
        self._restart = None
        self._restarts += 1
        try:
            self._begin()
        except EngineError as error:
            self._line(str(error), "stderr")  # nobody waits for this start: its log is where one looks
            self._ended(127)

    def _cancel_restart(self) -> bool:
        handle, self._restart = self._restart, None
        if handle is not None:
            handle.cancel()
            self.logs.close()
        return handle is not None

    # --------------------------------------------------------------------------------------------------------- looking

    @property
    def running(self) -> bool:
        return self._child is not None

    @property
    def pid(self) -> int:
        return self._child.pid if self._child is not None else 0

    @property
    def state(self) -> InstanceState:
        if self._child is not None:
            return InstanceState.RUNNING
        return InstanceState.STOPPED if self._started_at else InstanceState.CREATED

    def environment(self) -> dict[str, str]:
        """What its processes see: where they are, then what the spec says. Nothing of Tidegate's own but the path."""
        place = {
            "HOST": self.address,
            "ADDRESS": self.address,
            "TIDEGATE_ADDRESS": self.address,
            "HOSTNAME": self.spec.hostname or self.spec.name,
        }
        if self._listen:
            place["PORT"] = str(self._listen)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        given = {name: self._filled(value) for name, value in self.spec.environment.items()}
        return {**inherited, **place, **given}

    @property
    def folder(self) -> Path:
        return self._folder

    def summary(self) -> ContainerSummary:
        """Its row of a list."""
        return ContainerSummary(
            id=self.id,
            names=(self.spec.name,),
            state=self.state,
            labels=self.spec.labels,
            addresses=((NETWORK, self.address if self.running else "", ""),),
            created_at=self._created_at,
        )

    def detail(self) -> ContainerDetail:
        """All there is to know. Like a container it has its address only while it runs."""
        spec = self.spec
        return ContainerDetail(
            id=self.id,
            name=spec.name,
            image=spec.image,
            state=self.state,
            labels=spec.labels,
            environment=tuple(f"{name}={value}" for name, value in self.environment().items()),
            command=_words(spec),
            entrypoint=tuple(filter(None, spec.entrypoint)),
            hostname=spec.hostname or spec.name,
            networks=(self._network(),),
            network_mode=NETWORK,
            exposed=tuple(sorted(self._ports)),
            published=self._published(),
            stop_signal=spec.stop_signal or "SIGTERM",
            stop_timeout_seconds=spec.stop_timeout_seconds,
            created_at=self._created_at,
            started_at=self._started_at,
            exit_code=self._exit_code,
            restarts=self._restarts,
            restarting=self._restart is not None,
        )

    def _network(self) -> NetworkAddress:
        aliases = dict.fromkeys(alias for how in self.spec.networks.values() for alias in how.aliases)
        return NetworkAddress(
            network=NETWORK,
            name=NETWORK,
            ipv4=self.address if self.running else "",
            aliases=tuple(aliases),
            routable=True,
        )

    def _published(self) -> tuple[PublishedPort, ...]:
        """Only a port that had to be moved: any other is reached at the address itself."""
        if not self.running or not self._ports or self._listen == self._ports[0]:
            return ()
        return (PublishedPort(container_port=self._ports[0], host_ip=self.address, host_port=self._listen),)

    def _filled(self, text: str) -> str:
        values = {"ADDRESS": self.address, "PORT": str(self._listen or "")}
        return _PLACEHOLDER.sub(lambda found: values[found[1]], text)


def _published(spec: ContainerSpec) -> tuple[int, ...]:
    return tuple(each.port for each in spec.publish if each.protocol == "tcp")


def _words(spec: ContainerSpec) -> tuple[str, ...]:
    """What is run; an entry point of one empty word is none."""
    return (*(word for word in spec.entrypoint if word), *spec.command)


def signal_number(name: str) -> int:
    """`SIGTERM`, `TERM` or `15` -> 15; raises ValueError for what is no signal."""
    if name.isdigit():
        return int(signal.Signals(int(name)))
    try:
        return int(signal.Signals[f"SIG{name.upper().removeprefix('SIG')}"])
    except KeyError:
        raise ValueError(f"{name!r} is no signal") from None


async def exited(child: Child, seconds: float) -> bool:
    """True once `child` has ended, False after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await child.exited.wait()
    except TimeoutError:
        return False
    return True

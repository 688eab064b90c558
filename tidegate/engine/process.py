"""The embedded engine: containers without Docker, each a local process on a loopback address of its own.

A `ContainerSpec` is run as it stands, without its image: the command is looked up on this host. It finds its address in
HOST (also ADDRESS, TIDEGATE_ADDRESS), its first port in PORT, and both as `${ADDRESS}` and `${PORT}` in command and
environment. What is not honoured, for want of a container, is told by `process_lacks`. What it does and tells is otherwise
what Docker does and tells.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tidegate import __version__
from tidegate.engine.compose_labels import next_number
from tidegate.engine.port import (
    ContainerDetail,
    ContainerSpec,
    ContainerSummary,
    Duplicate,
    EngineEvent,
    EngineInfo,
    ExecResult,
    HeldImage,
    Image,
    LogLine,
    Network,
    PullStep,
    Stats,
    Volume,
)
from tidegate.engine.process_addresses import SUBNET, AddressPool
from tidegate.engine.process_child import Child
from tidegate.engine.process_container import KILLED_SECONDS, NETWORK, ProcessContainer, exited, signal_number
from tidegate.engine.process_duplicate import duplicate_spec
from tidegate.engine.process_events import EventLog
from tidegate.engine.process_lacks import unable
from tidegate.engine.process_stats import session_stats
from tidegate.engine.spec import MountKind, NetworkSpec, VolumeSpec
from tidegate.errors import EngineConflict, EngineError, NoSuchThing, Problem

EXEC_OUTPUT_BYTES = 64 << 10
CLOSE_SECONDS = 3.0


class ProcessEngine:
    """Implements `port.Engine`. Processes start in `folder`; a relative `working_dir` is below it."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._containers: dict[str, ProcessContainer] = {}
        self._addresses = AddressPool()
        self._networks: dict[str, NetworkSpec] = {}
        self._volumes: dict[str, VolumeSpec] = {}
        self._events = EventLog(self.name)

    @property
    def name(self) -> str:
        return "process"

    async def close(self) -> None:
        """Stop every process, all at once: their stop signal, up to 3 s, then SIGKILL. Event streams end."""
        containers = tuple(self._containers.values())
        for container in containers:
            container.halt(signal_number(container.spec.stop_signal or "SIGTERM"))
        await _all_ended(containers, CLOSE_SECONDS)
        for container in containers:
            container.send(signal.SIGKILL)
        await _all_ended(containers, KILLED_SECONDS)
        self._containers.clear()
        self._addresses.close()
        self._events.close()

    # --------------------------------------------------------------------------------------------------------- looking

    async def info(self) -> EngineInfo:
        return EngineInfo(
            name=os.uname().nodename, version=__version__, api="", now=time.time(), cpus=float(os.cpu_count() or 0)
        )

    async def ping(self) -> None:
        """It answers as long as we run."""

    async def list(self) -> tuple[ContainerSummary, ...]:
        return tuple(container.summary() for container in self._containers.values())

    async def inspect(self, container: str) -> ContainerDetail:
        return self._find(container).detail()

    async def networks(self) -> tuple[Network, ...]:
        """The loopback, where the host itself is 127.0.0.1 and every process is; others are names that somebody gave."""
        given = (
            Network(id=name, name=name, driver=NETWORK, labels=spec.labels) for name, spec in self._networks.items()
        )
        return (Network(id=NETWORK, name=NETWORK, driver=NETWORK, subnets=(SUBNET,), gateways=("127.0.0.1",)), *given)

    async def volumes(self) -> tuple[Volume, ...]:
        """Names that somebody gave: a process sees the host's own files."""
        return tuple(Volume(name=name, driver=NETWORK, labels=spec.labels) for name, spec in self._volumes.items())

    def events(self, since_ns: int) -> AsyncIterator[EngineEvent]:
        return self._events.read(since_ns)

    async def stats(self, container: str) -> Stats:
        pid = self._find(container).pid
        return session_stats(pid, time.time()) if pid else Stats(at=0.0, cpu_seconds=0.0, memory_bytes=0)

    async def logs(
        self, container: str, tail: int = 100, follow: bool = False, since: float = 0.0
    ) -> AsyncIterator[LogLine]:
        async for line in self._find(container).logs.read(tail, follow, since):
            yield line

    # -------------------------------------------------------------------------------------------------------- changing

    async def create(self, spec: ContainerSpec) -> str:
        self._check(spec)
        container = ProcessContainer(spec, self._addresses.take(), self._folder, self._events.emit)
        self._containers[container.id] = container
        return container.id

    async def duplicate(self, container: str, change: Duplicate) -> str:
        """Two of them never stand in each other's way: each has an address of its own, and publishes nothing."""
        original = self._find(container).spec
        if (made := self._made(change)) is not None:
            return made.id
        labels = (each.spec.labels for each in self._containers.values())
        return await self.create(duplicate_spec(original, change, next_number(original.labels, labels)))

    async def rehearse(self, container: str, change: Duplicate) -> tuple[Problem, ...]:
        original = self._find(container).spec
        if self._made(change) is None:
            self._check(duplicate_spec(original, change, 0))
        return ()

    async def image(self, name: str) -> Image:
        """Without containers an image is only a word."""
        return Image(id=name, name=name)

    async def latest(self, name: str) -> str:  # noqa: ARG002  the port's parameter
        """Nobody has to be asked."""
        return ""

    async def held_images(self) -> tuple[HeldImage, ...]:
        """None: every word would do."""
        return ()

    async def pull(self, name: str) -> AsyncIterator[PullStep]:
        yield PullStep(said=f"{name} is only a word here: a process needs no image")

    async def start(self, container: str) -> None:
        self._find(container).start()

    async def stop(self, container: str, timeout_seconds: float | None = None) -> None:
        found = self._find(container)
        await found.stop(found.spec.stop_timeout_seconds if timeout_seconds is None else timeout_seconds)

    async def keep_stopped(self, container: str) -> None:
        """It is no other way here: what was stopped stays so until it is started."""
        self._find(container)

    async def remove(self, container: str, force: bool = False) -> None:
        found = self._find(container)
        if found.running and not force:
            raise EngineError(_refused(f"remove {container}: it is running", "stop it first, or remove it with force"))
        await found.kill()
        if self._containers.pop(found.id, None) is not None:  # not removed by someone else meanwhile
            self._addresses.free(found.address)
            found.tell("destroy")

    async def create_network(self, spec: NetworkSpec) -> str:
        if spec.name in self._networks or spec.name == NETWORK:
            raise EngineConflict(_refused(f"create network {spec.name}: the name is in use", "take another name"))
        self._networks[spec.name] = spec
        return spec.name

    async def remove_network(self, network: str) -> None:
        if any(network in container.spec.networks for container in self._containers.values()):
            raise EngineError(_refused(f"remove network {network}: containers are on it", "remove them first"))
        if self._networks.pop(network, None) is None:
            raise NoSuchThing(Problem(code="T1112", text=f"no such network: {network}", place=self.name))

    async def create_volume(self, spec: VolumeSpec) -> str:
        self._volumes.setdefault(spec.name, spec)
        return spec.name

    async def remove_volume(self, name: str) -> None:
        mounts = (mount for container in self._containers.values() for mount in container.spec.mounts)
        if any(mount.kind is MountKind.VOLUME and mount.source == name for mount in mounts):
            raise EngineConflict(_refused(f"remove volume {name}: containers use it", "remove them first"))
        if self._volumes.pop(name, None) is None:
            raise NoSuchThing(Problem(code="T1112", text=f"no such volume: {name}", place=self.name))

    async def exec(self, container: str, command: tuple[str, ...], timeout_seconds: float) -> ExecResult:
        """Run `command` beside the process, with its environment; after `timeout_seconds` it is killed, EngineError."""
        found = self._find(container)
        if not found.running:
            raise EngineError(_refused(f"exec in {container}: it is not running", "start it first"))
        output = _Output()
        child = Child(output.add, lambda _: None)
        child.start(command, found.environment(), found.folder, found.spec.user)
        try:
            async with asyncio.timeout(timeout_seconds):
                await child.exited.wait()
        except TimeoutError as error:
            raise EngineError(_exec_late(container, command, timeout_seconds)) from error
        finally:
            child.signal(signal.SIGKILL)
            await exited(child, KILLED_SECONDS)
        assert child.exit_code is not None
        return ExecResult(exit_code=child.exit_code, output=output.text)

    # --------------------------------------------------------------------------------------------------------- private

    def _check(self, spec: ContainerSpec) -> None:
        """Refuse what could never start, and a second container of one name."""
        if (problem := unable(spec)) is not None:
            raise EngineError(problem)
        if self._named(spec.name) is not None:
            raise EngineError(_refused(f"create {spec.name}: the name is in use", "remove the other one first"))
        if spec.stop_signal:
            try:
                signal_number(spec.stop_signal)
            except ValueError as error:
                raise EngineError(_refused(f"create {spec.name}: {error}", "write it like SIGTERM")) from error

    def _named(self, name: str) -> ProcessContainer | None:
        return next((container for container in self._containers.values() if container.spec.name == name), None)

    def _made(self, change: Duplicate) -> ProcessContainer | None:
        """What an earlier call made of `change`."""
        found = self._named(change.name)
        return found if found is not None and change.made(found.spec.labels) else None

    def _find(self, container: str) -> ProcessContainer:
        """By id, by name, or by the beginning of an id that fits only one."""
        if container in self._containers:
            return self._containers[container]
        named = [found for found in self._containers.values() if found.spec.name == container]
        begun = [found for key, found in self._containers.items() if container and key.startswith(container)]
        candidates = named or begun
        if len(candidates) == 1:
            return candidates[0]
        raise NoSuchThing(Problem(code="T1112", text=f"no such process: {container}", place=self.name))


class _Output:
    """The first 64 KiB of what a command writes, both outputs together."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, line: str, _stream: str) -> None:
        self.text += f"{line}\n"[: EXEC_OUTPUT_BYTES - len(self.text)]


async def _all_ended(containers: tuple[ProcessContainer, ...], seconds: float) -> None:
    """Wait until none runs any more, or until `seconds` have passed."""
    try:
        async with asyncio.timeout(seconds):
            for container in containers:
                await container.ended()
    except TimeoutError:
        return


def _refused(text: str, mend: str) -> Problem:
    return Problem(code="T1123", text=text, place="process", mend=mend, kept="nothing was changed")


def _exec_late(container: str, command: tuple[str, ...], seconds: float) -> Problem:
    return Problem(
        code="T1114",
        text=f"the command {' '.join(command)!r} in {container} did not end within {seconds:g} s",
        place=container,
        mend="give it more time",
        kept="the command was killed",
    )

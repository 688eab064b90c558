"""`serve --stack FILE`: a Compose-like file that runs from start to end of the control process, then is removed.

Names are fixed by the file, so that what a control process that died left behind is taken over, not doubled.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from tidegate.engine.port import ContainerSpec, Engine
from tidegate.engine.process_lacks import lacking
from tidegate.engine.spec import NetworkSpec, VolumeSpec
from tidegate.errors import ConfigError, EngineError, NoSuchThing, Severity
from tidegate.stacks.file import ComposeFile
from tidegate.stacks.ground import ground
from tidegate.stacks.reader import read_file
from tidegate.telemetry import logger

_log = logger("stack")


class NetworkMaker(Protocol):
    """An engine that can make networks and volumes (Docker; processes need none)."""

    async def create_network(self, spec: NetworkSpec) -> str: ...

    async def remove_network(self, network: str) -> None: ...

    async def create_volume(self, spec: VolumeSpec) -> str: ...


class Stack:
    """The containers of one file on one engine."""

    def __init__(self, engine: Engine, file: ComposeFile, maker: NetworkMaker | None) -> None:
        self._engine = engine
        self._file = file
        self._maker = maker
        self._started: list[str] = []
        self._networks: list[str] = []

    @classmethod
    def read(cls, engine: Engine, path: str, maker: NetworkMaker | None = None) -> Stack:
        """Read the file. Raises ConfigError with all that is wrong with it."""
        file = read_file(path)
        if file.errors:
            raise ConfigError(*file.errors)
        for problem in file.problems:
            _log.warning("%s", problem)
        if maker is None:
            for service in file.services:
                for problem in lacking(service.template):
                    _log.warning("%s", problem)
        return cls(engine, file, maker)

    async def run(self) -> None:
        """Start everything, stay until cancelled, remove everything."""
        try:
            await self._make_ground()
            for spec in self._file.specs:
                await self._start(spec)
            _log.info("stack runs", extra={"containers": len(self._started)})
            await asyncio.Event().wait()
        finally:
            await asyncio.shield(self._remove())

    async def _make_ground(self) -> None:
        """Networks go at the end, volumes stay. Raises EngineError where something external is missing."""
        if self._maker is None:
            return
        seen = (await self._engine.networks(), await self._engine.volumes())
        found = ground(self._file.networks, self._file.volumes, seen, await self._engine.info())
        errors = tuple(problem for problem in found.problems if problem.severity is Severity.ERROR)
        if errors:
            raise EngineError(*errors)
        for problem in found.problems:
            _log.warning("%s", problem)
        for network in found.networks:
            self._networks.append(await self._maker.create_network(network))
        for volume in found.volumes:
            await self._maker.create_volume(volume)

    async def _start(self, spec: ContainerSpec) -> None:
        for summary in await self._engine.list():
            if spec.name in summary.names:
                await self._engine.remove(summary.id, force=True)
        container = await self._engine.create(spec)
        self._started.append(container)
        await self._engine.start(container)

    async def _remove(self) -> None:
        for container in reversed(self._started):
            try:
                await self._engine.remove(container, force=True)
            except NoSuchThing:
                continue
            except EngineError as error:
                _log.error("could not remove a container of the stack: %s", error)
        for network in self._networks:
            try:
                assert self._maker is not None, "networks are only made with a maker"
                await self._maker.remove_network(network)
            except EngineError as error:
                _log.error("could not remove a network of the stack: %s", error)

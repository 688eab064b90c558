"""What a stack's containers stand on, beside their images: its networks and volumes, on one engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from tidegate.engine.port import Engine
from tidegate.errors import EngineError, NoSuchThing, Severity
from tidegate.stacks.ground import ground, mounted
from tidegate.stacks.stack import Member, Stack
from tidegate.telemetry import logger

_log = logger("control.grounds")


class Grounds:
    """Makes what is needed, when it is needed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._making = asyncio.Lock()  # two replicas must not both find a network missing

    async def ensure(self, stack: Stack, member: Member) -> None:
        """The networks that the member is on, and the volumes that it mounts. Raises EngineError where somebody else was to make one
        and did not.
        """
        networks, volumes = mounted(member.template, stack.networks, stack.volumes)
        async with self._making:
            seen = (await self._engine.networks(), await self._engine.volumes())
            found = ground(networks, volumes, seen, await self._engine.info())
            errors = tuple(problem for problem in found.problems if problem.severity is Severity.ERROR)
            if errors:
                raise EngineError(*errors)
            for problem in found.problems:
                _log.warning("%s", problem)
            for network in found.networks:
                await self._engine.create_network(network)
            for volume in found.volumes:
                await self._engine.create_volume(volume)

    async def clear(self, stack: Stack) -> None:
        """Take the networks away, and the volumes where that was said. Raises EngineError while something is still in use."""
        networks = {network.name for network in await self._engine.networks()}
        for network in (*stack.networks, *stack.former):
            if not network.external and network.name in networks:
                await self._quietly(self._engine.remove_network(network.name))
        if not stack.volumes_too:
            return
        volumes = {volume.name for volume in await self._engine.volumes()}
        for volume in stack.volumes:
            if not volume.external and volume.name in volumes:
                await self._quietly(self._engine.remove_volume(volume.name))

    async def _quietly(self, removal: Awaitable[None]) -> None:
        """What somebody else removed meanwhile is gone as well."""
        try:
            await removal
        except NoSuchThing:
            return

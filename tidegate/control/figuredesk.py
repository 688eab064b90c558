"""Where control answers other nodes' questions on figures: a Unix socket, which this node's router passes their connections to once they
have shown that they belong to the cluster (`router.peering`).

One question for each connection: a line of JSON, answered by JSON and the end. Nothing else can be had here, and nothing changed: who
listens between the nodes and repeats what he heard gets figures.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from msgspec import DecodeError, json

from tidegate.control.figures import Figures, Question, counted
from tidegate.control.metering import Metering
from tidegate.control.traffic import Traffic
from tidegate.model import Instance, Inventory
from tidegate.telemetry import logger

MAX_QUESTION = 1 << 20  # some thousand containers
AT_ONCE = 16
SECONDS = 10.0  # for all of it; reading a container has five


class FigureDesk:
    """Answers for this node. `inventories` gives what is seen now, `wall` seconds since the epoch."""

    def __init__(
        self,
        metering: Metering,
        traffic: Traffic,
        inventories: Callable[[], Mapping[str, Inventory]],
        wall: Callable[[], float],
    ) -> None:
        self._metering = metering
        self._traffic = traffic
        self._inventories = inventories
        self._wall = wall
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(self, listening: socket.socket) -> None:
        """Answer until cancelled. The socket is ours from now on."""
        server = await asyncio.start_unix_server(self._serve, sock=listening, limit=MAX_QUESTION)
        async with server:
            await server.serve_forever()

    async def answer(self, question: Question) -> Figures:
        """What is asked for. Costs a reading of each container that is named."""
        loads = await self._metering.read(self._named(question))
        if question.everything:
            loads = {**self._metering.loads, **loads}
        service = question.service
        return Figures(
            now=self._wall(),
            loads=loads,
            counted=counted(self._traffic, service, question.version) if service else None,
            host=self._metering.host,
        )

    def _named(self, question: Question) -> list[Instance]:
        wanted = frozenset(question.instances)
        found = (each.services.get(question.service, ()) for each in self._inventories().values() if wanted)
        return [each for instances in found for each in instances if each.id in wanted]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS), self._places:
                question = json.decode(await reader.readline(), type=Question)
                writer.write(json.encode(await self.answer(question)))
                await writer.drain()
        except (TimeoutError, OSError, ValueError, DecodeError) as error:  # a line that is too long is a ValueError
            logger("control").warning("a question of another node is not answered", extra={"cause": str(error)})
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

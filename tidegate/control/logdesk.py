"""What nodes tell each other of what their replicas write: a desk in each control, beside that for figures.

    asks      one JSON object and a line end: `stacklogs.Asked`
    answers   one JSON object a line: `stacklogs.Row`; an empty line now and then; `null` when that was all

It is a Unix socket in the state folder. Who comes from another node is led there by our router, after he has shown that he belongs to the
cluster (`router.peering`), and gets nothing else of control.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable

from msgspec import json

from tidegate.control.ports import OthersPort
from tidegate.control.stacklogs import Asked, Reading, Row, Source, encoded
from tidegate.errors import Problem, TidegateError
from tidegate.tasks import Tasks
from tidegate.telemetry import logger
from tidegate.value import Value

MOST_ASKERS = 64
ASK_SECONDS = 10.0  # for who asks to say what, and between two lines of an answer
_OVER = b"null\n"

_log = logger("control.logs")


class LogDesk:
    """`look(service)` gives the sources of this node."""

    def __init__(self, look: Callable[[str], Iterable[Source]]) -> None:
        self._look = look
        self._open = 0  # connections that are answered now

    async def run(self, listening: socket.socket) -> None:
        """Answer until cancelled. The socket is ours from now on."""
        async with Tasks("logs") as tasks:

            def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                tasks.spawn("answer", self._answer(reader, writer))

            server = await asyncio.start_unix_server(come, sock=listening)
            async with server:
                await asyncio.get_running_loop().create_future()  # until cancelled

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST_ASKERS:
                await self._tell(reader, writer)
        except* (OSError, ValueError) as error:
            _log.debug("who asked is gone, or says nothing we know", extra={"cause": str(error)})
        finally:
            self._open -= 1
            writer.close()

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(ASK_SECONDS):
            asked = json.decode(await reader.readline(), type=Asked)

        async def write(row: Row | None) -> None:
            if reader.at_eof() or writer.is_closing():
                raise ConnectionResetError("who asked is gone")
            writer.write(encoded(row))
            await writer.drain()

        await Reading(lambda: self._look(asked.service), asked, write).run()
        writer.write(_OVER)
        async with asyncio.timeout(ASK_SECONDS):
            await writer.drain()


class There(Value):
    """What replicas on another node wrote, as a source."""

    node: str
    others: OthersPort
    lives: bool = True

    @property
    def key(self) -> str:
        return f"node {self.node}"

    async def read(self, asked: Asked) -> AsyncIterator[Row]:
        """As its control tells it. Raises TidegateError (T2307) where it does not."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                reader, writer = await self.others.logs(self.node)
        except TimeoutError:
            raise _lost(self.node, f"no answer within {ASK_SECONDS:g} s") from None
        try:
            writer.write(json.encode(asked) + b"\n")
            async for row in self._rows(reader):
                yield row
        except (OSError, ValueError) as error:
            raise _lost(self.node, str(error) or type(error).__name__) from error
        finally:
            writer.close()

    async def _rows(self, reader: asyncio.StreamReader) -> AsyncIterator[Row]:
        while (line := await self._line(reader)) != _OVER:
            if line.strip():
                yield json.decode(line, type=Row)

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        """The next line. Raises ConnectionError where there is none."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                line = await reader.readline()
        except TimeoutError:
            raise ConnectionError(f"nothing for {ASK_SECONDS:g} s") from None
        if not line.endswith(b"\n"):
            raise ConnectionError("the connection ended")
        return line


def _lost(node: str, cause: str) -> TidegateError:
    return TidegateError(
        Problem(
            code="T2307",
            text=f"{node} does not tell what its replicas write",
            place=node,
            cause=cause,
            mend="see tidegate ls nodes; and ask on that node itself",
        )
    )

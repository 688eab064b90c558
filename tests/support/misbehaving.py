"""A TCP server that answers what it is told to, in pieces, and may then hang; and a port where nobody listens."""

from __future__ import annotations

import asyncio
import socket

from tidegate.model import Address


class Server:
    """Set `answer`, `piece` (bytes per write, 0 all at once) and `hang` (stay open after the answer) at any time."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.address = Address(host=host, port=port or closed_port(host).port)
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        self.piece = 0
        self.hang = False
        self.received: list[bytes] = []  # what each connection said first
        self.accepted = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, self.address.host, self.address.port, reuse_address=True, limit=1 << 20
        )

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.transport.abort()
            await asyncio.wait_for(self._server.wait_closed(), 5)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.add(writer)
        try:
            self.received.append(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30))
            for at in range(0, len(self.answer), self.piece or len(self.answer) or 1):
                writer.write(self.answer[at : at + (self.piece or len(self.answer))])
                await writer.drain()
            if self.hang:
                await asyncio.wait_for(reader.read(), 30)
        except (OSError, asyncio.IncompleteReadError):
            return  # the probe had what it wanted
        finally:
            self._writers.discard(writer)
            writer.close()


def closed_port(host: str = "127.0.0.1") -> Address:
    """An address that was free a moment ago."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return Address(host=host, port=probe.getsockname()[1])

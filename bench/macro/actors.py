"""Containers that a script plays: each an address of 127.0.0.0/8 whose port opens and closes when the script says.

An actor answers every request with its own address after a few milliseconds, and echoes WebSocket frames. `Silent` is an
address that answers nothing at all, as one on a network that the proxy does not share: its listener's queue is full, so the kernel
drops every further SYN (tcp(7), listen(2)).
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from bench.macro import websockets
from bench.macro.loopback import ANSWER

WORK_SECONDS = 0.005


class Actor:
    """One container's port. `open` and `close_port` may be called again and again."""

    def __init__(self, ip: str, port: int) -> None:
        self.ip = ip
        self.port = port
        self.requests = 0
        self.leaving = False
        self.connections: set[_Serving] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self.leaving = False
        self._server = await loop.create_server(lambda: _Serving(self), self.ip, self.port, backlog=1024)

    def close_port(self) -> None:
        """What a well-behaved server does at SIGTERM: no new connections, idle ones closed, answers begun are finished."""
        self.leaving = True
        if self._server:
            self._server.close()
            self._server = None
        for connection in list(self.connections):
            connection.leave()

    def end(self) -> None:
        """The process is gone, and with it every connection."""
        self.close_port()
        for connection in list(self.connections):
            connection.cut()


class _Serving(asyncio.Protocol):
    """One connection to an actor. Requests have no body and are not pipelined."""

    def __init__(self, owner: Actor) -> None:
        self._owner = owner
        self._data = b""
        self._busy = False
        self._socket = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        self._owner.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._owner.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self._socket:
            answer, self._data = websockets.echo(self._data)
            self._transport.write(answer)
            return
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        self._data = rest
        if key := websockets.key_of(head):
            self._socket = True
            self._transport.write(websockets.accepting(key))
            return
        self._busy = True
        asyncio.get_running_loop().call_later(WORK_SECONDS, self._answer)

    def leave(self) -> None:
        if not self._busy and not self._socket:
            self._transport.close()

    def cut(self) -> None:
        self._transport.abort()

    def _answer(self) -> None:
        self._busy = False
        self._owner.requests += 1
        body = self._owner.ip.encode()
        self._transport.write(ANSWER % (len(body), body))
        if self._owner.leaving:
            self._transport.close()


class Silent:
    """An address and port that take no connection and refuse none, until closed."""

    def __init__(self, ip: str, port: int) -> None:
        self._listener = socket.socket()
        self._listener.bind((ip, port))
        self._listener.listen(0)
        self._fill = [socket.socket() for _ in range(4)]
        for each in self._fill:
            each.setblocking(False)
            each.connect_ex((ip, port))

    def close(self) -> None:
        for each in (*self._fill, self._listener):
            each.close()

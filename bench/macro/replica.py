"""What runs in the containers of `releases`: a server as most are written, with what makes a release hard. Standard library only.

It answers with `$VERSION` and the container's name, after a few milliseconds, on kept connections, and echoes WebSocket frames. Its port
opens `$START` seconds after its start. At SIGTERM it does what Go's `http.Server.Shutdown` does and most frameworks after it: the port is
closed at once, idle connections too, answers that were begun are finished, then the process ends, and WebSockets with it. It does
not wait for those who have not heard yet that it leaves.

Bad versions: `$NEVER` opens no port, `$CRASH` ends it so many seconds after its start, with `$ERRORS` 20 every twentieth request is answered
with 503, but never `/healthz`: a check finds nothing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import cast

from bench.macro import websockets

WORK_SECONDS = 0.01
LEAVE_SECONDS = 5.0  # for answers that were begun
ANSWER = b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"


class Replica:
    """One process. `serve` returns when it was told to leave and has nothing left to answer."""

    def __init__(self, version: str, errors: int = 0) -> None:
        self.body = f"{version} {socket.gethostname()}".encode()
        self.connections: set[Serving] = set()
        self.leaving = asyncio.Event()
        self.port = 0  # once it is open
        self._errors = errors
        self._asked = 0

    async def serve(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Serving(self), "0.0.0.0", port, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        await self.leaving.wait()
        server.close()
        for each in tuple(self.connections):
            each.leave()
        async with asyncio.timeout(LEAVE_SECONDS):
            while any(each.busy for each in self.connections):  # noqa: ASYNC110  a few ms, at the very end
                await asyncio.sleep(WORK_SECONDS)

    def answer(self, path: bytes) -> bytes:
        """The answer to one request."""
        status = b"200 OK"
        if path != b"/healthz":
            self._asked += 1
            if self._errors and self._asked % self._errors == 0:
                status = b"503 Sick"
        return ANSWER % (status, len(self.body), self.body)


class Serving(asyncio.Protocol):
    """One connection. Requests are not pipelined; bodies have a length."""

    def __init__(self, owner: Replica) -> None:
        self.busy = False
        self._owner = owner
        self._data = b""
        self._left = 0  # octets of the body to come
        self._path = b""
        self._is_socket = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._owner.connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.busy = False
        self._owner.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._is_socket:
            answer, self._data = websockets.echo(self._data + data)
            self._transport.write(answer)
            return
        if self._left:
            self._take(data)
            return
        head, found, rest = (self._data + data).partition(b"\r\n\r\n")
        if not found:
            self._data = head
            return
        self._data = b""
        if key := websockets.key_of(head):
            self._is_socket = True
            self._transport.write(websockets.accepting(key))
            return
        self.busy = True
        self._path = head.split(b" ", 2)[1]
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        self._left = int(length or 0)
        self._take(rest)

    def leave(self) -> None:
        if not self.busy and not self._is_socket:
            self._transport.close()

    def _take(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left <= 0:
            self._left = 0
            asyncio.get_running_loop().call_later(WORK_SECONDS, self._answer)

    def _answer(self) -> None:
        self.busy = False
        self._transport.write(self._owner.answer(self._path))
        if self._owner.leaving.is_set():
            self._transport.close()


async def main() -> None:
    loop = asyncio.get_running_loop()
    replica = Replica(os.environ.get("VERSION", "v1"), int(os.environ.get("ERRORS", "0")))
    loop.add_signal_handler(signal.SIGTERM, replica.leaving.set)
    if "CRASH" in os.environ:
        loop.call_later(float(os.environ["CRASH"]), os._exit, 3)
    patience = 1e6 if "NEVER" in os.environ else float(os.environ.get("START", "0"))
    try:
        async with asyncio.timeout(patience):
            await replica.leaving.wait()
    except TimeoutError:
        await replica.serve(80)


if __name__ == "__main__":
    asyncio.run(main())

"""A backend that does what backends do on their worst days, by path.

    /never   takes the request and never answers           /cut     sends half of an answer, then resets
    /socket  a WebSocket that echoes                       else     reads the body to its end and answers 200

`python -m bench.macro.misbehaving FILE` writes its port to FILE and serves on 127.0.0.1 until SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

from bench.macro import websockets
from bench.macro.program import LOAD_CORE, Launch, Program, descriptors
from bench.macro.sample import Absent

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + b"x" * 10000
DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ndone\n"


class Misbehaving(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._data = b""
        self._socket = False
        self._left = 0  # bytes of a request's body still to come

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._body(len(data))
            return
        self._data += data
        if self._socket:
            answer, self._data = websockets.echo(self._data)
            self._transport.write(answer)
            return
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if found:
            self._data = b""
            self._head(head, rest)

    def _head(self, head: bytes, rest: bytes) -> None:
        target = head.split(b" ", 2)[1]
        if key := websockets.key_of(head):
            self._socket = True
            self._transport.write(websockets.accepting(key))
        elif target == b"/never":
            return
        elif target == b"/cut":
            self._transport.write(HALF)
            asyncio.get_running_loop().call_later(0.005, self._reset)
        else:
            start = head.lower().find(b"\r\ncontent-length:")
            self._left = int(head[start + 17 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            self._body(len(rest))

    def _body(self, count: int) -> None:
        self._left = max(0, self._left - count)
        if not self._left:
            self._transport.write(DONE)

    def _reset(self) -> None:
        """A RST: linger on, zero seconds (socket(7))."""
        if not self._transport.is_closing():
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()


def start(folder: Path) -> tuple[Program, int]:
    """The program on the load's core and its port; raises Absent after ten seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "port"
    launch = Launch(argv=(sys.executable, "-m", "bench.macro.misbehaving", str(file)), env={"PYTHONPATH": os.getcwd()})
    program = Program("misbehaving", launch, folder, LOAD_CORE)
    deadline = time.monotonic() + 10
    while not (file.exists() and file.read_text()):
        if time.monotonic() > deadline or not program.alive():
            program.stop()
            raise Absent("the misbehaving backend did not start")
        time.sleep(0.02)
    return program, int(file.read_text())


async def _serve(path: str) -> None:
    descriptors()
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(Misbehaving, "127.0.0.1", 0, backlog=4096)
    Path(path).write_text(str(server.sockets[0].getsockname()[1]))  # noqa: ASYNC240  once, before anything is served
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(sys.argv[1]))

"""One listener for every address of 127.0.0.0/8 and ::1: thousands of "containers" without thousands of sockets.

Bound to the wildcard address but to the loopback *device* (SO_BINDTODEVICE), so that nothing is reachable from outside.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from bench.macro.program import LOAD_CORE, Launch, Program, descriptors
from bench.macro.sample import Absent

SO_BINDTODEVICE = 25
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"


def addresses(count: int, *, first: int = 1) -> Iterator[str]:
    """`count` different addresses 127.`first`.x.y and up; 62 500 for each value of the second byte."""
    for number in range(count):
        high, rest = divmod(number, 250 * 250)
        yield f"127.{first + high}.{rest // 250}.{rest % 250 + 1}"


def listener() -> socket.socket:
    """A TCP socket on a free port of every loopback address, IPv4 and IPv6."""
    found = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    found.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"lo\0")
    found.bind(("::", 0))
    found.listen(4096)
    return found


class Endpoints:
    """Answers every request with the address it came to and remembers when each address was last asked."""

    def __init__(self) -> None:
        descriptors()
        self.last_request: dict[str, float] = {}  # address -> monotonic seconds
        self.requests = 0
        self._socket = listener()
        self.port = int(self._socket.getsockname()[1])
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Serving(self), sock=self._socket, backlog=4096)

    async def stop(self) -> None:
        if self._server:
            self._server.close()


class _Serving(asyncio.Protocol):
    """One connection to one endpoint. Requests have no body."""

    def __init__(self, owner: Endpoints) -> None:
        self._owner = owner
        self._address = ""
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._address = transport.get_extra_info("sockname")[0].removeprefix("::ffff:")
        body = self._address.encode()
        self._answer = ANSWER % (len(body), body)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            _, _, self._data = self._data.partition(b"\r\n\r\n")
            self._owner.last_request[self._address] = time.monotonic()
            self._owner.requests += 1
            self._transport.write(self._answer)  # type: ignore[attr-defined]


async def _serve_until_told(path: str) -> None:
    endpoints = Endpoints()
    await endpoints.start()
    Path(path).write_text(str(endpoints.port))  # noqa: ASYNC240  once, before anything is served
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await endpoints.stop()


def start(folder: Path) -> tuple[Program, int]:
    """The same endpoints as a program of their own on the load's core, and their port."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "port"
    launch = Launch(argv=(sys.executable, "-m", "bench.macro.loopback", str(file)), env={"PYTHONPATH": os.getcwd()})
    program = Program("endpoints", launch, folder, LOAD_CORE)
    deadline = time.monotonic() + 10
    while not (file.exists() and file.read_text()):
        if time.monotonic() > deadline or not program.alive():
            program.stop()
            raise Absent("the endpoints did not start")
        time.sleep(0.02)
    return program, int(file.read_text())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve_until_told(sys.argv[1]))

"""Clients that disturb a proxy. `python -m bench.macro.havoc NAME PORT HOST` says `ready` once the disturbance is under way, goes on until
SIGTERM and then tells what it came to; every one of them is bounded in rate or number.

The rates are per second, the connections from several addresses of 127.0.0.0/8 so that no source runs out of ports.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import uvloop

from bench.macro import websockets
from bench.macro.program import LOAD_CORE, Alarm, descriptors
from bench.macro.sample import Absent

SOURCES = tuple(f"127.0.0.{number}" for number in range(2, 6))
ANSWER_SECONDS = 8.0
MIB = 1 << 20
GIB = 1 << 30
PIECE = bytes(262144)
FLOOD_RATE = 1000.0  # garbage, resets
SLOW_RATE = 50.0  # requests that each hold something for long
BIG_RATE = 100.0
QUERY_RATE = 10_000.0  # DNS, by UDP
DIAL_RATE = 500.0  # DNS, by TCP
RAMP_SECONDS = 1.0
HEAD_BYTES = 100_000
GARBAGE_SEED = 7

Act = Callable[[], Awaitable[None]]


class Havoc:
    """Starts one of them; returns when it is under way. Raises Absent if it does not come that far."""

    def __init__(self, name: str, port: int, host: str, *, seconds: float = 60.0) -> None:
        argv = ("taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "bench.macro.havoc", name, str(port), host)
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        with Alarm(self._process, seconds):
            said = self._process.stdout.readline().strip()
        if said != "ready":
            self.stop()
            raise Absent(f"the disturbance `{name}` did not get under way")

    def stop(self) -> float:
        """What it came to since it was ready: acts a second, MiB a second of the large bodies, or connections still held; 0.0
        if it does not tell."""
        assert self._process.stdout
        self._process.send_signal(signal.SIGTERM)
        with Alarm(self._process, 15):
            said = self._process.stdout.readline().strip()
            self._process.wait()
        return float(said or 0)


# ------------------------------------------------------------------------------------------------ the disturbances


class Client:
    """What each disturbance knows: where to connect and what to ask for."""

    def __init__(self, port: int, host: str) -> None:
        self.port = port
        self.host = host
        self.sources = itertools.cycle(SOURCES)
        self.done = 0.0  # acts begun, or MiB moved
        self._rng = random.Random(GARBAGE_SEED)
        self._udp = socket.socket(type=socket.SOCK_DGRAM)
        self._udp.connect(("127.0.0.1", port))
        self._udp.setblocking(False)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(next(self.sources), 0))

    def head(self, target: str, *fields: str, method: str = "GET") -> bytes:
        return "\r\n".join((f"{method} {target} HTTP/1.1", f"Host: {self.host}", *fields, "", "")).encode()

    async def never(self) -> None:
        """One request to a backend that never answers; the client waits."""
        await self._ask(self.head("/never"))

    async def root(self) -> None:
        await self._ask(self.head("/"))

    async def cut(self) -> None:
        await self._ask(self.head("/cut"))

    async def reset(self) -> None:
        """A client that goes away inside its request, or right behind it."""
        _, writer = await self.connect()
        request = self.head("/", "Content-Length: 100000", method="POST") + bytes(500)
        writer.write(self._rng.choice((request, request[:40], self.head("/"))))
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await asyncio.sleep(self._rng.random() * 0.003)  # sometimes before, sometimes while it is being served
        writer.transport.abort()

    async def garbage(self) -> None:
        noise = self._rng.randbytes(self._rng.randrange(1, 400))
        kinds = (
            noise,
            b"GET / HTTP/9.9\r\n\r\n",
            b"\x16\x03\x01\x02\x00" + noise,
            b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        )
        await self._ask(self._rng.choice(kinds) + b"\r\n\r\n", half_close=True)

    async def big_head(self) -> None:
        fields = [f"X-Big-{number}: {'v' * 980}" for number in range(HEAD_BYTES // 1000)]
        await self._ask(self.head("/", *fields))

    async def query(self) -> None:
        """A DNS query by UDP, every second one for a name that nobody has heard of. Replies are read and thrown away."""
        name = b"web" if self._rng.random() < 0.5 else b"x%d" % self._rng.randrange(1 << 30)
        self._udp.send(_question(name))
        with suppress(BlockingIOError):
            while True:
                self._udp.recv(2048)

    async def dial(self) -> None:
        """A DNS connection with one query, then idle until the server has enough of it."""
        reader, writer = await self.connect()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                message = _question(b"web")
                writer.write(len(message).to_bytes(2) + message)
                while await reader.read(65536):
                    pass
        finally:
            writer.transport.abort()

    async def upload(self) -> None:
        """1 GiB with a Content-Length, as fast as it is taken."""
        reader, writer = await self.connect()
        writer.write(self.head("/", f"Content-Length: {GIB}", method="POST"))
        for _ in range(GIB // len(PIECE)):
            writer.write(PIECE)
            await writer.drain()
            self.done += len(PIECE) / MIB
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def download(self) -> None:
        reader, writer = await self.connect()
        writer.write(self.head("/huge", "Connection: close"))
        while data := await reader.read(MIB):
            self.done += len(data) / MIB
        writer.close()

    async def _ask(self, request: bytes, *, half_close: bool = False) -> None:
        reader, writer = await self.connect()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                writer.write(request)
                if half_close:
                    writer.write_eof()
                while await reader.read(65536):
                    if not half_close:
                        return
        finally:
            writer.transport.abort()


def _question(label: bytes) -> bytes:
    """A query for the A record of a name in the zone `mesh.internal`."""
    return b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + bytes((len(label),)) + label + b"\x04mesh\x08internal\0\0\1\0\1"


async def _at(rate: float, act: Act, client: Client) -> None:
    """`act` so many times a second for ever; what becomes of each does not matter here. At most eight seconds' worth at once."""
    loop, places = asyncio.get_running_loop(), asyncio.Semaphore(round(rate * ANSWER_SECONDS))
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            await places.acquire()
            client.done += 1
            group.create_task(_tolerant(act, places))


async def _again(act: Act) -> None:
    """One after the other for ever."""
    while True:
        await _tolerant(act)


async def _tolerant(act: Act, places: asyncio.Semaphore | None = None) -> None:
    with suppress(OSError, EOFError, RuntimeError):  # RuntimeError: uvloop, of a transport that closed meanwhile
        await act()
    if places:
        places.release()


def _hold(client: Client, count: int, request: bytes, wanted: bytes) -> list[socket.socket]:
    """`count` connections, each after one exchange whose answer begins with `wanted`. In batches, for speed."""
    held: list[socket.socket] = []
    while len(held) < count:
        batch = [_open(client, next(client.sources)) for _ in range(min(50, count - len(held)))]
        for each in batch:
            each.sendall(request)
        for each in batch:
            if not each.recv(4096).startswith(wanted):
                raise Absent("a held connection was refused")
        held.extend(batch)
    return held


def _alive(held: list[socket.socket]) -> int:
    """How many of them the other side has not closed. What it sent is still there to be read."""
    return sum(map(_open_still, held))


def _open_still(held: socket.socket) -> bool:
    held.setblocking(False)
    try:
        return held.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def _open(client: Client, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", client.port), timeout=10, source_address=(source, 0))


RATED: dict[str, tuple[float, str]] = {
    "never": (SLOW_RATE, "never"),
    "blackhole": (SLOW_RATE, "root"),
    "cut": (BIG_RATE, "cut"),
    "reset": (FLOOD_RATE, "reset"),
    "garbage": (FLOOD_RATE, "garbage"),
    "heads": (BIG_RATE, "big_head"),
    "dns-flood": (QUERY_RATE, "query"),
    "dns-idle": (DIAL_RATE, "dial"),
}
REPEATED = {"upload": "upload", "download": "download"}


async def _run(name: str, client: Client) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    kind, _, count = (name, "", "") if name in RATED else name.partition("-")
    held: list[socket.socket] = []
    async with asyncio.TaskGroup() as group:
        task = None
        if kind in RATED:
            rate, method = RATED[kind]
            task = group.create_task(_at(rate, getattr(client, method), client))
        elif kind in REPEATED:
            task = group.create_task(_again(getattr(client, REPEATED[kind])))
        elif kind == "idle":
            held = await asyncio.to_thread(_hold, client, int(count), client.head("/"), b"HTTP/1.1 200")
        elif kind == "websockets":
            opening = websockets.opening(client.host)
            held = await asyncio.to_thread(_hold, client, int(count), opening, b"HTTP/1.1 101")
        elif kind == "connections":
            held = [_open(client, next(client.sources)) for _ in range(int(count))]
        if task:
            await asyncio.sleep(RAMP_SECONDS)  # under way, and what it piles up is piling up
        print("ready", flush=True)
        began, before = asyncio.get_running_loop().time(), client.done
        await stop.wait()
        seconds = asyncio.get_running_loop().time() - began
        print(f"{(client.done - before) / seconds if task else _alive(held):.1f}", flush=True)
        if task:
            task.cancel()
    for each in held:
        each.close()


if __name__ == "__main__":
    descriptors()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(sys.argv[1], Client(int(sys.argv[2]), sys.argv[3])))

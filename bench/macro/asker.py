"""A keep-alive client that asks one thing again and again, and the moment a host comes alive."""

from __future__ import annotations

import asyncio
import time

from bench.macro.sample import Absent

ANSWER_SECONDS = 5.0


class Asker:
    """One keep-alive connection that asks again and again for one host."""

    def __init__(self, port: int, host: str) -> None:
        self.body = b""
        self.cut = 0  # times a kept connection turned out to be closed when it was wanted again
        self._port = port
        self._request = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self) -> int:
        """The status of one answer; 0 when the connection broke, or nothing came for five seconds. `body` is what came.

        A kept connection that ends before a byte of the answer is replaced once, as browsers do (RFC 9112 section 9.3.1).
        """
        self.body = b""
        kept = self._streams is not None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                try:
                    return await self._exchange()
                except (ConnectionError, asyncio.IncompleteReadError) as why:
                    self.close()
                    if not kept or getattr(why, "partial", b""):
                        return 0
                    self.cut += 1
                    return await self._exchange()
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self) -> int:
        if self._streams is not None and self._streams[1].is_closing():
            self.close()
            self.cut += 1
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        fields = head.lower()
        length = fields.partition(b"content-length:")[2].split(b"\r\n", 1)[0].strip()
        try:
            self.body = await reader.readexactly(int(length or 0))
        except asyncio.IncompleteReadError as why:
            raise asyncio.IncompleteReadError(head + why.partial, None) from None
        if b"connection: close" in fields:
            self.close()
        return int(head.split(b" ", 2)[1])


async def until_live(port: int, host: str, seconds: float, *, poll: float) -> float:
    """The moment (monotonic) `host` first answered 200, asked every `poll` seconds; raises Absent after `seconds`.

    A 200 without a body does not count: Caddy says so for a host it does not know.
    """
    asker = Asker(port, host)
    deadline = time.monotonic() + seconds
    status = 0
    try:
        while time.monotonic() < deadline:
            status = await asker.ask()
            if status == 200 and asker.body:
                return time.monotonic()
            await asyncio.sleep(poll)
    finally:
        asker.close()
    raise Absent(f"{host} is not live after {seconds:g} s (last status {status})")

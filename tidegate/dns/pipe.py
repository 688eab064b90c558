"""One lasting TCP or TLS connection to an upstream, with many queries open on it in any order (RFC 7766, RFC 7858).

It is opened when something is to be asked and closed by us after `IDLE_SECONDS` without a query. When it breaks, what is
open on it has failed; the next query opens another. TLS is verified against `Nameserver.name`, or its address where it
has none: an upstream that cannot prove who it is is not asked.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from tidegate.dns.entropy import Entropy
from tidegate.dns.stream import Framing, framed
from tidegate.model import Nameserver
from tidegate.telemetry import logger

if TYPE_CHECKING:
    import ssl

    from tidegate.dns.upstream import Try

IDLE_SECONDS = 10.0
CONNECT_SECONDS = 1.5
MAX_OPEN = 512

log = logger("dns")


class Pipe:
    """`run` connects and closes; `ask` works while it runs."""

    def __init__(self, server: Nameserver, entropy: Entropy, authorities: str = "") -> None:
        self._server = server
        self._entropy = entropy
        self._authorities = authorities
        self._tls: ssl.SSLContext | None = None  # from the first TLS connection
        self._open: dict[bytes, Try] = {}  # sent or waiting for the connection, by id
        self._line: _Line | None = None  # while connected
        self._wanted = asyncio.Event()
        self._used_at = 0.0
        self._is_warned = False  # since the last connection that could be made

    def ask(self, asking: Try) -> bool:
        """Send it as soon as there is a connection; False if there is no room."""
        if len(self._open) >= MAX_OPEN:
            return False
        ident = self._entropy.ident()
        while ident in self._open:
            ident = self._entropy.ident()
        asking.ident = ident
        self._open[ident] = asking
        self._used_at = asking.sent_at
        if self._line is not None:
            self._line.send(_message(asking))
        else:
            self._wanted.set()
        return True

    def forget(self, asking: Try) -> None:
        """Nobody waits for it any more."""
        self._open.pop(asking.ident, None)

    def close(self) -> None:
        """Close the connection; whoever asked is told by its upstream."""
        self._open.clear()
        if self._line is not None:
            self._line.end()
            self._line = None

    async def run(self) -> None:
        """Have a connection while there is something to ask, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                line = await self._connect()
            except (OSError, TimeoutError) as error:
                self._warn(error)
                self._fail()
            else:
                self._is_warned = False
                await self._serve(line)

    def take(self, data: bytes) -> None:
        """A message has come."""
        asking = self._open.get(data[:2])
        if asking is None:
            return  # its time was up
        found = asking.upstream.check(data, asking)
        if found is not None:
            del self._open[asking.ident]
            asking.upstream.settle(asking, found)

    async def _connect(self) -> _Line:
        loop = asyncio.get_running_loop()
        server = self._server
        tls = self._context() if server.tls else None
        async with asyncio.timeout(CONNECT_SECONDS):
            _, line = await loop.create_connection(
                lambda: _Line(self),
                server.host,
                server.port,
                ssl=tls,
                server_hostname=(server.name or server.host) if tls else None,
            )
        return line

    async def _serve(self, line: _Line) -> None:
        """Send what waited, then keep the connection until it breaks or is idle."""
        self._line = line
        try:
            for asking in self._open.values():
                line.send(_message(asking))
            loop = asyncio.get_running_loop()
            while not line.closed.is_set() and (self._open or loop.time() - self._used_at < IDLE_SECONDS):
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_SECONDS):
                        await line.closed.wait()
        finally:
            self._line = None
            line.end()
        self._fail()

    def _fail(self) -> None:
        for asking in list(self._open.values()):
            self.forget(asking)
            asking.upstream.fail(asking)

    def _warn(self, error: Exception) -> None:
        """Once until it works again: a bad certificate is an operator's fault, and silence would hide it."""
        if self._server.tls and not self._is_warned:
            self._is_warned = True
            log.warning("cannot reach DNS upstream", extra={"upstream": str(self._server), "cause": str(error)})

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            import ssl  # noqa: PLC0415  most workers have no such upstream

            self._tls = ssl.create_default_context(cafile=self._authorities or None)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._tls.set_alpn_protocols(["dot"])
        return self._tls


class _Line(asyncio.Protocol):
    """The bytes of one connection."""

    def __init__(self, pipe: Pipe) -> None:
        self.closed = asyncio.Event()
        self._pipe = pipe
        self._framing = Framing()
        self._transport: asyncio.Transport | None = None  # while connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            "asyncio.Transport", transport
        )  # what create_connection makes; uvloop's does not inherit

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  why it broke is the peer's business
        self._transport = None
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        messages = self._framing.feed(data)
        if messages is None:
            self.end()
            return
        for message in messages:
            self._pipe.take(message)

    def send(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.write(message)

    def end(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _message(asking: Try) -> bytes:
    return framed(asking.ident + asking.asked[2:])

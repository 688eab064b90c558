"""From a TCP connection to a container to one over TLS: nothing is read or sent as HTTP before the handshake has ended and
the container is who it should be.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from tidegate.model import Endpoint
from tidegate.policy import UpstreamTls
from tidegate.router.connection import UpstreamConnection
from tidegate.router.reactor import Wire
from tidegate.tls.contexts import client_context, load_pair
from tidegate.tls.shelf import View
from tidegate.tls.stream import Buffers, TlsStream


class NotTrusted(ConnectionError):
    """The handshake failed, or what it takes is missing here."""


class Dial:
    """One connection being made (an asyncio protocol until the handshake begins). `made` resolves to `connection`."""

    def __init__(self, context: ssl.SSLContext, name: str, connection: UpstreamConnection, buffers: Buffers) -> None:
        self.made: asyncio.Future[UpstreamConnection] = asyncio.get_running_loop().create_future()
        self._buffers = buffers
        self._context = context
        self._name = name
        self._connection = connection

    def connection_made(self, transport: asyncio.Transport) -> None:
        """asyncio: connected."""
        try:
            stream = TlsStream(transport, self._context, self, self._buffers, self._name)
        except ValueError as error:  # a name that cannot be one
            transport.abort()
            self._fail(error)
            return
        transport.set_protocol(stream)  # type: ignore[arg-type]  # it has the calls, not the base class
        stream.shake()

    def data_received(self, data: bytes) -> None:
        """asyncio: never called, the stream takes the connection over as soon as it is made."""

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: gone before the handshake began."""
        self._fail(error)

    def shaken(self, stream: TlsStream) -> None:
        """The container is who it should be."""
        connection: Any = self._connection
        stream.set_protocol(connection)
        connection.connection_made(stream)
        if self.made.done():  # nobody waits any more
            stream.close()
        else:
            self.made.set_result(connection)

    def shake_failed(self, stream: TlsStream, error: Exception | None) -> None:
        """It is not, or it broke the handshake off."""
        self._fail(error)

    def _fail(self, error: Exception | None) -> None:
        if not self.made.done():
            self.made.set_exception(NotTrusted(str(error or "closed in the handshake")))


async def dial(
    reach: Callable[[Any], Awaitable[Wire]],
    endpoint: Endpoint,
    context: ssl.SSLContext,
    connection: UpstreamConnection,
    buffers: Buffers,
) -> UpstreamConnection:
    """Connect and shake hands; `reach` connects a protocol, the caller has the deadline. Raises OSError."""
    tls = connection.tls
    attempt = Dial(context, server_name(tls, endpoint), connection, buffers)
    transport = await reach(attempt)
    try:
        return await attempt.made
    except BaseException:
        transport.abort()
        raise


def server_name(tls: UpstreamTls, endpoint: Endpoint) -> str:
    """Whom we expect: as the policy says, else the service's own name."""
    return tls.name or endpoint.service.rpartition("/")[2]


def context_for(tls: UpstreamTls, view: View) -> ssl.SSLContext:
    """The client's side for this policy. Raises NotTrusted where its authority or certificate is missing: never without.
    Slow (it may read the system's authorities): call it in a thread, and keep what it gives."""
    authority = view.authorities.get(tls.authority, b"") if tls.authority else b""
    if tls.verify and tls.authority and not authority:
        raise NotTrusted(f"there is no certificate authority {tls.authority}")
    context = client_context(authority, verify=tls.verify)
    if tls.client_certificate:
        pair = next((each for each in view.pairs if each.name == tls.client_certificate), None)
        if pair is None:
            raise NotTrusted(f"there is no certificate {tls.client_certificate}")
        load_pair(context, pair.chain, pair.key)
    return context

"""A connection to another node's router on its way to be one to an endpoint there: asked for, and not yet answered.

What is above sees nothing of it: the peer answers 200, and from then on the bytes are the endpoint's.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tidegate.router.passport import MAX_HEAD_BYTES

_END = b"\r\n\r\n"


class NotPassed(ConnectionError):
    """The peer did not pass the connection on: it does not know us, or does not reach the endpoint either."""


class Through:
    """One connection being made (an asyncio protocol until the peer has answered). `passed` resolves when `then` has the
    connection, as if it had just been made."""

    def __init__(self, head: bytes, then: Any) -> None:
        self.passed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = head
        self._then = then
        self._answer = b""
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """asyncio: connected to the peer."""
        self._transport = transport
        transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        """asyncio: the peer's answer, whose head may come in pieces."""
        self._answer += data
        head, end, rest = self._answer.partition(_END)
        if not end and len(head) <= MAX_HEAD_BYTES:
            return
        if not (end and head.startswith(b"HTTP/1.1 200")):
            self._fail(head.partition(b"\r\n")[0].decode("latin-1"))
            self._transport.abort()
            return
        if self.passed.done():  # nobody waits any more
            self._transport.abort()
            return
        self._transport.set_protocol(self._then)
        self._then.connection_made(self._transport)
        if rest:
            self._then.data_received(rest)
        self.passed.set_result(None)

    def eof_received(self) -> bool:
        """asyncio: the peer says no more; `connection_lost` follows."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: gone without an answer."""
        self._fail(str(error or "closed without an answer"))

    def pause_writing(self) -> None:
        """asyncio: never called, a head is small."""

    def resume_writing(self) -> None:
        """asyncio: as above."""

    def _fail(self, cause: str) -> None:
        if not self.passed.done():
            self.passed.set_exception(NotPassed(f"the peer did not pass it on: {cause}"))

"""TLS over a transport: to what lies below an asyncio protocol, to what lies above an asyncio transport.

HOT: guarded by `make bench` (https). Written instead of asyncio's and uvloop's own TLS for what they lack: a half-close
(`write_eof`, `eof_received` that keeps the writing side), a context chosen after the client's first words, no read that is
known to find nothing, buffers that never exceed one read (docs/decisions/0060).

Phases:
    SHAKING  handshake; nothing is handed up
    OPEN     bytes flow
    ENDED    the other side sent its last byte; ours may still go out
    CLOSED   closed or cut here; what still arrives is dropped
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

_SHAKING = 0
_OPEN = 1
_ENDED = 2
_CLOSED = 3

_RECORD = 16384  # the most that one record carries (RFC 8446 section 5.1)
_WantRead = ssl.SSLWantReadError
_ZeroReturn = ssl.SSLZeroReturnError
_Fault = ssl.SSLError


class Owner(Protocol):
    """Who began the handshake and hears of its end: one of the two calls, once. `shaken` sets the protocol above."""

    def shaken(self, stream: TlsStream) -> None: ...

    def shake_failed(self, stream: TlsStream, error: Exception | None) -> None: ...


class TlsStream:
    """One TLS connection on the transport `raw`, whose protocol it must be made. `server_name` None is the server's side,
    else whom the client's side expects. `call_soon` is the loop's."""

    __slots__ = (
        "above",
        "call_soon",
        "decrypt",
        "deliver",
        "encrypt",
        "error",
        "feed",
        "incoming",
        "outgoing",
        "owner",
        "paused",
        "phase",
        "raw",
        "said_end",
        "send",
        "server",
        "session",
        "take",
    )

    def __init__(
        self,
        raw: Any,
        context: ssl.SSLContext,
        owner: Owner,
        call_soon: Callable[..., Any],
        server_name: str | None = None,
    ) -> None:
        self.raw = raw
        self.owner: Any = owner
        self.call_soon = call_soon
        self.server = server_name is None
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.session = context.wrap_bio(
            self.incoming, self.outgoing, server_side=self.server, server_hostname=server_name
        )
        self.feed = self.incoming.write
        self.take = self.outgoing.read
        self.decrypt = self.session.read
        self.encrypt = self.session.write
        self.send = raw.write
        self.above: Any = None  # the protocol above, from `shaken` on
        self.deliver: Any = None  # its data_received
        self.phase = _SHAKING
        self.paused = False
        self.said_end = False  # our close_notify is out
        self.error: Exception | None = None  # why it ended, told above

    # --- the handshake

    def shake(self) -> None:
        """Begin or go on with the handshake; the owner hears of its end."""
        owner = self.owner
        try:
            self.session.do_handshake()
        except _WantRead:
            self._flush()
        except (_Fault, ValueError) as error:
            self._flush()  # the alert
            self.phase = _CLOSED
            self.owner = None
            self.raw.close()
            owner.shake_failed(self, error)
        else:
            self._flush()
            self.phase = _OPEN
            self.owner = None
            owner.shaken(self)
            if self.incoming.pending:
                self._read()

    def _flush(self) -> None:
        if self.outgoing.pending and not self.raw.is_closing():
            self.send(self.take())

    # --- asyncio protocol, called by the transport below

    def connection_made(self, transport: asyncio.Transport) -> None:
        """asyncio: never called, the transport is older than this protocol."""

    def data_received(self, data: bytes) -> None:
        """asyncio: records."""
        phase = self.phase
        if phase == _OPEN:
            self.feed(data)
            if not self.paused:
                self._read()
        elif phase == _SHAKING:
            self.feed(data)
            self.shake()

    def _read(self) -> None:
        while not self.paused and self.phase == _OPEN:
            try:
                data = self.decrypt(_RECORD)
            except _WantRead:
                break
            except _ZeroReturn:  # their close_notify, after ours
                data = b""
            except _Fault as error:
                self._broken(error)
                return
            if not data:
                self._ended()
                return
            self.deliver(data)
            if not self.incoming.pending:
                break  # to ask again would cost an exception
        if self.outgoing.pending and not self.said_end:
            self._flush()  # an alert, or an answer to a key update

    def _go_on(self) -> None:
        """Records that waited for the reader above."""
        if not self.paused and self.phase == _OPEN and self.incoming.pending:
            self._read()

    def _broken(self, error: Exception) -> None:
        """The other side broke the protocol, or said with an alert that we did."""
        self.error = error
        self._flush()
        self.phase = _CLOSED
        self.raw.abort()

    def _ended(self) -> None:
        self.phase = _ENDED
        if not self.above.eof_received():
            self.close()

    def eof_received(self) -> bool:
        """asyncio: the other side's last byte. Without close_notify it may be an attacker's word (RFC 8446 section 6.1):
        a server cut off so was cut off; a client may leave as it likes, its requests carry their own ends."""
        if self.phase == _SHAKING:
            return False
        if self.phase == _OPEN and self.paused and self.incoming.pending:
            return True  # closes when it is written to, or by the deadline above; what waits may hold the close_notify
        if self.phase == _OPEN and not self.server:
            self.error = ssl.SSLEOFError("ended without close_notify")
            return False
        if self.phase == _OPEN:
            self._ended()
        return self.phase == _ENDED

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: gone."""
        self.phase = _CLOSED
        owner, above = self.owner, self.above
        self.owner = self.above = self.deliver = None
        if owner is not None:
            owner.shake_failed(self, self.error or error)
        elif above is not None:
            above.connection_lost(self.error or error)

    def pause_writing(self) -> None:
        """asyncio: the other side reads slowly."""
        if self.above is not None:
            self.above.pause_writing()

    def resume_writing(self) -> None:
        """asyncio: the other side caught up."""
        if self.above is not None:
            self.above.resume_writing()

    # --- asyncio transport, called by the protocol above

    def write(self, data: bytes) -> None:
        """Encrypt and send; bytes written after the end are dropped, as a transport does."""
        if self.phase == _CLOSED or self.said_end or not data:
            return
        try:
            done = self.encrypt(data)
            while done < len(data):
                done += self.encrypt(memoryview(data)[done:])
        except _Fault as error:
            self._broken(error)
            return
        self.send(self.take())

    def write_eof(self) -> None:
        """Send close_notify and no more; reading goes on."""
        if self.phase == _CLOSED or self.said_end:
            return
        self._say_end()
        self.raw.write_eof()

    def _say_end(self) -> None:
        self.said_end = True
        rest = self.incoming.read()  # `unwrap` looks for their end, and would trip over data
        with suppress(_Fault, OSError):  # ours is in the buffer; that theirs has not come is no fault
            self.session.unwrap()
        if rest:
            self.feed(rest)
        self._flush()

    def can_write_eof(self) -> bool:
        """Whether `write_eof` works."""
        return True

    def close(self) -> None:
        """Close once what was written is sent; close_notify goes last."""
        if self.phase == _CLOSED:
            return
        if not self.said_end:
            self._say_end()
        self.phase = _CLOSED
        self.raw.close()

    def abort(self) -> None:
        """Cut at once."""
        self.phase = _CLOSED
        self.raw.abort()

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self.phase == _CLOSED or bool(self.raw.is_closing())

    def pause_reading(self) -> None:
        """Hand up no more bytes."""
        self.paused = True
        self.raw.pause_reading()

    def resume_reading(self) -> None:
        """Hand bytes up again, those that wait in a turn of their own: the caller is in the middle of something."""
        self.paused = False
        self.raw.resume_reading()
        if self.incoming.pending:
            self.call_soon(self._go_on)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Bounds in bytes, of what is encrypted already."""
        self.raw.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Encrypted bytes that wait to be sent."""
        return int(self.raw.get_write_buffer_size())

    def set_protocol(self, protocol: Any) -> None:
        """Who is above from now on."""
        self.above = protocol
        self.deliver = protocol.data_received

    def get_protocol(self) -> Any:
        """Who is above."""
        return self.above

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport below knows, but for its socket: bytes read there would be records."""
        if name == "ssl_object":
            return self.session
        return default if name == "socket" else self.raw.get_extra_info(name, default)

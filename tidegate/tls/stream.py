"""TLS over a transport: to what lies below an asyncio protocol, to what lies above an asyncio transport.

HOT: guarded by `make bench` (https). Written instead of asyncio's and uvloop's own TLS for what they lack: a half-close
(`write_eof`, `eof_received` that keeps the writing side), a context chosen after the client's first words, no read that is
known to find nothing, no buffer of its own (docs/decisions/0060, 0100).

Phases:
    SHAKING  handshake; nothing is handed up
    OPEN     bytes flow
    ENDED    the other side sent its last byte; ours may still go out
    CLOSED   closed or cut here; what still arrives is dropped
"""

from __future__ import annotations

import asyncio
import os
import ssl
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


class Buffers:
    """The memory between OpenSSL and the transports, shared by all streams of one thread: such memory never shrinks, so one
    of its own would hold each connection's largest piece for good.

    Both sides are empty whenever anybody but the stream that filled them is called: OpenSSL keeps what there is of an
    unfinished record in the session, and the stream takes the rest out before it calls.
    """

    __slots__ = ("feed", "incoming", "outgoing", "take")

    def __init__(self) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.feed = self.incoming.write
        self.take = self.outgoing.read


class Owner(Protocol):
    """Who began the handshake and hears of its end: one of the two calls, once. `shaken` sets the protocol above."""

    def shaken(self, stream: TlsStream) -> None: ...

    def shake_failed(self, stream: TlsStream, error: Exception | None) -> None: ...


class TlsStream:
    """One TLS connection on the transport `raw`, whose protocol it must be made. `server_name` None is the server's side,
    else whom the client's side expects."""

    __slots__ = (
        "above",
        "at_end",
        "buffers",
        "decrypt",
        "deliver",
        "encrypt",
        "error",
        "owner",
        "phase",
        "raw",
        "said_end",
        "send",
        "server",
        "session",
    )

    def __init__(
        self,
        raw: Any,
        context: ssl.SSLContext,
        owner: Owner,
        buffers: Buffers,
        server_name: str | None = None,
    ) -> None:
        self.raw = raw
        self.owner: Any = owner
        self.buffers = buffers
        self.server = server_name is None
        self.session: Any = context.wrap_bio(
            buffers.incoming, buffers.outgoing, server_side=self.server, server_hostname=server_name
        )
        inner = self.session._sslobj  # type: ignore[attr-defined]  # noqa: SLF001  ssl.py's own methods cost 0.06 us a call
        self.decrypt = inner.read
        self.encrypt = inner.write
        self.send = raw.write
        self.above: Any = None  # the protocol above, from `shaken` on
        self.deliver: Any = None  # its data_received
        self.phase = _SHAKING
        self.said_end = False  # our close_notify is out
        self.at_end = False  # theirs came, all before it is read
        self.error: Exception | None = None  # why it ended, told above

    # --- the handshake

    def shake(self) -> None:
        """Begin or go on with the handshake; the owner hears of its end."""
        try:
            self.session.do_handshake()
        except _WantRead:
            self._flush()
        except (_Fault, ValueError) as error:
            self._refuse(error)
        else:
            rest = self.buffers.incoming.read()
            self._flush()
            self.phase = _OPEN
            owner, self.owner = self.owner, None
            owner.shaken(self)
            if rest:
                self.data_received(rest)

    def _refuse(self, error: Exception) -> None:
        self.buffers.incoming.read()  # nothing counts behind a fault
        self._flush()  # the alert
        self.phase = _CLOSED
        owner, self.owner = self.owner, None
        self.raw.close()
        owner.shake_failed(self, error)

    def _flush(self) -> None:
        """Send what OpenSSL has to say, or drop it where nothing can be sent any more."""
        if self.buffers.outgoing.pending:
            data = self.buffers.take()
            if not self.said_end and not self.raw.is_closing():
                self.send(data)

    # --- asyncio protocol, called by the transport below

    def connection_made(self, transport: asyncio.Transport) -> None:
        """asyncio: never called, the transport is older than this protocol."""

    def data_received(self, data: bytes) -> None:
        """asyncio: records."""
        phase = self.phase
        if phase == _OPEN:
            self._read(data)
        elif phase == _SHAKING:
            self.buffers.feed(data)
            self.shake()

    def _read(self, data: bytes) -> None:
        """Hand up in one piece what these records carry: as much as one read of a plain connection would."""
        clear = self._decrypted(data)
        if clear:
            self.deliver(clear)
        if self.error is not None:
            self._broken()
        elif self.at_end and self.phase == _OPEN:
            self._ended()

    def _decrypted(self, data: bytes) -> bytes:
        """What is in them, once OpenSSL's own words are sent and the buffers are empty; sets `at_end` and `error`."""
        buffers = self.buffers
        clear = b""
        more: list[bytes] | None = None
        try:
            buffers.feed(data)
            clear = self.decrypt(_RECORD)
            self.at_end = not clear
            while buffers.incoming.pending and not self.at_end:  # to ask once more would cost an exception
                part = self.decrypt(_RECORD)
                self.at_end = not part
                more = [clear] if more is None else more
                more.append(part)
        except _WantRead:
            pass
        except _ZeroReturn:  # their close_notify, after ours
            self.at_end = True
        except _Fault as fault:
            self.error = fault
        finally:
            if buffers.incoming.pending:
                buffers.incoming.read()  # nothing counts behind an end or a fault
        if buffers.outgoing.pending:
            self._flush()  # an alert, or an answer to a key update
        return clear if more is None else b"".join(more)

    def _broken(self) -> None:
        """The other side broke the protocol, or said with an alert that we did."""
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
        cause, self.error = self.error or error, None  # its trace knows us: a ring
        self.owner = self.above = self.deliver = None
        if owner is not None:
            owner.shake_failed(self, cause)
        elif above is not None:
            above.connection_lost(cause)
        self.session = self.decrypt = self.encrypt = self.send = None  # 14 KiB, and the collector may be long in coming
        self.error = None  # `last_words` may have met one

    def last_words(self, size: int) -> bytes:
        """What came before a reset that our writing met, of at most `size` bytes of records. Only for whom the loss is being
        told, and before it returns. Raises OSError if nothing came, or the socket is closed already."""
        records = os.read(self.raw.get_extra_info("socket").fileno(), size)
        return self._decrypted(records) if records else b""

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
            self.error = error
            self._broken()
            return
        self.send(self.buffers.take())

    def write_eof(self) -> None:
        """Send close_notify and no more; reading goes on."""
        if self.phase == _CLOSED or self.said_end:
            return
        self._say_end()
        self.raw.write_eof()

    def _say_end(self) -> None:
        with suppress(_Fault, OSError):  # ours is in the buffer; that theirs has not come is no fault
            self.session.unwrap()
        self._flush()
        self.said_end = True

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
        self.raw.pause_reading()

    def resume_reading(self) -> None:
        """Hand bytes up again."""
        self.raw.resume_reading()

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

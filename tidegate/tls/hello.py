"""A client's first words over TLS: which name it wants and which protocols it speaks. Pure.

Read before OpenSSL sees them, so that the host's own context (its certificate, its client CA, its tickets) serves the
connection from the first byte on: a session of one host can never be resumed at another. OpenSSL reads the same bytes
afterwards and is the judge of everything else in them. RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3, RFC 7301.
"""

from __future__ import annotations

import re

from tidegate.value import Value

MAX_BYTES = 32768  # a ClientHello with post-quantum key shares has some 2 KiB

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_ALPN = 16
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*", re.ASCII)


class Hello(Value, frozen=True):
    """`name` is the host in lower case without a trailing dot, empty where none was named; `protocols` as offered."""

    name: str = ""
    protocols: tuple[bytes, ...] = ()


class NotHello(Exception):
    """These bytes do not begin a TLS connection that we could serve."""


def read_hello(data: bytes) -> Hello | None:
    """The ClientHello at the start of `data`; None while it is incomplete. Raises NotHello."""
    message = _message(data)
    if message is None:
        return None
    return _hello(_Bytes(message))


def _message(data: bytes) -> bytes | None:
    """The handshake message, put together from its records; it may be spread over several (RFC 8446 section 5.1)."""
    message = b""
    at = 0
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4], "big"):
        if (data[at : at + 1] or b"\x16")[0] != _HANDSHAKE or (data[at + 1 : at + 2] or b"\x03")[0] != 3:
            raise NotHello("this is not TLS")
        if message[:1] not in (b"", b"\x01") or (len(message) >= 4 and int.from_bytes(message[1:4], "big") > MAX_BYTES):
            raise NotHello("this does not begin a connection")
        if len(data) < at + 5:
            return None
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        if not 0 < size <= 16384:
            raise NotHello("a record of a size that cannot be")
        if len(data) < at + 5 + size:
            return None
        message += data[at + 5 : at + 5 + size]
        at += 5 + size
    if message[0] != _CLIENT_HELLO or len(message) > MAX_BYTES + 4:
        raise NotHello("this does not begin a connection")
    return message[4 : 4 + int.from_bytes(message[1:4], "big")]


class _Bytes:
    """What is left to read of a message; raises NotHello where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def __bool__(self) -> bool:
        return self.at < len(self.data)

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise NotHello("a length points beyond the end")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def sized(self, size: int) -> _Bytes:
        """The part whose length stands before it in `size` bytes."""
        return _Bytes(self.take(self.number(size)))


def _hello(message: _Bytes) -> Hello:
    message.take(34)  # version and random
    for size in (1, 2, 1):  # session id, cipher suites, compression methods
        message.sized(size)
    name = ""
    protocols: tuple[bytes, ...] = ()
    extensions = message.sized(2) if message else _Bytes(b"")
    while extensions:
        kind = extensions.number(2)
        content = extensions.sized(2)
        if kind == _SERVER_NAME:
            name = _server_name(content)
        elif kind == _ALPN:
            protocols = _protocols(content)
    return Hello(name=name, protocols=protocols)


def _server_name(content: _Bytes) -> str:
    names = content.sized(2)
    while names:
        kind = names.number(1)
        name = names.sized(2).data
        if kind == 0:
            return _host(name)
    return ""


def _host(raw: bytes) -> str:
    text = raw.decode("latin-1").lower().removesuffix(".")
    if not _NAME.fullmatch(text):
        raise NotHello("a server name that cannot be")
    return text


def _protocols(content: _Bytes) -> tuple[bytes, ...]:
    listed = content.sized(2)
    found = []
    while listed:
        found.append(listed.sized(1).data)
    return tuple(found)

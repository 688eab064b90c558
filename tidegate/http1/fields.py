"""What field lines mean to a proxy: which are dropped, which decide host, framing and persistence, which are written anew.

HOT: `note` runs for about every third field line. Sources: RFC 9110 sections 5 to 8, RFC 9112 section 6; docs/http.md has the policy.
"""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.http1.authority import authority_of
from tidegate.http1.characters import LIST_SET, TOKEN_SET
from tidegate.http1.writer import number

# ---------------------------------------------------------------------------------------------------- known fields

_DROP = 1
_HOST = 2
_CONNECTION = 3
_LENGTH = 4
_ENCODING = 5
_UPGRADE = 6
_EXPECT = 7
_AGENT = 9
_REFERER = 10
_FOR = 11
_PROTO = 12
_FORWARDED_HOST = 13
_WS_KEY = 14
_WS_VERSION = 15

DROP = _DROP  # of a line that does not travel on and says nothing to us

_HOP_BY_HOP: dict[bytes, int] = {
    b"connection": _CONNECTION,
    b"content-length": _LENGTH,
    b"transfer-encoding": _ENCODING,
    b"upgrade": _UPGRADE,
    b"keep-alive": _DROP,
    b"proxy-connection": _DROP,
    b"proxy-authenticate": _DROP,
    b"te": _DROP,
    b"trailer": _DROP,
}
REQUEST_FIELDS: dict[bytes, int] = {
    b"host": _HOST,
    **_HOP_BY_HOP,
    b"expect": _EXPECT,
    b"user-agent": _AGENT,
    b"referer": _REFERER,
    b"x-forwarded-for": _FOR,
    b"x-forwarded-proto": _PROTO,
    b"x-forwarded-host": _FORWARDED_HOST,
    b"sec-websocket-key": _WS_KEY,
    b"sec-websocket-version": _WS_VERSION,
    b"proxy-authorization": _DROP,
    b"http2-settings": _DROP,
    b"proxy": _DROP,  # httpoxy
    b"forwarded": _DROP,
    b"x-forwarded-port": _DROP,
    b"x-forwarded-prefix": _DROP,
    b"x-forwarded-server": _DROP,
    b"x-forwarded-ssl": _DROP,
    b"x-forwarded-scheme": _DROP,
    b"x-real-ip": _DROP,
    b"x-forwarded-client-cert": _DROP,
    b"x-original-url": _DROP,
    b"x-rewrite-url": _DROP,
}
RESPONSE_FIELDS = _HOP_BY_HOP

#: Fields that `Connection` can never nominate away: the proxy's own, and those that decide framing and routing.
_NOT_NOMINABLE = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"close", b"keep-alive", b"upgrade", b"te")
)
_MAX_NOMINATED = 32


class Fields:
    """What one pass over the field lines found; reused, never kept."""

    __slots__ = (
        "agent",
        "authority",
        "claimed_for",
        "claimed_host",
        "claimed_proto",
        "close",
        "encodings",
        "end",
        "error",
        "expect",
        "host",
        "host_kept",
        "hosts",
        "keep_alive",
        "length",
        "length_kept",
        "lengths",
        "nominated",
        "parts",
        "referer",
        "upgrade",
        "wants_upgrade",
        "ws_key",
        "ws_version",
    )

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the last head."""
        self.error: Reason | None = None
        self.end = 0  # offset of the empty line
        self.parts: list[bytes] = []  # the lines that travel on, in runs
        self.hosts = 0
        self.host: bytes = b""  # lower-case, without port; empty if the Host line is no sound one
        self.authority: bytes = b""  # the same with port, as it is forwarded
        self.host_kept = False  # the Host line stands in `parts`
        self.lengths = 0
        self.length = 0
        self.length_kept = False  # the Content-Length line stands in `parts`
        self.encodings = 0
        self.close = False
        self.keep_alive = False
        self.wants_upgrade = False
        self.nominated: list[bytes] | None = None
        self.upgrade: bytes = b""
        self.expect: bytes = b""
        self.agent: bytes = b""
        self.referer: bytes = b""
        self.claimed_for: bytes = b""
        self.claimed_proto: bytes = b""
        self.claimed_host: bytes = b""
        self.ws_key: bytes = b""
        self.ws_version: bytes = b""


# ---------------------------------------------------------------------------------------------------- what one line says


def note(found: Fields, kind: int, value: bytes) -> bool:
    """Take in a field that means something to us; whether its line is forwarded as it is. May set `found.error`."""
    if kind == _AGENT:
        found.agent = value
        return True
    if kind == _REFERER:
        found.referer = value
        return True
    if kind == _HOST:
        return _note_host(found, value)
    if kind == _CONNECTION:
        _note_connection(found, value)
        return False
    if kind == _LENGTH:
        return _note_length(found, value)
    if kind == _ENCODING:
        _note_encoding(found, value)
        return False
    if kind == _WS_KEY:
        found.ws_key = value
        return True
    if kind == _WS_VERSION:
        found.ws_version = value
        return True
    if kind == _FOR:
        found.claimed_for = _joined(found.claimed_for, value)
    elif kind == _UPGRADE:
        found.upgrade = _joined(found.upgrade, value)
    elif kind == _EXPECT:
        found.expect = _joined(found.expect, value)
    elif kind == _PROTO:
        found.claimed_proto = value
    elif kind == _FORWARDED_HOST:
        found.claimed_host = value
    return False


def _note_host(found: Fields, value: bytes) -> bool:
    known = authority_of(value)
    found.hosts += 1
    found.host = known[0]
    found.authority = known[1]
    found.host_kept = found.authority == value
    return found.host_kept


def _note_length(found: Fields, value: bytes) -> bool:
    """Content-Length (RFC 9110 section 8.6); one with leading zeros is written anew."""
    found.lengths += 1
    found.length = decimal(value)
    if found.lengths > 1 or found.length < 0:
        found.error = Reason.BAD_REQUEST
        return False
    found.length_kept = len(value) == 1 or value[0] != 48
    return found.length_kept


def _note_encoding(found: Fields, value: bytes) -> None:
    """Transfer-Encoding: exactly `chunked`; other codings are not ours to undo (RFC 9112 section 6.1)."""
    found.encodings += 1
    if value.lower() != b"chunked":
        broken = value == b"" or value.translate(None, LIST_SET)
        found.error = Reason.BAD_REQUEST if broken or found.encodings > 1 else Reason.NOT_IMPLEMENTED


def _note_connection(found: Fields, value: bytes) -> None:
    """Options of one Connection field (RFC 9110 section 7.6.1)."""
    lowered = value.lower()
    if lowered == b"keep-alive":
        found.keep_alive = True
        return
    for option in lowered.split(b","):
        name = option.strip(b" \t")
        if name == b"close":
            found.close = True
        elif name == b"keep-alive":
            found.keep_alive = True
        elif name == b"upgrade":
            found.wants_upgrade = True
        elif name and name not in _NOT_NOMINABLE:
            _nominate(found, name)
            if found.error is not None:
                return


def _nominate(found: Fields, name: bytes) -> None:
    if name.translate(None, TOKEN_SET):
        found.error = Reason.BAD_REQUEST
        return
    if found.nominated is None:
        found.nominated = []
    found.nominated.append(name)
    if len(found.nominated) > _MAX_NOMINATED:
        found.error = Reason.HEADERS_TOO_LARGE


def _joined(before: bytes, value: bytes) -> bytes:
    """Several lines of one name make one list (RFC 9110 section 5.3)."""
    return value if before == b"" else before + b", " + value


def decimal(digits: bytes) -> int:
    """The number that 1 to 18 ASCII digits say; -1 for anything else (RFC 9112 section 6.2, no sign, no space)."""
    view = digits
    size = len(digits)
    if size == 0 or size > 18:
        return -1
    value = 0
    for at in range(size):
        digit = view[at] - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


# ---------------------------------------------------------------------------------------------------- what travels on


def kept_lines(found: Fields) -> bytes:
    """The field lines to forward: less what Connection nominated, with a Content-Length in its one spelling."""
    parts = found.parts
    kept = b"".join(parts) if len(parts) != 1 else parts[0]
    if found.nominated is not None:
        kept = without(kept, found.nominated)
    if found.lengths and not found.length_kept:
        kept = b"".join((kept, b"Content-Length: ", number(found.length), b"\r\n"))
    return kept


def without(lines: bytes, names: list[bytes]) -> bytes:
    """The field lines less those of the lower-case `names` (rare, so it may split)."""
    kept = [line for line in lines.split(b"\r\n") if line and line.partition(b":")[0].lower() not in names]
    return b"\r\n".join(kept) + b"\r\n" if kept else b""

"""Bytes to heads: one pass that parses, checks and rewrites a request or response head.

HOT: bytes read once, counted in bench/micro/parse_head.py and `make bench`. Compiled with `parser.pxd`; the same source
runs uncompiled.

The rule behind every line: what is forwarded is built from what was understood. A field line is copied as it stands
only when it is canonical (`Name: value`, no odd white space); anything else is written anew or refused. Strict by
RFC 9112 and then some: CRLF only, no obs-fold, one Host, one framing field, no CL with TE (docs/http.md has the list).
"""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.http1.events import (
    FRAMING_CHUNKED,
    FRAMING_LENGTH,
    FRAMING_NONE,
    FRAMING_UNTIL_CLOSE,
    Limits,
    RequestHead,
    ResponseHead,
)
from tidegate.http1.writer import number

# ------------------------------------------------------------------------------------------------- character classes


def _class(characters: bytes) -> bytes:
    return bytes(1 if octet in characters else 0 for octet in range(256))


_ALPHANUMERIC = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKEN = _class(_ALPHANUMERIC + b"!#$%&'*+-.^_`|~")  # RFC 9110 section 5.6.2
VALUE = _class(b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100)))  # RFC 9110 section 5.5, no other controls
TARGET = _class(bytes(octet for octet in range(0x21, 0x7F) if octet != 0x23))  # visible ASCII without `#`
HOSTNAME = _class(_ALPHANUMERIC + b"-._~!$&'()*+;=")  # RFC 3986 reg-name without `%` and `,`
_IPV6 = _class(b"0123456789abcdefABCDEF:.")
_DIGITS = b"0123456789"

# ---------------------------------------------------------------------------------------------------- known fields

_KEEP = 0
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

_REQUEST_FIELDS: dict[bytes, int] = {
    b"host": _HOST,
    b"connection": _CONNECTION,
    b"content-length": _LENGTH,
    b"transfer-encoding": _ENCODING,
    b"upgrade": _UPGRADE,
    b"expect": _EXPECT,
    b"user-agent": _AGENT,
    b"referer": _REFERER,
    b"x-forwarded-for": _FOR,
    b"x-forwarded-proto": _PROTO,
    b"x-forwarded-host": _FORWARDED_HOST,
    b"sec-websocket-key": _WS_KEY,
    b"sec-websocket-version": _WS_VERSION,
}
for _name in (
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"proxy-authorization",
    b"proxy-authenticate",
    b"http2-settings",
    b"proxy",  # httpoxy
    b"forwarded",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-server",
    b"x-forwarded-ssl",
    b"x-forwarded-scheme",
    b"x-real-ip",
    b"x-original-url",
    b"x-rewrite-url",
):
    _REQUEST_FIELDS[_name] = _DROP

_RESPONSE_FIELDS: dict[bytes, int] = {
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


class Known:
    """Field names that mean something, found without making an object of the name: `first` maps its shape (length and
    first letter) to 1 + an index into `names` and `kinds`; `following` chains names of one shape, 0 ends the chain."""

    __slots__ = ("first", "following", "kinds", "names")

    def __init__(self, fields: dict[bytes, int]) -> None:
        first = bytearray(64 * 32)
        following = bytearray(len(fields))
        for index, name in enumerate(fields):
            shape = len(name) * 32 + (name[0] & 31)
            following[index] = first[shape]
            first[shape] = index + 1
        self.first = bytes(first)
        self.following = bytes(following)
        self.names = list(fields)
        self.kinds = bytes(fields.values())

    def kind(self, data: bytes, start: int, length: int) -> int:
        """What the field name of that length at `start` means; `_KEEP` for all others. Case does not matter."""
        view = data
        first = self.first
        entry = first[length * 32 + (view[start] & 31)]
        while entry:
            name: bytes = self.names[entry - 1]
            expected = name
            at = 0
            # folding by `| 32` may mistake a control for a letter, but a token has none (RFC 9110 section 5.6.2)
            while at < length and (view[start + at] | 32) == (expected[at] | 32):
                at += 1
            if at == length:
                kinds = self.kinds
                return kinds[entry - 1]
            following = self.following
            entry = following[entry - 1]
        return _KEEP


_REQUEST_KNOWN = Known(_REQUEST_FIELDS)
_RESPONSE_KNOWN = Known(_RESPONSE_FIELDS)

#: Fields that `Connection` can never nominate away: the proxy's own, and those that decide framing and routing.
_NOT_NOMINABLE = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"close", b"keep-alive", b"upgrade", b"te")
)
_MAX_NOMINATED = 32


class Fields:
    """What one pass over the field lines found; reused, never kept."""

    __slots__ = (
        "agent",
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
        self.parts: list[bytes] = []
        self.hosts = 0
        self.host: bytes = b""
        self.host_kept: bytes = b""  # the value of the Host line that stands in `parts`
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


_FIELDS = Fields()  # parsing never nests, so one is enough


# ------------------------------------------------------------------------------------------------------ the requests


def parse_request(data: bytes, start: int, limits: Limits) -> RequestHead | None:
    """Parse the request head at `start`; None if more bytes are needed. Never raises for any input.

    One empty line before the request line is skipped (RFC 9112 section 2.2). A head that can no longer become a valid
    one is refused before it is complete.
    """
    view = data
    size = len(data)
    if size - start >= 2 and view[start] == 13 and view[start + 1] == 10:
        start += 2
    head = RequestHead.__new__(RequestHead)
    head.clear()
    end = _last_line(data, start, size)
    if end < 0:
        head.error = _refuse_early(data, start, size, limits)
        return head if head.error is not None else None
    at = _request_line(data, start, end, head, limits)
    if at == 0:
        return head
    fields = _FIELDS
    fields.clear()
    _scan_fields(data, at, fields, limits, _REQUEST_KNOWN, True)
    if fields.error is not None:
        head.error = fields.error
        return head
    head.end = fields.end + 2
    if fields.end - start > limits.head_bytes:
        head.error = Reason.HEADERS_TOO_LARGE
        return head
    _conclude_request(head, fields)
    return head


def _last_line(data: bytes, start: int, size: int) -> int:
    """Offset of an empty line at or behind the end of the head at `start`, or -1 if there is none.

    Most heads come whole and alone, so the last bytes tell; the scan of the fields finds where the head really ends."""
    view = data
    if (
        size - start >= 4
        and view[size - 1] == 10
        and view[size - 2] == 13
        and view[size - 3] == 10
        and view[size - 4] == 13
    ):
        return size - 2
    found: int = data.find(b"\r\n\r\n", start)
    return found + 2 if found >= 0 else -1


def _refuse_early(data: bytes, start: int, size: int, limits: Limits) -> Reason | None:
    """Why an incomplete head is already hopeless, if it is."""
    if size - start > limits.head_bytes:
        return Reason.HEADERS_TOO_LARGE
    line_end = data.find(b"\n", start)
    first = data[start : line_end if line_end >= 0 else size]
    method = first.split(b" ", 1)[0]
    if len(method) > 32 and b" " not in first[:33]:
        return Reason.BAD_REQUEST
    for position, octet in enumerate(first[:33]):
        if octet == 32:
            if position == 0:
                return Reason.BAD_REQUEST
            break
        if TOKEN[octet] == 0 and not (octet == 13 and position == len(first) - 1):
            return Reason.BAD_REQUEST
    if line_end < 0:
        return Reason.TARGET_TOO_LONG if size - start > limits.target_bytes + 64 else None
    if b" HTTP/" not in first:
        return Reason.BAD_REQUEST
    at = line_end
    while at >= 0:  # every LF must end a CRLF
        if at == start or data[at - 1] != 13:
            return Reason.BAD_REQUEST
        at = data.find(b"\n", at + 1)
    return Reason.BAD_REQUEST if b"\0" in data[start:size] else None


def _request_line(data: bytes, start: int, end: int, head: RequestHead, limits: Limits) -> int:
    """Fill method, target and version; the offset of the first field line, or 0 with `head.error` set."""
    view = data
    token = TOKEN
    target_class = TARGET
    at = start
    while token[view[at]]:
        at += 1
    if at == start or at - start > 32 or view[at] != 32:
        head.error = Reason.BAD_REQUEST
        return 0
    head.method = view[start:at]
    at += 1
    target = at
    query = -1
    slash_dot = False
    while target_class[view[at]]:
        octet = view[at]
        if query < 0:
            if octet == 63:
                query = at
            elif (octet == 46 and view[at - 1] == 47) or (
                octet == 37 and view[at + 1] == 50 and (view[at + 2] | 32) == 101
            ):
                slash_dot = True
        at += 1
    if at == target or view[at] != 32:
        head.error = Reason.BAD_REQUEST
        return 0
    if at - target > limits.target_bytes:
        head.error = Reason.TARGET_TOO_LONG
        return 0
    head.target = view[target:at]
    head.path = view[target:query] if query >= 0 else head.target
    head.dot_segments = slash_dot and has_dot_segments(head.path)
    if at + 11 > end:
        head.error = Reason.BAD_REQUEST
        return 0
    if (
        view[at + 1] == 72
        and view[at + 2] == 84
        and view[at + 3] == 84
        and view[at + 4] == 80
        and view[at + 5] == 47
        and view[at + 6] == 49
        and view[at + 7] == 46
        and (view[at + 8] == 49 or view[at + 8] == 48)
        and view[at + 9] == 13
        and view[at + 10] == 10
    ):
        head.minor = view[at + 8] - 48
    else:
        version = view[at + 1 : at + 11]
        known = len(version) == 10 and version[:5] == b"HTTP/" and version[6:7] == b"." and version[8:] == b"\r\n"
        digits = version[5:6] in _DIGITS and version[7:8] in _DIGITS
        head.error = Reason.VERSION_NOT_SUPPORTED if known and digits else Reason.BAD_REQUEST
        return 0
    if head.method == b"CONNECT" or head.method == b"TRACE":
        head.error = Reason.METHOD_NOT_ALLOWED
        return 0
    return at + 11


def has_dot_segments(path: bytes) -> bool:
    """Whether a segment of the path is `.` or `..`, written plainly or as `%2e` (RFC 3986 section 5.2.4).

    Some servers drop a parameter (`..;x`) first, so it does not count."""
    segments = path.lower().replace(b"%2e", b".").split(b"/")
    return any([segment.partition(b";")[0] in (b".", b"..") for segment in segments])  # noqa: C419  no closure


def _conclude_request(head: RequestHead, fields: Fields) -> None:
    """Decide host, framing, persistence and what is forwarded; sets `head.error` where the head is refused."""
    if fields.hosts != 1:
        head.error = Reason.BAD_REQUEST
        return
    authority = fields.host
    if head.target[0] != 47:
        named = _origin_form(head)
        if head.error is not None:
            return
        if named is not None and split_authority(named) != split_authority(authority):
            head.error = Reason.BAD_REQUEST
            return
    known = _AUTHORITIES.get(authority)
    if known is None:
        known = _remember_authority(authority)
    host = known[0]
    if host == b"":
        head.error = Reason.BAD_REQUEST
        return
    head.host = host
    head.authority = known[1]
    if fields.encodings:
        if fields.lengths or fields.encodings > 1 or head.minor == 0:
            head.error = Reason.BAD_REQUEST
            return
        head.framing = FRAMING_CHUNKED
    elif fields.lengths:
        head.framing = FRAMING_LENGTH
        head.length = fields.length
    head.keep_alive = fields.keep_alive and not fields.close if head.minor == 0 else not fields.close
    if fields.expect and head.minor == 1:
        if fields.expect.lower() != b"100-continue":
            head.error = Reason.EXPECTATION_FAILED
            return
        head.expect_continue = True
    if fields.upgrade and fields.wants_upgrade and fields.upgrade.lower() == b"websocket":
        if head.minor == 0 or head.method != b"GET" or fields.ws_version != b"13" or len(fields.ws_key) != 24:
            head.error = Reason.BAD_REQUEST
            return
        head.upgrade = head.framing == FRAMING_NONE
    parts = fields.parts
    kept = b"".join(parts) if len(parts) != 1 else parts[0]
    if fields.nominated is not None:
        kept = _without(kept, fields.nominated)
    if head.authority != fields.host_kept:
        kept = b"".join((b"Host: ", head.authority, b"\r\n", kept))
    if fields.lengths and not fields.length_kept:
        kept = b"".join((kept, b"Content-Length: ", number(fields.length), b"\r\n"))
    head.fields = kept
    head.user_agent = fields.agent
    head.referer = fields.referer
    head.claimed_for = fields.claimed_for
    head.claimed_proto = fields.claimed_proto
    head.claimed_host = fields.claimed_host


_AUTHORITIES: dict[bytes, tuple[bytes, bytes]] = {}  # Host value -> (host, authority to forward)
_MAX_AUTHORITIES = 32768  # some 10 MiB when strangers fill it


def _remember_authority(authority: bytes) -> tuple[bytes, bytes]:
    """Host and forwarded authority of a Host value, kept for the next request; (b"", b"") if it is not valid."""
    host, port = split_authority(authority)
    known = (host, host + b":" + port if port else host)
    if len(_AUTHORITIES) >= _MAX_AUTHORITIES:
        del _AUTHORITIES[next(iter(_AUTHORITIES))]  # the oldest
    if len(authority) <= 255:
        _AUTHORITIES[authority] = known
    return known


def _origin_form(head: RequestHead) -> bytes | None:
    """Rewrite an absolute-form target in place; the authority it named, or None for `*` (RFC 9112 section 3.2)."""
    target = head.target
    if target == b"*" and head.method == b"OPTIONS":
        return None
    scheme, separator, rest = target.partition(b"://")
    if separator == b"" or scheme.lower() not in (b"http", b"https"):
        head.error = Reason.BAD_REQUEST
        return None
    cut = len(rest)
    for mark in (b"/", b"?"):
        found = rest.find(mark)
        if 0 <= found < cut:
            cut = found
    tail = rest[cut:]
    if tail == b"" and head.method == b"OPTIONS":
        tail = b"*"
    elif tail[:1] != b"/":
        tail = b"/" + tail
    head.target = tail
    head.path = tail.partition(b"?")[0]
    return rest[:cut]


def split_authority(authority: bytes) -> tuple[bytes, bytes]:
    """(host, port) with the host lower-case and one trailing dot removed; (b"", b"") if it is not a valid authority.

    reg-name, IPv4 or bracketed IPv6, then `:` and up to five digits (RFC 3986 section 3.2.2); no userinfo, `%` or `,`.
    """
    if authority[:1] == b"[":
        close = authority.find(b"]")
        inside, rest = authority[1:close], authority[close + 1 :]
        if close < 4 or inside.translate(None, b"0123456789abcdefABCDEF:.") or inside.count(b":") < 2:
            return b"", b""
        host = authority[: close + 1].lower()
        if rest[:1] not in (b"", b":"):
            return b"", b""
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = authority.partition(b":")
        host = host.lower()
        if host[-1:] == b".":
            host = host[:-1]
        if (
            host == b""
            or len(host) > 253
            or host[:1] == b"."
            or host[-1:] == b"."
            or b".." in host
            or host.translate(None, _HOST_SET)
        ):
            return b"", b""
    if colon and (len(port) > 5 or port.translate(None, _DIGITS) or (port and int(port) > 65535)):
        return b"", b""
    return host, port


_HOST_SET = bytes(octet for octet in range(256) if HOSTNAME[octet])


# ----------------------------------------------------------------------------------------------------- the responses


def parse_response(data: bytes, start: int, head_only: bool, limits: Limits) -> ResponseHead | None:
    """Parse the response head at `start`; None if more bytes are needed. Never raises for any input.

    `head_only`: the request was a HEAD, so no body follows whatever the fields say (RFC 9112 section 6.3).
    """
    size = len(data)
    end = _last_line(data, start, size)
    if end < 0 and size - start <= limits.head_bytes and not _hopeless_status(data, start):
        return None
    head = ResponseHead.__new__(ResponseHead)
    head.clear()
    at = _status_line(data, start, end, head) if end >= 0 else 0
    if at == 0:
        head.error = Reason.BAD_RESPONSE
        return head
    fields = _FIELDS
    fields.clear()
    _scan_fields(data, at, fields, limits, _RESPONSE_KNOWN, False)
    head.end = fields.end + 2
    if fields.error is not None or fields.end - start > limits.head_bytes:
        head.error = Reason.BAD_RESPONSE
        return head
    _conclude_response(head, fields, head_only)
    return head


def _hopeless_status(data: bytes, start: int) -> bool:
    begin = data[start : start + 7]
    if b"HTTP/1."[: len(begin)] != begin:
        return True
    at = data.find(b"\n", start)
    while at >= 0:
        if data[at - 1] != 13:
            return True
        at = data.find(b"\n", at + 1)
    return False


def _status_line(data: bytes, start: int, end: int, head: ResponseHead) -> int:
    """Offset of the first field line, or 0 if the status line is not one (RFC 9112 section 4)."""
    view = data
    value_class = VALUE
    if (
        end - start < 14
        or view[start] != 72
        or view[start + 1] != 84
        or view[start + 2] != 84
        or view[start + 3] != 80
        or view[start + 4] != 47
        or view[start + 5] != 49
        or view[start + 6] != 46
        or (view[start + 7] != 49 and view[start + 7] != 48)
        or view[start + 8] != 32
    ):
        return 0
    code = 0
    for at in range(start + 9, start + 12):
        digit = view[at] - 48
        if digit < 0 or digit > 9:
            return 0
        code = code * 10 + digit
    if code < 100 or code > 599:
        return 0
    at = start + 12
    if view[at] != 32 and view[at] != 13:
        return 0
    while value_class[view[at]]:
        at += 1
    if view[at] != 13 or view[at + 1] != 10:
        return 0
    at += 2
    head.minor = view[start + 7] - 48
    head.status = code
    if head.minor == 1 and view[start + 12] == 32:
        head.line = view[start:at]
    else:
        head.line = b"HTTP/1.1 " + view[start + 9 : start + 12] + b" " + view[start + 12 : at].lstrip(b" ")
    return at


def _conclude_response(head: ResponseHead, fields: Fields, head_only: bool) -> None:
    status = head.status
    if fields.encodings and (fields.lengths or fields.encodings > 1 or head.minor == 0):
        head.error = Reason.BAD_RESPONSE
        return
    if status < 200 and (fields.encodings or fields.lengths) and status != 101:
        head.error = Reason.BAD_RESPONSE
        return
    head.keep_alive = fields.keep_alive and not fields.close if head.minor == 0 else not fields.close
    parts = fields.parts
    kept = b"".join(parts) if len(parts) != 1 else parts[0]
    if fields.nominated is not None:
        kept = _without(kept, fields.nominated)
    if fields.lengths and not fields.length_kept:
        kept = b"".join((kept, b"Content-Length: ", number(fields.length), b"\r\n"))
    if status == 101:
        head.switched = fields.wants_upgrade and fields.upgrade.lower() == b"websocket"
    if status < 200 or status == 204 or status == 304 or head_only:
        head.framing = FRAMING_NONE
        if (
            fields.lengths and status == 204
        ):  # must not stand there (RFC 9110 section 8.6); elsewhere it tells a GET's size
            kept = _without(kept, [b"content-length"])
    elif fields.encodings:
        head.framing = FRAMING_CHUNKED
    elif fields.lengths:
        head.framing = FRAMING_LENGTH
        head.length = fields.length
    else:
        head.framing = FRAMING_UNTIL_CLOSE
        head.keep_alive = False
    head.fields = kept


# -------------------------------------------------------------------------------------------------- the field lines


def _scan_fields(
    data: bytes,
    start: int,
    found: Fields,
    limits: Limits,
    known: Known,
    request: bool,
) -> None:
    """Walk the field lines from `start` to the empty line, which must be there; runs of lines to keep are copied as one
    slice."""
    view = data
    token = TOKEN
    value_class = VALUE
    at = start
    run = start  # first byte of the run being kept
    count = 0
    while True:
        line = at
        if view[at] == 13 and view[at + 1] == 10:
            break
        count += 1
        underscore = False
        while token[view[at]]:
            if view[at] == 95:
                underscore = True
            at += 1
        length = at - line
        if length == 0 or length > 1024 or view[at] != 58 or count > limits.headers:  # no name is that long
            found.error = Reason.BAD_REQUEST if length <= 1024 and count <= limits.headers else Reason.HEADERS_TOO_LARGE
            return
        at += 1
        value = at
        while value_class[view[at]]:
            at += 1
        if view[at] != 13 or view[at + 1] != 10:
            found.error = Reason.BAD_REQUEST
            return
        stop = at
        at += 2
        kind = _KEEP
        if length < 64:
            kind = known.kind(data, line, length)
        if request and underscore:
            kind = _DROP
        odd = False  # white space other than one SP before the value
        if value < stop:
            if view[value] == 32:
                value += 1
                if value == stop:
                    odd = True
            if value < stop and (view[value] == 32 or view[value] == 9 or view[stop - 1] == 32 or view[stop - 1] == 9):
                odd = True
        if kind == _KEEP and not odd:
            continue
        if odd:
            while value < stop and (view[value] == 32 or view[value] == 9):
                value += 1
            while stop > value and (view[stop - 1] == 32 or view[stop - 1] == 9):
                stop -= 1
        keep = True
        if kind != _KEEP:
            keep = _note(found, kind, view[value:stop])
            if found.error is not None:
                return
        if keep and not odd:
            continue
        if run < line:
            found.parts.append(view[run:line])
        if keep:
            found.parts.append(b"".join((view[line : line + length], b": ", view[value:stop], b"\r\n")))
        run = at
    found.end = at
    if run < at:
        found.parts.append(view[run:at])


def _note(found: Fields, kind: int, value: bytes) -> bool:
    """Take in a field that means something to us; whether its line is forwarded as it is."""
    if kind == _AGENT:
        found.agent = value
        return True
    if kind == _REFERER:
        found.referer = value
        return True
    if kind == _HOST:
        found.hosts += 1
        found.host = value
        known = _AUTHORITIES.get(value)
        if known is None:
            known = _remember_authority(value)
        if known[1] == value and found.hosts == 1:
            found.host_kept = value
            return True
        return False
    if kind == _CONNECTION:
        _note_connection(found, value)
        return False
    if kind == _LENGTH:
        found.lengths += 1
        found.length = decimal(value)
        if found.lengths > 1 or found.length < 0:
            found.error = Reason.BAD_REQUEST
            return False
        found.length_kept = len(value) == 1 or value[0] != 48
        return found.length_kept
    if kind == _ENCODING:
        found.encodings += 1
        if value.lower() != b"chunked":
            broken = value == b"" or value.translate(None, _LIST_SET)
            found.error = Reason.BAD_REQUEST if broken or found.encodings > 1 else Reason.NOT_IMPLEMENTED
        return False
    if kind == _FOR:
        found.claimed_for = value if found.claimed_for == b"" else found.claimed_for + b", " + value
        return False
    if kind == _WS_KEY:
        found.ws_key = value
        return True
    if kind == _WS_VERSION:
        found.ws_version = value
        return True
    if kind == _UPGRADE:
        found.upgrade = value if found.upgrade == b"" else found.upgrade + b", " + value
    elif kind == _EXPECT:
        found.expect = value if found.expect == b"" else found.expect + b", " + value
    elif kind == _PROTO:
        found.claimed_proto = value
    elif kind == _FORWARDED_HOST:
        found.claimed_host = value
    return False


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


_LIST_SET = _ALPHANUMERIC + b"!#$%&'*+-.^_`|~ ,;="


def _note_connection(found: Fields, value: bytes) -> None:
    """Options of one Connection field (RFC 9110 section 7.6.1)."""
    lowered = value.lower()
    if lowered == b"keep-alive":
        found.keep_alive = True
        return
    if lowered == b"close":
        found.close = True
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
            if name.translate(None, _TOKEN_SET):
                found.error = Reason.BAD_REQUEST
                return
            if found.nominated is None:
                found.nominated = []
            found.nominated.append(name)
            if len(found.nominated) > _MAX_NOMINATED:
                found.error = Reason.HEADERS_TOO_LARGE
                return


_TOKEN_SET = bytes(octet for octet in range(256) if TOKEN[octet])


def _without(lines: bytes, names: list[bytes]) -> bytes:
    """The field lines less those that Connection nominated (rare, so it may split)."""
    kept = [line for line in lines.split(b"\r\n") if line and line.partition(b":")[0].lower() not in names]
    return b"\r\n".join(kept) + b"\r\n" if kept else b""

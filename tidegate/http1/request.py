"""A request head: bytes to `RequestHead`, parsed, checked and rewritten in one pass.

HOT: bytes read once, counted in bench/micro/parse_head.py and `make bench`. Compiled with `request.pxd`; the same source
runs uncompiled.

The rule behind every line: what is forwarded is built from what was understood. Strict by RFC 9112 and then some: CRLF only,
no obs-fold, one Host, one framing field, no Content-Length with Transfer-Encoding (docs/http.md has the list).
"""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.http1.authority import same_authority
from tidegate.http1.characters import DIGITS, TARGET, TOKEN
from tidegate.http1.events import FRAMING_CHUNKED, FRAMING_LENGTH, FRAMING_NONE, Limits, RequestHead
from tidegate.http1.fields import REQUEST_FIELDS, Fields, kept_lines
from tidegate.http1.lines import Known, is_http1, last_line, scan_fields
from tidegate.http1.target import has_dot_segments, origin_form

_FOUND = Fields()  # parsing never nests, so one is enough
_KNOWN = Known(REQUEST_FIELDS)
_MAX_METHOD = 32


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
    end = last_line(data, start, size)
    if end < 0:
        head.error = _refuse_early(data, start, size, limits)
        return head if head.error is not None else None
    at = _request_line(data, start, end, head, limits)
    if at == 0:
        return head
    found = _FOUND
    found.clear()
    scan_fields(data, at, found, limits, _KNOWN, True)
    if found.error is not None:
        head.error = found.error
        return head
    head.end = found.end + 2
    if head.end - start > limits.head_bytes:
        head.error = Reason.HEADERS_TOO_LARGE
        return head
    head.error = _refuse(head, found)
    if head.error is None:
        _conclude(head, found)
    return head


# ------------------------------------------------------------------------------------------------ before it is whole


def _refuse_early(data: bytes, start: int, size: int, limits: Limits) -> Reason | None:
    """Why an incomplete head is already hopeless, if it is."""
    if size - start > limits.head_bytes:
        return Reason.HEADERS_TOO_LARGE
    line_end = data.find(b"\n", start)
    first = data[start : line_end if line_end >= 0 else size]
    if _is_no_method(first):
        return Reason.BAD_REQUEST
    if line_end < 0:
        return Reason.TARGET_TOO_LONG if size - start > limits.target_bytes + 64 else None
    if b" HTTP/" not in first:
        return Reason.BAD_REQUEST
    count = 0
    at = line_end
    while at >= 0:  # every LF must end a CRLF
        if at == start or data[at - 1] != 13:
            return Reason.BAD_REQUEST
        count += 1
        if count > limits.headers + 1:
            return Reason.HEADERS_TOO_LARGE
        at = data.find(b"\n", at + 1)
    return Reason.BAD_REQUEST if b"\0" in data[start:size] else None


def _is_no_method(line: bytes) -> bool:
    """Whether a line, perhaps incomplete, cannot begin with a method and a space. A CR may be its last byte so far."""
    for position, octet in enumerate(line[: _MAX_METHOD + 1]):
        if octet == 32:
            return position == 0
        if TOKEN[octet] == 0 and not (octet == 13 and position == len(line) - 1):
            return True
    return len(line) > _MAX_METHOD


# -------------------------------------------------------------------------------------------------- the request line


def _request_line(data: bytes, start: int, end: int, head: RequestHead, limits: Limits) -> int:
    """Fill method, target and version; the offset of the first field line, or 0 with `head.error` set."""
    view = data
    token = TOKEN
    at = start
    while token[view[at]]:
        at += 1
    if at == start or at - start > _MAX_METHOD or view[at] != 32:
        head.error = Reason.BAD_REQUEST
        return 0
    head.method = view[start:at]
    at = _target(data, at + 1, head, limits)
    if at == 0:
        return 0
    if at + 11 > end:
        head.error = Reason.BAD_REQUEST
        return 0
    if not is_http1(view, at + 1) or view[at + 9] != 13 or view[at + 10] != 10:
        head.error = _wrong_version(view[at + 1 : at + 11])
        return 0
    head.minor = view[at + 8] - 48
    if head.method == b"CONNECT" or head.method == b"TRACE":
        head.error = Reason.METHOD_NOT_ALLOWED
        return 0
    return at + 11


def _target(data: bytes, start: int, head: RequestHead, limits: Limits) -> int:
    """Fill target, path and whether it has dot segments; the offset of the SP behind, or 0 with `head.error` set."""
    view = data
    allowed = TARGET
    at = start
    query = -1
    dots = False
    while allowed[view[at]]:
        octet = view[at]
        if query < 0:
            if octet == 63:
                query = at
            elif (octet == 46 and view[at - 1] == 47) or (
                octet == 37 and view[at + 1] == 50 and (view[at + 2] | 32) == 101
            ):
                dots = True
        at += 1
    if at == start or view[at] != 32:
        head.error = Reason.BAD_REQUEST
        return 0
    if at - start > limits.target_bytes:
        head.error = Reason.TARGET_TOO_LONG
        return 0
    head.target = view[start:at]
    head.path = view[start:query] if query >= 0 else head.target
    head.dot_segments = dots and has_dot_segments(head.path)
    return at


def _wrong_version(text: bytes) -> Reason:
    """Another version of HTTP, or no version at all (RFC 9112 section 2.3)."""
    shaped = len(text) == 10 and text[:5] == b"HTTP/" and text[6:7] == b"." and text[8:] == b"\r\n"
    digits = text[5:6] in DIGITS and text[7:8] in DIGITS
    return Reason.VERSION_NOT_SUPPORTED if shaped and digits else Reason.BAD_REQUEST


# -------------------------------------------------------------------------------------------------- what it comes to


def _refuse(head: RequestHead, found: Fields) -> Reason | None:
    """Why line and fields together make no sound request, if so; decides target, framing and upgrade on the way."""
    if found.hosts != 1 or found.host == b"":
        return Reason.BAD_REQUEST
    if head.target[0] != 47 and not _names(head, found.authority):
        return Reason.BAD_REQUEST
    if found.encodings:
        if found.lengths or found.encodings > 1 or head.minor == 0:
            return Reason.BAD_REQUEST
        head.framing = FRAMING_CHUNKED
    elif found.lengths:
        head.framing = FRAMING_LENGTH
        head.length = found.length
    if found.expect and head.minor == 1:
        if found.expect.lower() != b"100-continue":
            return Reason.EXPECTATION_FAILED
        head.expect_continue = True
    if found.upgrade and found.wants_upgrade and found.upgrade.lower() == b"websocket":
        if head.minor == 0 or head.method != b"GET" or found.ws_version != b"13" or len(found.ws_key) != 24:
            return Reason.BAD_REQUEST
        head.upgrade = head.framing == FRAMING_NONE
    return None


def _names(head: RequestHead, authority: bytes) -> bool:
    """Rewrite a target that is not in origin form; whether it is one of HTTP that names nobody but `authority`."""
    rewritten = origin_form(head.target, head.method)
    if rewritten is None:
        return False
    head.target, named = rewritten
    head.path = head.target.partition(b"?")[0]
    return named == b"" or same_authority(named, authority)


def _conclude(head: RequestHead, found: Fields) -> None:
    """Fill in who is asked, whether the connection stays, and what is forwarded."""
    head.host = found.host
    head.authority = found.authority
    head.keep_alive = found.keep_alive and not found.close if head.minor == 0 else not found.close
    kept = kept_lines(found)
    if not found.host_kept:
        kept = b"".join((b"Host: ", head.authority, b"\r\n", kept))
    head.fields = kept
    head.user_agent = found.agent
    head.referer = found.referer
    head.claimed_for = found.claimed_for
    head.claimed_proto = found.claimed_proto
    head.claimed_host = found.claimed_host

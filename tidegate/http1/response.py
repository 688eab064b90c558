"""A response head: bytes to `ResponseHead`, parsed, checked and rewritten in one pass.

HOT, as `request`. A response that is not exactly one is refused whole: half of it must reach nobody (RFC 9112 sections 4 and 6.3).
"""

from __future__ import annotations

from tidegate.errors import Reason
from tidegate.http1.characters import VALUE
from tidegate.http1.events import (
    FRAMING_CHUNKED,
    FRAMING_LENGTH,
    FRAMING_NONE,
    FRAMING_UNTIL_CLOSE,
    Limits,
    ResponseHead,
)
from tidegate.http1.fields import RESPONSE_FIELDS, Fields, kept_lines, without
from tidegate.http1.lines import Known, is_http1, last_line, scan_fields

_FOUND = Fields()  # parsing never nests, so one is enough
_KNOWN = Known(RESPONSE_FIELDS)


def parse_response(data: bytes, start: int, head_only: bool, limits: Limits) -> ResponseHead | None:
    """Parse the response head at `start`; None if more bytes are needed. Never raises for any input.

    `head_only`: the request was a HEAD, so no body follows whatever the fields say (RFC 9112 section 6.3).
    """
    size = len(data)
    end = last_line(data, start, size)
    if end < 0 and size - start <= limits.head_bytes and not _is_hopeless(data, start, limits):
        return None
    head = ResponseHead.__new__(ResponseHead)
    head.clear()
    at = _status_line(data, start, end, head) if end >= 0 else 0
    if at == 0:
        head.error = Reason.BAD_RESPONSE
        return head
    found = _FOUND
    found.clear()
    scan_fields(data, at, found, limits, _KNOWN, False)
    head.end = found.end + 2
    if found.error is not None or head.end - start > limits.head_bytes or _is_unsound(head, found):
        head.error = Reason.BAD_RESPONSE
        return head
    _conclude(head, found, head_only)
    return head


def _is_hopeless(data: bytes, start: int, limits: Limits) -> bool:
    """Whether an incomplete head can no longer become one."""
    begin = data[start : start + 7]
    if b"HTTP/1."[: len(begin)] != begin:
        return True
    count = 0
    at = data.find(b"\n", start)
    while at >= 0:
        count += 1
        if data[at - 1] != 13 or count > limits.headers + 1:
            return True
        at = data.find(b"\n", at + 1)
    return False


# --------------------------------------------------------------------------------------------------- the status line


def _status_line(data: bytes, start: int, end: int, head: ResponseHead) -> int:
    """Fill version, status and the line to send; the offset of the first field line, or 0 if it is none (RFC 9112 section 4)."""
    view = data
    text = VALUE
    if end - start < 14 or not is_http1(view, start) or view[start + 8] != 32:
        return 0
    head.minor = view[start + 7] - 48
    head.status = _code(view, start + 9)
    at = start + 12
    if head.status == 0 or (view[at] != 32 and view[at] != 13):
        return 0
    while text[view[at]]:
        at += 1
    if view[at] != 13 or view[at + 1] != 10:
        return 0
    at += 2
    if head.minor == 1 and view[start + 12] == 32:
        head.line = view[start:at]
    else:
        head.line = b"HTTP/1.1 " + view[start + 9 : start + 12] + b" " + view[start + 12 : at].lstrip(b" ")
    return at


def _code(view: bytes, start: int) -> int:
    """Three digits that make 100 to 599, else 0."""
    code = 0
    for at in range(start, start + 3):
        digit = view[at] - 48
        if digit < 0 or digit > 9:
            return 0
        code = code * 10 + digit
    return code if 100 <= code <= 599 else 0


# -------------------------------------------------------------------------------------------------- what it comes to


def _is_unsound(head: ResponseHead, found: Fields) -> bool:
    """Whether its framing could be read in two ways (RFC 9112 section 6.3)."""
    if found.encodings and (found.lengths or found.encodings > 1 or head.minor == 0):
        return True
    return head.status < 200 and head.status != 101 and found.encodings + found.lengths > 0


def _conclude(head: ResponseHead, found: Fields, head_only: bool) -> None:
    """Fill in framing, whether the connection stays, and what is forwarded."""
    status = head.status
    head.keep_alive = found.keep_alive and not found.close if head.minor == 0 else not found.close
    kept = kept_lines(found)
    if status == 101:
        head.switched = found.wants_upgrade and found.upgrade.lower() == b"websocket"
    if status < 200 or status == 204 or status == 304 or head_only:
        head.framing = FRAMING_NONE
        if found.lengths and (status < 200 or status == 204):  # must not stand there (RFC 9110 section 8.6)
            kept = without(kept, [b"content-length"])
    elif found.encodings:
        head.framing = FRAMING_CHUNKED
    elif found.lengths:
        head.framing = FRAMING_LENGTH
        head.length = found.length
    else:
        head.framing = FRAMING_UNTIL_CLOSE
        head.keep_alive = False
    head.fields = kept

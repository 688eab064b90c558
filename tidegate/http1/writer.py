"""Heads to bytes: numbers, status lines, and the short answers the router gives itself. Pure; what repeats is built once. HOT."""

from __future__ import annotations

from http import HTTPStatus

from tidegate.errors import Reason

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_NUMBERS_SIZE = 10000
_NUMBERS = [b"%d" % value for value in range(_NUMBERS_SIZE)]
_LAST_FOUR = [b"%04d" % value for value in range(_NUMBERS_SIZE)]
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}
_LINES = {(code, phrase): b"HTTP/1.1 %d %b\r\n" % (code, phrase) for code, phrase in _PHRASES.items()}
_SENTENCES = {
    Reason.NO_ROUTE: "No route matches this host and path.",
    Reason.TLS_REQUIRED: "This host needs a client certificate, over HTTPS.",
    Reason.MISDIRECTED: "This connection was opened for another host.",
    Reason.HOLD_TIMEOUT: "No container of this service became ready in time.",
    Reason.HOLD_QUEUE_FULL: "Too many requests are already waiting for this service.",
    Reason.OVERLOADED: "Too much is going on here at the moment.",
    Reason.QUEUE_TIMEOUT: "No container of this service had room in time.",
    Reason.DEADLINE: "The whole request took too long.",
    Reason.MAINTENANCE: "This service is in maintenance.",
    Reason.CONNECT_FAILED: "No container of this service accepts connections.",
    Reason.CONNECT_TIMEOUT: "Connecting to the container took too long.",
    Reason.RESPONSE_TIMEOUT: "The container took too long to answer.",
    Reason.BAD_RESPONSE: "The container's answer was not valid HTTP.",
    Reason.UPSTREAM_CLOSED: "The container closed the connection before it answered.",
    Reason.BAD_REQUEST: "The request was not valid HTTP.",
    Reason.REQUEST_TIMEOUT: "The request took too long to arrive.",
    Reason.HEADERS_TOO_LARGE: "The header section is too large.",
    Reason.BODY_TOO_LARGE: "The request body is larger than this route takes.",
    Reason.UNAUTHORIZED: "This needs a name and a password.",
    Reason.FORBIDDEN: "You may not use this.",
    Reason.RATE_LIMITED: "Too many requests.",
    Reason.AUTHORITY_SILENT: "Whether you may use this cannot be found out now.",
    Reason.TARGET_TOO_LONG: "The request target is too long.",
}


def number(value: int) -> bytes:
    """Decimal digits of a number; those below 10^8 are looked up (a third of the time that formatting takes)."""
    if 0 <= value < _NUMBERS_SIZE:
        return _NUMBERS[value]
    if 0 < value < _NUMBERS_SIZE * _NUMBERS_SIZE:
        return _NUMBERS[value // _NUMBERS_SIZE] + _LAST_FOUR[value % _NUMBERS_SIZE]
    return b"%d" % value


def answer(reason: Reason, page: bytes, lines: bytes, head_only: bool, close: bool) -> bytes:
    """A whole error response: status and short text of `reason`, or `page` instead of the text; `lines` are more fields."""
    status = reason.status if reason.status in _PHRASES else 500
    body = page or _text(reason, status)
    kind = b"text/html; charset=utf-8" if page.lstrip()[:1] == b"<" else b"text/plain; charset=utf-8"
    lines = b"".join(
        (
            b"Content-Type: %b\r\nX-Tidegate-Reason: %b\r\nCache-Control: no-store\r\n" % (kind, reason.token.encode()),
            b"Retry-After: 1\r\n" if status == 503 and b"Retry-After:" not in lines else b"",
            lines,
        )
    )
    return respond(status, lines, body, head_only, close)


def respond(status: int, lines: bytes, body: bytes, head_only: bool, close: bool) -> bytes:
    """A whole response with these field lines; the length of `body` is told except where the status has none."""
    line = _LINES[status, _PHRASES[status]] if status in _PHRASES else b"HTTP/1.1 %d \r\n" % status
    sized = status >= 200 and status not in (204, 304)
    return b"".join(
        (
            line,
            b"Content-Length: %d\r\n" % len(body) if sized else b"",
            lines,
            b"Connection: close\r\n" if close else b"",
            b"\r\n",
            b"" if head_only or not sized else body,
        )
    )


def _text(reason: Reason, status: int) -> bytes:
    sentence = _SENTENCES.get(reason, "")
    return f"{status} {_PHRASES[status].decode()}\n{sentence}\n".encode() if sentence else _PHRASES[status] + b"\n"

r"""Access records in other shapes than the default JSON: `common`, `combined`, or a template of fields in braces.

A template is read once, into codes; `Template.render` is HOT where one is used. `{{` and `}}` are braces. A template
that begins with `{{` is taken for JSON: its values are escaped as in JSON strings; in others what could break a line or
drive a terminal becomes `\xHH`, and what is empty `-`. docs/access-log.md describes every field.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from tidegate.http1.writer import number
from tidegate.router.accesslog import MAX_ESCAPED, MAX_VALUE, escape
from tidegate.router.exchange import Exchange

COMMON = '{client} - - [{time_common}] "{method} {target} {protocol}" {status} {sent}'
NAMED = {"common": COMMON, "combined": COMMON + ' "{referer}" "{agent}"'}
#: Never logged, whatever a template asks for.
SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization", "set-cookie")

# What a part of a template is; the durations come in threes: microseconds, milliseconds, seconds.
_TEXT, _TIME, _TIME_COMMON, _CLIENT, _METHOD, _HOST, _TARGET, _PATH, _QUERY = range(9)
_PROTOCOL, _STATUS, _RECEIVED, _SENT, _TRIES, _ROUTE, _SERVICE, _VERSION = range(9, 17)
_ENDPOINT, _ADDRESS, _REASON, _AGENT, _REFERER, _REQUEST_ID, _TRACE_ID, _HEADER = range(17, 25)
_DURATION, _FIRST_BYTE, _UPSTREAM, _HELD = 30, 33, 36, 39
_FIRST_TIME = 30

FIELDS = {
    "time": _TIME,
    "time_common": _TIME_COMMON,
    "client": _CLIENT,
    "method": _METHOD,
    "host": _HOST,
    "target": _TARGET,
    "path": _PATH,
    "query": _QUERY,
    "protocol": _PROTOCOL,
    "status": _STATUS,
    "received": _RECEIVED,
    "sent": _SENT,
    "tries": _TRIES,
    "route": _ROUTE,
    "service": _SERVICE,
    "version": _VERSION,
    "endpoint": _ENDPOINT,
    "address": _ADDRESS,
    "reason": _REASON,
    "agent": _AGENT,
    "referer": _REFERER,
    "request_id": _REQUEST_ID,
    "trace_id": _TRACE_ID,
    **{
        f"{name}_{unit}": code + at
        for name, code in (
            ("duration", _DURATION),
            ("first_byte", _FIRST_BYTE),
            ("upstream", _UPSTREAM),
            ("held", _HELD),
        )
        for at, unit in enumerate(("us", "ms", "s"))
    },
}

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PLAIN = bytes(octet for octet in range(0x20, 0x7F) if octet not in b'"\\')


class Template:
    """A compiled template. `headers` says whether it reads request headers besides agent and referer."""

    __slots__ = ("codes", "headers", "json", "size", "texts")

    def __init__(self, parts: list[tuple[int, bytes]], *, json: bool) -> None:
        self.codes = [code for code, _ in parts]
        self.texts = [text for _, text in parts]
        self.size = len(parts)
        self.json = json
        self.headers = _HEADER in self.codes or _PROTOCOL in self.codes

    def render(self, exchange: Exchange, stamp: bytes, stamp_common: bytes, duration_us: int) -> bytes:
        """The line of a finished exchange, with its line end."""
        pieces: list[bytes] = []
        for at in range(self.size):
            code = self.codes[at]
            if code == _TEXT:
                pieces.append(self.texts[at])
            elif code == _TIME:
                pieces.append(stamp)
            elif code == _TIME_COMMON:
                pieces.append(stamp_common)
            elif code >= _FIRST_TIME:
                pieces.append(_time(code, exchange, duration_us))
            elif _STATUS <= code <= _TRIES:
                pieces.append(_count(code, exchange))
            else:
                pieces.append(self._escape(_word(code, exchange, self.texts[at])))
        pieces.append(b"\n")
        return b"".join(pieces)

    def _escape(self, value: bytes) -> bytes:
        if self.json:
            return escape(value)
        return escape_text(value) if value else b"-"


def template_of(text: str, hidden: Collection[str] = ()) -> Template:
    """Read a template, or the name of a known one. Raises ValueError that names the field at fault and the nearest one.

    Headers in `hidden` (lower case) come out empty."""
    text = NAMED.get(text, text)
    parts: list[tuple[int, bytes]] = []
    at = 0
    for found in _PIECE.finditer(text):
        parts.append((_TEXT, text[at : found.start()].encode()))
        at = found.end()
        if found[0] in ("{{", "}}"):
            parts.append((_TEXT, found[0][:1].encode()))
        elif found[1] is None:
            raise ValueError(f"a lone {found[0]} at character {found.start() + 1}; write {found[0] * 2} for a brace")
        else:
            parts.append(_field(found[1], hidden))
    parts.append((_TEXT, text[at:].encode()))
    if not any(code != _TEXT for code, _ in parts):
        raise ValueError("json, common, combined, or a template with at least one {field}")
    if any(octet < 0x20 for octet in text.encode()):
        raise ValueError("a template is one line without control characters")
    return Template([(code, part) for code, part in parts if code != _TEXT or part], json=text.startswith("{{"))


def _field(name: str, hidden: Collection[str]) -> tuple[int, bytes]:
    if name in FIELDS:
        return FIELDS[name], b""
    kind, _, header = name.partition(".")
    if kind == "header" and _HEADER_NAME.fullmatch(header):
        if header.lower() in SECRET_HEADERS:
            raise ValueError(f"{{{name}}} is never logged")
        return _HEADER, b"" if header.lower() in hidden else header.lower().encode()
    near = difflib.get_close_matches(name, [*FIELDS, "header.NAME"], n=1, cutoff=0.5)
    hint = f"did you mean {{{near[0]}}}?" if near else "docs/access-log.md lists the fields"
    raise ValueError(f"there is no field {{{name}}}; {hint}")


def escape_text(raw: bytes) -> bytes:
    r"""`raw` without anything that ends a line, ends a quoted value or drives a terminal: such octets become \\xHH."""
    view = raw
    for at in range(len(raw)):
        octet = view[at]
        if octet < 0x20 or octet > 0x7E or octet == 0x22 or octet == 0x5C:
            return _escaped(raw[:MAX_ESCAPED])
    return raw[:MAX_VALUE]


def _escaped(raw: bytes) -> bytes:
    return b"".join([bytes((octet,)) if octet in _PLAIN else b"\\x%02x" % octet for octet in raw])


def _time(code: int, exchange: Exchange, duration_us: int) -> bytes:
    at = code - _FIRST_TIME
    kind = at // 3
    if kind == 0:
        value = duration_us
    elif kind == 1:
        value = int((exchange.first_byte - exchange.started) * 1e6) if exchange.first_byte else 0
    elif kind == 2:
        value = exchange.upstream_us()
    else:
        value = exchange.held_us(duration_us)
    if at % 3 == 0:
        return number(value)
    if at % 3 == 1:
        return b"%d.%03d" % (value // 1000, value % 1000)
    return b"%d.%06d" % (value // 1000000, value % 1000000)


def _count(code: int, exchange: Exchange) -> bytes:
    if code == _STATUS:
        return number(exchange.status)
    if code == _RECEIVED:
        return number(exchange.received)
    if code == _SENT:
        return number(exchange.sent)
    return number(exchange.tries)


def _word(code: int, exchange: Exchange, name: bytes) -> bytes:
    if code <= _QUERY:
        return _from_target(code, exchange)
    if code <= _ADDRESS:
        return _from_peers(code, exchange)
    if code == _REASON:
        return exchange.reason.token.encode() if exchange.reason is not None else b""
    if code == _AGENT:
        return exchange.agent
    if code == _REFERER:
        return exchange.referer
    notes = exchange.notes
    if notes is None:
        return b""
    if code == _HEADER:
        return bytes(notes.header(name)) if name else b""
    return bytes(notes.request_id if code == _REQUEST_ID else notes.trace_id)


def _from_target(code: int, exchange: Exchange) -> bytes:
    if code == _CLIENT:
        return exchange.client
    if code == _METHOD:
        return exchange.method
    if code == _HOST:
        return exchange.host
    if code == _TARGET:
        return exchange.target
    path, _, query = exchange.target.partition(b"?")
    return path if code == _PATH else query


def _from_peers(code: int, exchange: Exchange) -> bytes:
    if code == _PROTOCOL:
        return bytes(exchange.notes.protocol) if exchange.notes is not None else b""
    if code == _ROUTE:
        return exchange.route.id.encode() if exchange.route is not None else b""
    upstream = exchange.upstream
    if upstream is None:
        return b""
    if code == _ADDRESS:
        return str(upstream.address).encode()
    endpoint = upstream.endpoint
    chosen = endpoint.service if code == _SERVICE else endpoint.version if code == _VERSION else endpoint.id
    return bytes(chosen.encode())

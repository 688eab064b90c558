"""One JSON line per exchange: the default access record, built from what the exchange gathered along the way.

HOT: `line` once per request (`make bench`, `python -m bench.micro.account`). docs/access-log.md is the reference of the
fields. Other formats are in `logformat`, what is left out is decided in `recorder`, and `logfile` writes.
"""

from __future__ import annotations

from tidegate.http1.writer import number
from tidegate.router.exchange import Exchange

#: A value longer than this is cut; so is one that needs escaping and is longer than `MAX_ESCAPED`.
MAX_VALUE = 4096
MAX_ESCAPED = 2048
_CAP = MAX_VALUE
_SAFE = bytes(octet for octet in range(0x20, 0x7F) if octet not in b'"\\')
_UNSAFE = bytes(0 if octet in _SAFE else 1 for octet in range(256))


def escape(raw: bytes) -> bytes:
    r"""`raw` as the inside of a JSON string; octets outside printable ASCII become \\u00xx. At most `MAX_VALUE` of it."""
    view = raw
    unsafe = _UNSAFE
    for at in range(len(raw)):
        if unsafe[view[at]]:
            return _escaped(raw[:MAX_ESCAPED])
    return raw if len(raw) <= _CAP else raw[:_CAP]


def _escaped(raw: bytes) -> bytes:
    return b"".join([bytes((octet,)) if octet in _SAFE else b"\\u%04x" % octet for octet in raw])


def line(exchange: Exchange, stamp: bytes, duration_us: int) -> bytes:
    """The record of a finished exchange. `stamp` is an RFC 3339 time; durations are microseconds, sizes bytes."""
    route = exchange.route
    upstream = exchange.upstream
    reason = exchange.reason
    first_us = int((exchange.first_byte - exchange.started) * 1e6) if exchange.first_byte else 0
    return b"".join(
        (
            b'{"time":"',
            stamp,
            b'","client":"',
            exchange.client,
            b'","method":"',
            exchange.method,
            b'","host":"',
            exchange.host,
            b'","target":"',
            escape(exchange.target),
            route.log_part if route is not None else b"",
            upstream.log_part if upstream is not None else b"",
            b'","reason":"' + reason.token.encode() if reason is not None else b"",
            b'","agent":"',
            escape(exchange.agent),
            b'","referer":"' + escape(exchange.referer) if exchange.referer else b"",
            exchange.notes.log_part if exchange.notes is not None else b"",
            b'","status":',
            number(exchange.status),
            b',"received":',
            number(exchange.received),
            b',"sent":',
            number(exchange.sent),
            b',"tries":',
            number(exchange.tries),
            b',"held_us":' + number(exchange.held_us(duration_us)) if exchange.held_at else b"",
            b',"upstream_us":',
            number(exchange.upstream_us()),
            b',"first_byte_us":',
            number(first_us),
            b',"duration_us":',
            number(duration_us),
            b"}\n",
        )
    )

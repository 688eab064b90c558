"""Watches exchanges where the settings ask for it: gives them request ids, makes them part of traces, tells their spans.

Without such settings there is no observer, and a request costs one test for None.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Protocol

from tidegate.http1.events import RequestHead
from tidegate.router.exchange import Exchange
from tidegate.router.notes import Notes, taken
from tidegate.router.trace import Trace, Tracer
from tidegate.span import Attribute, Span

_SOUND_ID = re.compile(rb"[A-Za-z0-9._~+/=:@-]{1,128}")
_KNOWN = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"))
_MAX_TEXT = 2048


class SpanSink(Protocol):
    """Takes finished spans. Must not wait: what it has no place for it drops and counts."""

    def add(self, span: Span) -> None: ...


class Observer:
    """`request_id` is `off`, `keep` (a sound one of the client's stays) or `new`; with `return_id` the answer says it too.
    `bits(n)` gives n random bits.

    `strike` takes out of a target what must not be told."""

    def __init__(
        self,
        *,
        request_id: str,
        tracer: Tracer | None,
        spans: SpanSink | None,
        strike: Callable[[bytes], bytes] | None,
        bits: Callable[[int], int],
        return_id: bool = False,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._request_id = request_id
        self._tracer = tracer
        self._spans = spans
        self._strike = strike
        self._bits = bits
        self._return_id = return_id
        self._wall_ns = wall_ns

    def begin(self, exchange: Exchange, head: RequestHead) -> None:
        """A request came: note what is asked for, and change the header lines to forward."""
        fields = head.fields
        notes = Notes(fields, b"HTTP/1.1" if head.minor else b"HTTP/1.0")
        exchange.notes = notes
        if self._request_id != "off":
            fields = self._identify(notes, fields)
            if self._return_id:
                notes.told = b"X-Request-ID: " + notes.request_id + b"\r\n"
        if self._tracer is not None:
            notes.span, fields = self._tracer.begin(fields)
            notes.trace_id = notes.span.trace_id
        head.fields = notes.fields = fields
        notes.seal()

    def _identify(self, notes: Notes, fields: bytes) -> bytes:
        given, rest = taken(fields, b"x-request-id")
        if self._request_id == "keep" and len(given) == 1 and _SOUND_ID.fullmatch(given[0]):
            notes.request_id = given[0]
            return fields
        notes.request_id = b"%032x" % self._bits(128)
        return rest + b"X-Request-ID: " + notes.request_id + b"\r\n"

    def finished(self, exchange: Exchange, duration_us: int) -> None:
        """It is over: tell its span, if it is recorded."""
        notes = exchange.notes
        if self._spans is None or notes is None or notes.span is None or not notes.span.sampled:
            return
        end = self._wall_ns()
        self._spans.add(self._span(exchange, notes.span, notes, end - duration_us * 1000, end))

    def _span(self, exchange: Exchange, trace: Trace, notes: Notes, start: int, end: int) -> Span:
        method = exchange.method.decode("latin-1") if exchange.method in _KNOWN else "HTTP"
        route = exchange.route.route.path if exchange.route is not None else ""
        return Span(
            trace_id=trace.trace_id,
            span_id=trace.span_id,
            parent_id=trace.parent_id,
            state=trace.state,
            name=f"{method} {route}" if route else method,
            start_ns=start,
            end_ns=end,
            failed=exchange.status >= 500,
            attributes=(
                *self._of_request(exchange, notes),
                *_of_answer(exchange),
                *_of_route(exchange, route, end_us=(end - start) // 1000),
            ),
        )

    def _of_request(self, exchange: Exchange, notes: Notes) -> list[Attribute]:
        """OpenTelemetry semantic conventions for HTTP server spans, 1.23 and later."""
        target = self._strike(exchange.target) if self._strike is not None else exchange.target
        path, _, query = target.partition(b"?")
        known = exchange.method in _KNOWN
        found: list[Attribute] = [
            ("http.request.method", _text(exchange.method) if known else "_OTHER"),
            ("url.path", _text(path)),
            ("url.scheme", _text(b"https" if exchange.secure else b"http")),
            ("server.address", _text(exchange.host)),
            ("client.address", _text(exchange.client)),
            ("network.protocol.version", _text(notes.protocol[5:])),
        ]
        optional = (
            ("http.request.method_original", b"" if known else exchange.method),
            ("url.query", query),
            ("user_agent.original", exchange.agent),
            ("tidegate.request_id", notes.request_id),
        )
        return found + [(name, _text(value)) for name, value in optional if value]


def _of_answer(exchange: Exchange) -> list[Attribute]:
    found: list[Attribute] = [
        ("http.request.body.size", exchange.received),
        ("http.response.body.size", exchange.sent),
    ]
    if exchange.status:
        found.append(("http.response.status_code", exchange.status))
    if exchange.reason is not None:
        found.append(("error.type", exchange.reason.token))
    elif exchange.status >= 500:
        found.append(("error.type", str(exchange.status)))
    return found


def _of_route(exchange: Exchange, path: str, end_us: int) -> list[Attribute]:
    found: list[Attribute] = []
    if exchange.route is not None:
        found += [("http.route", path), ("tidegate.route", exchange.route.id)]
    upstream = exchange.upstream
    if upstream is not None:
        endpoint = upstream.endpoint
        found += [
            ("tidegate.service", endpoint.service),
            ("tidegate.version", endpoint.version),
            ("tidegate.endpoint", endpoint.id),
            ("network.peer.address", upstream.address.host),
            ("network.peer.port", upstream.address.port),
            ("tidegate.tries", exchange.tries),
            ("tidegate.upstream_seconds", exchange.upstream_us() / 1e6),
        ]
    if exchange.held_at:
        found.append(("tidegate.held_seconds", exchange.held_us(end_us) / 1e6))
    return found


def _text(raw: bytes) -> str:
    return raw[:_MAX_TEXT].decode("latin-1")

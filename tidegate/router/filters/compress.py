"""Answers compressed on their way to a client that takes it (RFC 9110 sections 8.4 and 12.5.3). Pure.

What arrives in small pieces leaves in small pieces: each is flushed, so that a stream of events stays one.
"""

from __future__ import annotations

import zlib

from tidegate.http1.events import FRAMING_LENGTH, FRAMING_NONE, RequestHead, ResponseHead
from tidegate.http1.fields import without
from tidegate.http1.lookup import field
from tidegate.policy import Compress

_LEVEL = 5
_FLUSH_BELOW = 8192  # a piece smaller than this is probably all there is for now
_TYPES = (
    "text/html",
    "text/plain",
    "text/css",
    "text/csv",
    "text/xml",
    "text/javascript",
    "text/markdown",
    "text/event-stream",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/manifest+json",
    "application/xml",
    "application/rss+xml",
    "application/atom+xml",
    "application/wasm",
    "image/svg+xml",
)


class Coder:
    """Gzip of one body."""

    __slots__ = ("_deflate",)

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)

    def feed(self, data: bytes) -> bytes:
        """Compressed bytes that are ready, maybe none."""
        out = self._deflate.compress(data)
        return out + self._deflate.flush(zlib.Z_SYNC_FLUSH) if len(data) < _FLUSH_BELOW else out

    def end(self) -> bytes:
        """The last bytes."""
        return self._deflate.flush()


class CompressStep:
    """Decides per answer; changes the head of those it compresses, and of those it might have."""

    def __init__(self, compress: Compress) -> None:
        self._types = frozenset(kind.encode() for kind in compress.types or _TYPES)
        self._min = compress.min_bytes

    def coder(self, request: RequestHead, head: ResponseHead) -> Coder | None:
        """The coder for this answer's body, with the head edited to fit; None if it stays as it is."""
        if head.framing == FRAMING_NONE or head.status in (206, 101) or not self._is_fit(head.fields):
            return None
        if head.framing == FRAMING_LENGTH and head.length < self._min:
            return None
        head.fields = _varying(head.fields)
        if not accepts_gzip(field(request.fields, b"accept-encoding")):
            return None
        head.fields = _weakened(without(head.fields, [b"content-length", b"accept-ranges"]))
        head.fields += b"Content-Encoding: gzip\r\n"
        return Coder()

    def _is_fit(self, lines: bytes) -> bool:
        kind = (field(lines, b"content-type") or b"").partition(b";")[0].strip(b" \t").lower()
        if kind not in self._types or field(lines, b"content-encoding") is not None:
            return False
        return b"no-transform" not in (field(lines, b"cache-control") or b"").lower()


def accepts_gzip(value: bytes | None) -> bool:
    """Whether an Accept-Encoding field grants gzip: by name, or by `*`, with a weight above zero."""
    granted: dict[bytes, bool] = {}
    for item in (value or b"").lower().split(b","):
        name, _, parameters = item.partition(b";")
        weight = parameters.replace(b" ", b"").replace(b"\t", b"")
        granted[name.strip(b" \t")] = not (weight.startswith(b"q=") and weight[2:].strip(b"0.") == b"")
    return granted.get(b"gzip", granted.get(b"x-gzip", granted.get(b"*", False)))


def _varying(lines: bytes) -> bytes:
    vary = field(lines, b"vary")
    if vary is None:
        return lines + b"Vary: Accept-Encoding\r\n"
    listed = [each.strip(b" \t").lower() for each in vary.split(b",")]
    if b"*" in listed or b"accept-encoding" in listed:
        return lines
    return without(lines, [b"vary"]) + b"Vary: %b, Accept-Encoding\r\n" % vary


def _weakened(lines: bytes) -> bytes:
    """A strong validator names exact bytes, and these are others (RFC 9110 section 8.8.1)."""
    tag = field(lines, b"etag")
    if tag is None or tag.startswith(b"W/"):
        return lines
    return without(lines, [b"etag"]) + b"ETag: W/%b\r\n" % tag

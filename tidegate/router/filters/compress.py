"""Answers compressed on their way to a client that takes it (RFC 9110 sections 8.4 and 12.5.3). Pure.

What arrives in small pieces leaves in small pieces: each is flushed, so that a stream of events stays one.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Protocol

import zstandard

from tidegate.http1.events import FRAMING_LENGTH, FRAMING_NONE, RequestHead, ResponseHead
from tidegate.http1.fields import without
from tidegate.http1.lookup import field
from tidegate.policy import Compress

_GZIP_LEVEL = 5
_ZSTD_LEVEL = 3
_WEIGHT = re.compile(rb"[01](?:\.[0-9]{0,3})?")
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


class Coder(Protocol):
    """Compresses one body."""

    def feed(self, data: bytes) -> bytes:
        """Compressed bytes that are ready, maybe none."""

    def end(self) -> bytes:
        """The last bytes."""


class Gzip:
    """RFC 1952."""

    __slots__ = ("_deflate",)

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 31)

    def feed(self, data: bytes) -> bytes:
        """Compressed bytes that are ready, maybe none."""
        out = self._deflate.compress(data)
        return out + self._deflate.flush(zlib.Z_SYNC_FLUSH) if len(data) < _FLUSH_BELOW else out

    def end(self) -> bytes:
        """The last bytes."""
        return self._deflate.flush()


class Zstd:
    """RFC 8878; at this level the window is 2 MiB, of the 8 that RFC 9659 grants."""

    __slots__ = ("_frame",)

    def __init__(self) -> None:
        self._frame = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()

    def feed(self, data: bytes) -> bytes:
        """Compressed bytes that are ready, maybe none."""
        out = self._frame.compress(data)
        return out + self._frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) if len(data) < _FLUSH_BELOW else out

    def end(self) -> bytes:
        """The last bytes."""
        return self._frame.flush()


_CODERS: dict[bytes, type[Gzip | Zstd]] = {b"zstd": Zstd, b"gzip": Gzip}


class CompressStep:
    """Decides per answer; changes the head of those it compresses, and of those it might have."""

    def __init__(self, compress: Compress) -> None:
        self._types = frozenset(kind.encode() for kind in compress.types or _TYPES)
        self._encodings = [name.encode() for name in compress.encodings]
        self._min = compress.min_bytes

    def coder(self, request: RequestHead, head: ResponseHead) -> Coder | None:
        """The coder for this answer's body, with the head edited to fit; None if it stays as it is."""
        if head.framing == FRAMING_NONE or head.status in (206, 101) or not self._is_fit(head.fields):
            return None
        if head.framing == FRAMING_LENGTH and head.length < self._min:
            return None
        head.fields = _varying(head.fields)
        encoding = accepted(field(request.fields, b"accept-encoding"), self._encodings)
        if encoding is None:
            return None
        head.fields = _weakened(without(head.fields, [b"content-length", b"accept-ranges"]))
        head.fields += b"Content-Encoding: %b\r\n" % encoding
        return _CODERS[encoding]()

    def _is_fit(self, lines: bytes) -> bool:
        kind = (field(lines, b"content-type") or b"").partition(b";")[0].strip(b" \t").lower()
        if kind not in self._types or field(lines, b"content-encoding") is not None:
            return False
        return b"no-transform" not in (field(lines, b"cache-control") or b"").lower()


def accepted(value: bytes | None, ours: Sequence[bytes]) -> bytes | None:
    """Which of our encodings an Accept-Encoding field wants most; among equals the first of ours, None if none."""
    weights: dict[bytes, float] = {}
    for item in (value or b"").lower().split(b","):
        name, _, parameters = item.partition(b";")
        weights[name.strip(b" \t")] = _weight(parameters.replace(b" ", b"").replace(b"\t", b""))
    others = weights.get(b"*", 0.0)
    best = max(ours, key=lambda name: weights.get(name, others))
    return best if weights.get(best, others) > 0.0 else None


def _weight(parameter: bytes) -> float:
    """RFC 9110 section 12.4.2; what is no weight grants nothing."""
    if not parameter:
        return 1.0
    digits = parameter.removeprefix(b"q=")
    return float(digits) if _WEIGHT.fullmatch(digits) and digits != parameter else 0.0


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

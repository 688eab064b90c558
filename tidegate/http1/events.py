"""Heads of messages as the parser leaves them: checked, with what must not travel on already left out.

HOT: one object per request and per response; plain slotted classes because the compiler lays them out (`.pxd`).
Bytes stay bytes. Sources: RFC 9110, RFC 9112; the policy lines stand in docs/http.md.
"""

from __future__ import annotations

from tidegate.errors import Reason

#: How a body is framed (RFC 9112 section 6.3). UNTIL_CLOSE only in responses.
FRAMING_NONE = 0
FRAMING_LENGTH = 1
FRAMING_CHUNKED = 2
FRAMING_UNTIL_CLOSE = 3


class Limits:
    """Bounds on a head, in bytes and in number of fields."""

    __slots__ = ("head_bytes", "headers", "target_bytes")

    def __init__(self, head_bytes: int = 65536, headers: int = 128, target_bytes: int = 16384) -> None:
        self.head_bytes = head_bytes
        self.headers = headers
        self.target_bytes = target_bytes


class RequestHead:
    """One request head. With `error` set only `error` means anything.

    `target` is in origin form (or `*`), `path` its part before `?`; `host` is lower-case, without port and without a
    trailing dot, `authority` the same with the port as sent. `fields` are the field lines to forward, each ended by
    CRLF, with Host and Content-Length; hop-by-hop fields, Transfer-Encoding and everything a client may not claim (X-Forwarded-* and kin)
    are left out. What was claimed is kept aside in `claimed_*` for trusted peers. `end` is the offset after the head.
    """

    __slots__ = (
        "authority",
        "claimed_for",
        "claimed_host",
        "claimed_proto",
        "dot_segments",
        "end",
        "error",
        "expect_continue",
        "fields",
        "framing",
        "host",
        "keep_alive",
        "length",
        "method",
        "minor",
        "path",
        "referer",
        "target",
        "upgrade",
        "user_agent",
    )

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Set every attribute to its resting value. (Apart from `__init__`: a compiled call costs a fifth of a built one.)"""
        self.error: Reason | None = None
        self.method: bytes = b""
        self.target: bytes = b""
        self.path: bytes = b""
        self.host: bytes = b""
        self.authority: bytes = b""
        self.minor: int = 1
        self.framing: int = FRAMING_NONE
        self.length: int = 0
        self.keep_alive: bool = True
        self.expect_continue: bool = False
        self.upgrade: bool = False  # a sound WebSocket handshake (RFC 6455 section 4.2.1)
        self.dot_segments: bool = False  # path has `/.` or an encoded dot: refused where path rules exist
        self.fields: bytes = b""
        self.user_agent: bytes = b""
        self.referer: bytes = b""
        self.claimed_for: bytes = b""
        self.claimed_proto: bytes = b""
        self.claimed_host: bytes = b""
        self.end: int = 0


class ResponseHead:
    """One response head. `line` is the status line to send, with its CRLF; `fields` as in RequestHead, but with
    Content-Length; `switched` says a 101 named the protocol that was asked for."""

    __slots__ = ("end", "error", "fields", "framing", "keep_alive", "length", "line", "minor", "status", "switched")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Set every attribute to its resting value."""
        self.error: Reason | None = None
        self.status: int = 0
        self.line: bytes = b""
        self.minor: int = 1
        self.framing: int = FRAMING_NONE
        self.length: int = 0
        self.keep_alive: bool = True
        self.switched: bool = False
        self.fields: bytes = b""
        self.end: int = 0

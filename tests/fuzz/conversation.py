"""The codec alone over one connection: what `router.downstream` and `router.upstream` make of octets, without sockets.

Requests are read and written as the downstream side does it (less the X-Forwarded-* that it adds), responses as the upstream
side does it. Fed in any pieces, the outcome must be the same.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

from tidegate.http1.chunks import ChunkReader
from tidegate.http1.events import FRAMING_CHUNKED, FRAMING_LENGTH, FRAMING_NONE, FRAMING_UNTIL_CLOSE, Limits
from tidegate.http1.request import parse_request
from tidegate.http1.response import parse_response

LIMITS = Limits()
HEAD, BODY, OVER = "head", "body", "over"
OPEN, REFUSED, CLOSED, UPGRADED = "open", "refused", "closed", "upgraded"


class Message(NamedTuple):
    """One whole message: method and target of a request, or status and nothing of a response."""

    start: bytes
    target: bytes
    body: bytes


class Body:
    """The body of one message: what is content, and what is written for it."""

    def __init__(self, head):
        self.left = head.length if head.framing == FRAMING_LENGTH else 0
        self.until_close = head.framing == FRAMING_UNTIL_CLOSE
        chunked = head.framing == FRAMING_CHUNKED
        self.reader, self.bare = (ChunkReader(False), ChunkReader(True)) if chunked else (None, None)
        self.content = []

    @property
    def done(self):
        return self.reader.done if self.reader else not self.left and not self.until_close

    def feed(self, data, at):
        """(what to write, offset after what was taken), or None at a fault."""
        if self.reader:
            self.content.append(self.bare.feed(data, at))
            written = self.reader.feed(data, at)
            assert (self.bare.done, self.bare.error) == (self.reader.done, self.reader.error)
            return None if self.reader.error else (written, self.reader.end)
        take = len(data) - at if self.until_close else min(self.left, len(data) - at)
        self.left -= 0 if self.until_close else take
        piece = data[at : at + take]
        self.content.append(piece)
        return (b"%x\r\n%b\r\n" % (take, piece) if self.until_close else piece), at + take


class Requests:
    """The client's side of a connection."""

    def __init__(self):
        self.messages = []
        self.forwarded = []
        self.ending = OPEN
        self._pending = b""
        self._head = self._body = None

    def feed(self, data):
        """Take octets as a connection brings them."""
        data = self._pending + data
        at = 0
        while at < len(data) and self.ending == OPEN:
            before = at, self._head
            at = self._in_body(data, at) if self._head else self._in_head(data, at)
            if (at, self._head) == before:
                break
        self._pending = data[at:]

    def _in_head(self, data, at):
        head = parse_request(data, at, LIMITS)
        if head is None:
            return at
        if head.error is not None:
            self.ending = REFUSED
            return at
        assert at < head.end <= len(data)
        self._head, self._body = head, Body(head)
        self.forwarded.append(written_request(head))
        if self._body.done:
            self._end()
        return head.end

    def _in_body(self, data, at):
        taken = self._body.feed(data, at)
        if taken is None:
            self.ending = REFUSED
            return at
        self.forwarded.append(taken[0])
        if self._body.done:
            self._end()
        return taken[1]

    def _end(self):
        head = self._head
        self.messages.append(Message(head.method, head.target, b"".join(self._body.content)))
        self._head = None
        if head.upgrade:
            self.ending = UPGRADED
        elif not head.keep_alive:
            self.ending = CLOSED


def written_request(head):
    last = b"\r\nTransfer-Encoding: chunked\r\n\r\n" if head.framing == FRAMING_CHUNKED else b"\r\n\r\n"
    if head.upgrade:
        last = b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    return b"".join((head.method, b" ", head.target, b" HTTP/1.1\r\n", head.fields.removesuffix(b"\r\n"), last))


class Responses:
    """The container's side, for one request: interim heads, the final head and its body; then whatever comes is too much."""

    def __init__(self, head_only=False):
        self.head_only = head_only
        self.messages = []
        self.forwarded = []
        self.ending = OPEN
        self._pending = b""
        self._head = self._body = None

    def feed(self, data):
        """Take octets as a connection brings them."""
        data = self._pending + data
        at = 0
        while at < len(data) and self.ending == OPEN:
            before = at, self._head
            at = self._in_body(data, at) if self._head else self._in_head(data, at)
            if (at, self._head) == before:
                break
        self._pending = data[at:]

    def close(self):
        """The container closed."""
        if self.ending == OPEN and self._head and self._body.until_close:
            self.forwarded.append(b"0\r\n\r\n")
            self._end()

    def _in_head(self, data, at):
        head = parse_response(data, at, self.head_only, LIMITS)
        if head is None:
            return at
        if head.error is not None or head.status == 101:
            self.ending = REFUSED
            return at
        assert at < head.end <= len(data)
        if head.status < 200:
            return head.end
        self._head, self._body = head, Body(head)
        chunked = head.framing in (FRAMING_CHUNKED, FRAMING_UNTIL_CLOSE)
        framing = b"Transfer-Encoding: chunked\r\n" if chunked else b""
        self.forwarded.append(b"".join((head.line, head.fields, framing, b"\r\n")))
        if head.framing == FRAMING_NONE or self._body.done:
            self._end()
        return head.end

    def _in_body(self, data, at):
        taken = self._body.feed(data, at)
        if taken is None:
            self.ending = REFUSED
            return at
        self.forwarded.append(taken[0])
        if self._body.done:
            self._end()
        return taken[1]

    def _end(self):
        self.messages.append(Message(b"%d" % self._head.status, b"", b"".join(self._body.content)))
        self._head = None
        self.ending = CLOSED


def conversed(side, data, cuts=()):
    """`side` after `data`, fed in pieces cut at those offsets."""
    edges = [0, *sorted(cuts), len(data)]
    for start, stop in itertools.pairwise(edges):
        side.feed(data[start:stop])
    return side

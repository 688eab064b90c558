"""The request's head as it goes to a container: the client's own fields, and what we tell of the client. Pure.

HOT: guarded by `make bench`. The fields come edited from the parser (docs/http.md); what is told is ours alone, or follows
what a trusted peer claims.
"""

from __future__ import annotations

from tidegate.http1.authority import split_authority
from tidegate.http1.events import FRAMING_CHUNKED, RequestHead

_CHUNKED = FRAMING_CHUNKED


def request_head(head: RequestHead, forwarded: bytes, host: bytes) -> bytes:
    """The head in full; `forwarded` is what `told_client` gave."""
    last = b"\r\n\r\n" if head.framing != _CHUNKED else b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    if head.upgrade:
        last = b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    return b"".join(
        (
            head.method,
            b" ",
            head.target,
            b" HTTP/1.1\r\n",
            head.fields,
            forwarded,
            host,
            b'"\r\nX-Forwarded-Host: ',
            host,
            last,
        )
    )


def told_host(head: RequestHead) -> bytes:
    """The host behind a trusted peer: what it claims, if that is one, else what it asks."""
    if head.claimed_host and split_authority(head.claimed_host)[0]:
        return head.claimed_host
    return head.authority


def told_client(client: bytes, certificate: bytes, secure: bool, head: RequestHead | None) -> bytes:
    """X-Forwarded-* and Forwarded (RFC 7239) up to the host; ours alone, or appended to what a trusted peer claims in `head`.
    `certificate` is the field line that tells what the client showed."""
    chain = client
    proto = b"https" if secure else b"http"
    if head is not None:
        if head.claimed_for:
            chain = head.claimed_for + b", " + client
        if head.claimed_proto in (b"http", b"https"):
            proto = head.claimed_proto
    node = b'"[%b]"' % client if b":" in client else client
    return b'%bX-Forwarded-For: %b\r\nX-Real-IP: %b\r\nX-Forwarded-Proto: %b\r\nForwarded: for=%b;proto=%b;host="' % (
        certificate,
        chain,
        client,
        proto,
        node,
        proto,
    )

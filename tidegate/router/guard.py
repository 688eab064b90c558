"""May this connection carry requests for this route? Asked only of routes that demand HTTPS or client certificates, and on
connections that are bound to one host (docs/tls.md). Pure.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from tidegate.errors import Reason
from tidegate.http1.events import RequestHead
from tidegate.router.live import ONLY_KNOWN, LiveRoute


class Verdict(Enum):
    """What else than a reason may follow."""

    REDIRECT = "redirect"


REDIRECT = Verdict.REDIRECT


def verdict(relay: Any, route: LiveRoute, head: RequestHead) -> Reason | Verdict | None:
    """None: yes. Else what to answer with: a reason, or `REDIRECT` to HTTPS. Reads the relay's `secure`, `bound`, `rule`,
    `trusted` and the worker's `secure_port`."""
    known = bool(route.guard & ONLY_KNOWN)
    if relay.bound is not None and head.host != relay.bound:
        return Reason.MISDIRECTED
    if relay.secure:
        # no certificate was asked for when this connection began, or another one than now
        return Reason.MISDIRECTED if known and relay.rule != route.clients else None
    if not route.guard:
        return None
    if relay.trusted and head.claimed_proto == b"https":
        return Reason.TLS_REQUIRED if known else None  # whoever ended TLS before us, we have not seen the certificate
    if relay.core.secure_port:
        return REDIRECT
    return Reason.TLS_REQUIRED if known else None  # TLS ends before us, at somebody we were not told to trust


def https_location(head: RequestHead, secure_port: int) -> bytes:
    """Where the same request goes over HTTPS. A client that names a port reaches our listeners themselves; one that does
    not finds the usual ports before them."""
    target = head.target if head.target != b"*" else b"/"
    if head.authority == head.host or secure_port == 443:
        return b"https://%b%b" % (head.host, target)
    return b"https://%b:%d%b" % (head.authority[: head.authority.rindex(b":")], secure_port, target)

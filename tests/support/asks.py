"""Requests as filters see them."""

from __future__ import annotations

from tidegate.http1.events import Limits
from tidegate.http1.request import parse_request
from tidegate.router.filters.ask import Ask


def head(target="/", *lines, method="GET", host="a.test"):
    """A parsed request head."""
    text = "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/1.1", f"Host: {host}", *lines))
    parsed = parse_request(f"{text}\r\n".encode("latin-1"), 0, Limits())
    assert parsed is not None and parsed.error is None, parsed and parsed.error
    return parsed


def ask(target="/", *lines, client=b"192.0.2.1", secure=False, now=0.0, **values):
    """A request from a client, at a time."""
    return Ask(head(target, *lines, **values), client, secure, now)

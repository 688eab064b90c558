"""Edits of the path, on the very bytes that the matcher looked at: nothing is decoded. Pure."""

from __future__ import annotations

from tidegate.policy import Filters
from tidegate.router.filters.ask import Ask


class PathEdit:
    """Takes the route's own path off, replaces it, or puts one before; the container hears of it by X-Forwarded-Prefix."""

    def __init__(self, filters: Filters, path: str) -> None:
        own = path.encode() if path != "/" else b""
        self._own = len(own)
        self._add = filters.add_prefix.rstrip("/").encode()
        self._replaces = filters.strip_prefix or bool(filters.replace_prefix)
        self._new = filters.replace_prefix.rstrip("/").encode()
        self._told = own

    def on_request(self, ask: Ask) -> None:
        """`OPTIONS *` has no path."""
        path = ask.head.path
        if path == b"*":
            return
        if self._replaces:
            path = self._new + path[self._own :] or b"/"
            if self._told:
                ask.set(b"X-Forwarded-Prefix", self._told)
        ask.go_to(self._add + path)

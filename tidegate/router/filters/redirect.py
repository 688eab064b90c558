"""Answers with a redirection instead of forwarding (RFC 9110 section 15.4). Pure."""

from __future__ import annotations

from tidegate.policy import Redirect
from tidegate.router.filters.answer import Answer
from tidegate.router.filters.ask import Ask

_PORTS = {b"http": 80, b"https": 443}


class RedirectStep:
    """Every request is redirected, except one that is already where it would be sent."""

    def __init__(self, redirect: Redirect, path: str) -> None:
        self._scheme = redirect.scheme.encode()
        self._host = redirect.host.encode()
        self._port = redirect.port
        self._path = redirect.path.encode()
        self._prefix = redirect.prefix.rstrip("/").encode()
        self._swaps = bool(redirect.prefix)
        self._own = len(path) if path != "/" else 0
        self._status = redirect.status

    def on_request(self, ask: Ask) -> Answer | None:
        """The redirection, or None."""
        here = b"https" if ask.secure else b"http"
        scheme = self._scheme or here
        host, colon, port = self._authority(ask)
        path = self._target(ask.head.path)
        if (scheme, host + colon + port, path) == (here, ask.head.authority, ask.head.path):
            return None
        _, mark, query = ask.head.target.partition(b"?")
        location = b"".join((scheme, b"://", host, colon, port, path, mark, query))
        return Answer(status=self._status, lines=b"Location: %b\r\n" % location)

    def _authority(self, ask: Ask) -> tuple[bytes, bytes, bytes]:
        host = self._host or ask.head.host
        if self._port:
            scheme = self._scheme or (b"https" if ask.secure else b"http")
            return (host, b"", b"") if _PORTS[scheme] == self._port else (host, b":", b"%d" % self._port)
        if self._scheme or self._host:
            return host, b"", b""
        return host, *ask.head.authority[len(ask.head.host) :].partition(b":")[1:]

    def _target(self, path: bytes) -> bytes:
        if path == b"*":
            return b"/"
        if self._path:
            return self._path
        return (self._prefix + path[self._own :] or b"/") if self._swaps else path

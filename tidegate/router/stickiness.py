"""A client stays where it was: the cookie that says so, and whom it means now. Pure.

The value is two keyed digests, of the version and of the endpoint: it tells a client nothing, and is the same on every
worker that has the key, before and after a restart (docs/decisions/0075). What it means is decided by the table:

    the endpoint is ready, its version has weight     that endpoint
    the endpoint is gone, its version has weight      another one of that version, and a new cookie
    the version has no weight, or is unknown          balanced as if there were no cookie, and a new cookie
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from tidegate.http1.lookup import fields
from tidegate.policy import Balance
from tidegate.router.balancer import Rotation

_HALF = 8  # octets of each digest


class Marker:
    """Makes the marks of endpoints. The same `key` (any length) gives the same marks."""

    __slots__ = ("_key", "_known")

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key, digest_size=32, person=b"tidegate-sticky").digest()
        self._known: dict[tuple[str, str, str], bytes] = {}

    def mark(self, service: str, version: str, endpoint: str) -> bytes:
        """`version digest-endpoint digest`, in hex."""
        identity = (service, version, endpoint)
        made = self._known.get(identity)
        if made is None:
            if len(self._known) > 65536:  # endpoints come and go for months
                self._known.clear()
            made = b"%b-%b" % (self._digest(f"{service}\0{version}"), self._digest(endpoint))
            self._known[identity] = made
        return made

    def _digest(self, text: str) -> bytes:
        return blake2b(text.encode(), digest_size=_HALF, key=self._key).hexdigest().encode()


class Stickiness:
    """The cookie of one route. `endpoints` are those that may be picked, each with its mark and weight."""

    __slots__ = ("_endpoints", "_key", "_marks", "_name", "_tail", "_versions")

    def __init__(self, balance: Balance, path: str, endpoints: Iterable[tuple[bytes, Any, int]], offset: int) -> None:
        self._name = balance.sticky_cookie.encode()
        self._key = self._name + b"="
        where = "/" if ";" in path else path
        self._tail = f"; Path={where}; Max-Age={balance.sticky_seconds}; HttpOnly; SameSite=Lax".encode()
        ready = [(mark, endpoint, weight) for mark, endpoint, weight in endpoints if weight > 0]
        self._endpoints = {mark: endpoint for mark, endpoint, _ in ready}
        self._marks = {endpoint: mark for mark, endpoint, _ in ready}
        self._versions: dict[bytes, Rotation] = {}
        for version in {_version(mark) for mark, _, _ in ready}:
            members = [(endpoint, weight) for mark, endpoint, weight in ready if _version(mark) == version]
            self._versions[version] = Rotation([one for one, _ in members], [share for _, share in members], offset)

    def read(self, lines: bytes) -> bytes | None:
        """The mark in a head's field lines: one whose endpoint is here, else one whose version is; None without either."""
        if self._key not in lines:
            return None
        second = None
        for line in fields(lines, b"cookie"):
            for pair in line.split(b";"):
                name, _, mark = pair.strip(b" \t").partition(b"=")
                if name == self._name:
                    if mark in self._endpoints:
                        return mark
                    if second is None and _version(mark) in self._versions:
                        second = mark
        return second

    def endpoint(self, mark: bytes) -> Any:
        """The endpoint of a mark, or None."""
        return self._endpoints.get(mark)

    def version(self, mark: bytes) -> Rotation | None:
        """Those of the same version, or None."""
        return self._versions.get(_version(mark))

    def cookie(self, endpoint: Any, secure: bool) -> bytes:
        """A Set-Cookie field line that keeps the client there; empty if the endpoint is none of ours any more."""
        mark = self._marks.get(endpoint)
        if mark is None:
            return b""
        return b"Set-Cookie: %b%b%b%b\r\n" % (self._key, mark, self._tail, b"; Secure" if secure else b"")


def _version(mark: bytes) -> bytes:
    return mark[: 2 * _HALF]

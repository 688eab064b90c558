"""HOT: DNS cookies (RFC 7873, server cookies as in RFC 9018). Counted: each query that brings one; guarded by
bench/micro/dns_answer.py.

A client sends eight octets of its own; our sixteen behind them prove that a later query comes from where our reply went. We
never ask for a cookie, so a wrong or old one only counts as none and is answered with a fresh one; a right one is above the
rate limit. All workers of a node, and all nodes with the same key, take each other's.
"""

from __future__ import annotations

from tidegate.dns.siphash import siphash

CLIENT_SIZE = 8
FULL_SIZE = 24  # of a client's and a server's cookie of version 1 together

_FRESH_SECONDS = 1800  # RFC 9018 4.3: older ones are replaced ...
_VALID_SECONDS = 3600  # ... and older than this count as none
_AHEAD_SECONDS = 300  # for clocks of other nodes
_VERSION = b"\1\0\0\0"
_OPTION = b"\0\x0a\0\x18"  # COOKIE, 24 octets
_RECORD = b"\0\0\x29\x04\xd0\0\0\0\0\0\x1c" + _OPTION
_RECORD_DO = b"\0\0\x29\x04\xd0\0\0\x80\0\0\x1c" + _OPTION


class Jar:
    """Makes and checks server cookies under `key` (16 octets). `now` is the wall clock in whole seconds, kept right to the
    second by whoever owns the jar. A `cookie` is what an option holds; a source is an address of 4 or 16 octets."""

    __slots__ = ("_high", "_low", "now")

    def __init__(self, key: bytes, now: int) -> None:
        self._low = int.from_bytes(key[:8], "little")
        self._high = int.from_bytes(key[8:16], "little")
        self.now = now

    def record(self, cookie: bytes, source: bytes, do: bool) -> bytes:
        """A whole OPT record with the full cookie for a client that sent `cookie`."""
        return (_RECORD_DO if do else _RECORD) + self._full(cookie, source)

    def option(self, cookie: bytes, source: bytes) -> bytes:
        """The option alone, for OPT records with more in them."""
        return _OPTION + self._full(cookie, source)

    def is_ours(self, cookie: bytes, source: bytes) -> bool:
        """Did we give `cookie` to `source`, not too long ago?"""
        return self._is_made(cookie, source) and self._is_recent(cookie, _VALID_SECONDS)

    def _full(self, cookie: bytes, source: bytes) -> bytes:
        if self._is_recent(cookie, _FRESH_SECONDS) and self._is_made(cookie, source):
            return cookie
        return self._made(cookie[:CLIENT_SIZE] + _VERSION + (self.now & 0xFFFFFFFF).to_bytes(4), source)

    def _is_made(self, cookie: bytes, source: bytes) -> bool:
        """The reserved octets are part of the digest and may be anything."""
        return len(cookie) == FULL_SIZE and cookie[8] == 1 and self._made(cookie[:16], source) == cookie

    def _is_recent(self, cookie: bytes, seconds: int) -> bool:
        """Ages are numbers that wrap (RFC 1982), so that 2106 is a year like any other."""
        if len(cookie) != FULL_SIZE:
            return False
        made = cookie[12] << 24 | cookie[13] << 16 | cookie[14] << 8 | cookie[15]
        age = (self.now - made) & 0xFFFFFFFF
        return age <= seconds or age >= 0x100000000 - _AHEAD_SECONDS

    def _made(self, head: bytes, source: bytes) -> bytes:
        return head + siphash(self._low, self._high, head + source).to_bytes(8, "little")

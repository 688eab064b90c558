"""Numbers nobody can guess, by the bufferful: a system call for each would cost more than the query it protects."""

from __future__ import annotations

import secrets

_BUFFER = 4096


class Entropy:
    """Draws from the system's generator; nothing is given twice."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0

    def ident(self) -> bytes:
        """Two octets, such as a query's id."""
        return self._take(2)

    def below(self, number: int) -> int:
        """A number below `number`, which is at most 256; a bias of one in 2**16 is no help to anybody."""
        drawn = self._take(2)
        return (drawn[0] << 8 | drawn[1]) * number >> 16

    def mixed_case(self, name: bytes) -> bytes:
        """A wire name in lower case with each letter in a case of its own (draft-vixie-dnsext-dns0x20)."""
        coins = self._take(len(name))
        return bytes(
            octet ^ 0x20 if coin & 1 and 97 <= octet <= 122 else octet
            for octet, coin in zip(name, coins, strict=True)  # a length octet is at most 63
        )

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._buffer):
            self._buffer = secrets.token_bytes(_BUFFER)
            self._at, end = 0, size
        found = self._buffer[self._at : end]
        self._at = end
        return found

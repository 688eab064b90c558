"""HOT: SipHash-2-4, the keyed digest in server cookies (Aumasson and Bernstein 2012; RFC 9018 4.4). Counted: each UDP query
that brings a cookie; guarded by bench/micro/dns_answer.py.

The masks keep plain Python at 64 bits; compiled they cost nothing.
"""

from __future__ import annotations

_MASK = 0xFFFFFFFFFFFFFFFF
_FIRST, _SECOND = 0x736F6D6570736575, 0x646F72616E646F6D  # "somepseudorandomlygeneratedbytes"
_THIRD, _FOURTH = 0x6C7967656E657261, 0x7465646279746573


def siphash(low: int, high: int, data: bytes) -> int:
    """The digest of `data`, 64 bits, under the key whose two halves are `low` and `high`, both read little-endian."""
    a = low ^ _FIRST
    b = high ^ _SECOND
    c = low ^ _THIRD
    d = high ^ _FOURTH
    blocks = len(data) >> 3
    for index in range(blocks + 2):  # the whole blocks, the one with what is left, and the end
        block = _block(data, index, blocks)
        if index > blocks:
            c ^= 0xFF
        d ^= block
        for _ in range(2 if index <= blocks else 4):
            a = (a + b) & _MASK
            c = (c + d) & _MASK
            b = (b << 13 & _MASK | b >> 51) ^ a
            d = (d << 16 & _MASK | d >> 48) ^ c
            a = a << 32 & _MASK | a >> 32
            a = (a + d) & _MASK
            c = (c + b) & _MASK
            d = (d << 21 & _MASK | d >> 43) ^ a
            b = (b << 17 & _MASK | b >> 47) ^ c
            c = c << 32 & _MASK | c >> 32
        a ^= block
    return a ^ b ^ c ^ d


def _block(data: bytes, index: int, blocks: int) -> int:
    """Eight octets little-endian; the last block has the length of all in its highest octet, the one behind it is zero."""
    if index > blocks:
        return 0
    size = len(data)
    octet = size & 0xFF
    block = octet << 56 if index == blocks else 0
    start = index << 3
    for position in range(start, min(start + 8, size)):
        octet = data[position]
        block |= octet << (position - start << 3)
    return block

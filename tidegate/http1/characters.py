"""Character classes of HTTP/1: one byte per octet, 1 where the octet belongs; and the same as sets, for `translate`.

Indexed by octet from compiled code, where a table costs one load and a set a call.
"""

from __future__ import annotations

ALPHANUMERIC = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DIGITS = b"0123456789"

#: RFC 9110 section 5.6.2.
TOKEN_SET = ALPHANUMERIC + b"!#$%&'*+-.^_`|~"
#: reg-name of RFC 3986 without `%` and `,`.
HOSTNAME_SET = ALPHANUMERIC + b"-._~!$&'()*+;="
#: Inside the brackets of an IPv6 literal.
IPV6_SET = b"0123456789abcdefABCDEF:."
#: What a list of transfer codings and their parameters may consist of (RFC 9112 section 7).
LIST_SET = TOKEN_SET + b" ,;="


def table(characters: bytes) -> bytes:
    """256 bytes: 1 for each octet of `characters`, 0 for all others."""
    return bytes(1 if octet in characters else 0 for octet in range(256))


TOKEN = table(TOKEN_SET)
#: A token without `_`: names with one are dropped from requests, so the scan stops there.
PLAIN_NAME = table(TOKEN_SET.replace(b"_", b""))
#: RFC 9110 section 5.5, and no control other than HTAB.
VALUE = table(b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100)))
#: Visible ASCII without `#`.
TARGET = table(bytes(octet for octet in range(0x21, 0x7F) if octet != 0x23))

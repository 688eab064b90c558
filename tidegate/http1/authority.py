"""Host and port as requests write them: checked, in one spelling, and remembered.

HOT: one dict lookup per request. RFC 9110 section 7.2, RFC 3986 section 3.2.2.
"""

from __future__ import annotations

from tidegate.http1.characters import DIGITS, HOSTNAME_SET, IPV6_SET

_REMEMBERED: dict[bytes, tuple[bytes, bytes]] = {}  # Host value -> (host, authority to forward)
_MAX_REMEMBERED = 32768  # some 10 MiB when strangers fill it


def authority_of(value: bytes) -> tuple[bytes, bytes]:
    """(host, authority to forward) of a Host value, kept for the next request; (b"", b"") if it is not valid."""
    known = _REMEMBERED.get(value)
    return known if known is not None else _remember(value)


def _remember(value: bytes) -> tuple[bytes, bytes]:
    host, port = split_authority(value)
    known = (host, host + b":" + port if port else host)
    if len(_REMEMBERED) >= _MAX_REMEMBERED:
        del _REMEMBERED[next(iter(_REMEMBERED))]  # the oldest
    if len(value) <= 255:
        _REMEMBERED[value] = known
    return known


def split_authority(authority: bytes) -> tuple[bytes, bytes]:
    """(host, port) with the host lower-case and one trailing dot removed; (b"", b"") if it is not a valid authority.

    reg-name, IPv4 or bracketed IPv6, then `:` and up to five digits; no userinfo, `%` or `,`.
    """
    if authority[:1] == b"[":
        close = authority.find(b"]") + 1
        host, rest = authority[:close].lower(), authority[close:]
        colon, port = rest[:1], rest[1:]
        sound = colon in (b"", b":") and _is_ipv6(host[1:-1])
    else:
        host, colon, port = authority.partition(b":")
        host = host.lower()
        if host[-1:] == b".":
            host = host[:-1]
        sound = _is_name(host)
    if not sound or (colon and not _is_port(port)):
        return b"", b""
    return host, port


def same_authority(one: bytes, other: bytes) -> bool:
    """Whether two sound authorities name the same host and port; none given is 80 (RFC 9110 section 4.2.3)."""
    (host, port), (other_host, other_port) = split_authority(one), split_authority(other)
    return host != b"" and host == other_host and (port or b"80") == (other_port or b"80")


def _is_ipv6(inside: bytes) -> bool:
    return len(inside) >= 3 and not inside.translate(None, IPV6_SET) and inside.count(b":") >= 2


def _is_name(host: bytes) -> bool:
    """A reg-name of 1 to 253 octets without an empty label."""
    return 0 < len(host) <= 253 and not host.translate(None, HOSTNAME_SET) and b"" not in host.split(b".")


def _is_port(port: bytes) -> bool:
    """Empty, or a number up to 65535 of at most five digits."""
    return len(port) <= 5 and not port.translate(None, DIGITS) and int(port or b"0") <= 65535

"""Names that RFCs take out of the global DNS: answered here, never forwarded.

`localhost` is loopback; the others do not exist (RFC 6761, 6762, 7686, 8375, 9462, 9476); the reverse trees of private
addresses are zones of ours (RFC 6303), whose missing names are NXDOMAIN and not a five-second stall.
"""

from __future__ import annotations

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import wire

LOCALHOST = wire.encode("localhost")

# Not in the list: `internal` and `test`, which hosts and clouds resolve through their own servers.
_ABSENT = ("invalid", "onion", "local", "home.arpa", "alt", "resolver.arpa")

ABSENT_APEXES = frozenset(wire.encode(name) for name in _ABSENT)

_REVERSE_V4 = (
    "0", "10", "127", "254.169", "2.0.192", "100.51.198", "113.0.203", "255.255.255.255", "168.192",
    *(f"{n}.172" for n in range(16, 32)), *(f"{n}.100" for n in range(64, 128)),
)  # fmt: skip  # RFC 6303 4.2-4.3 and RFC 7793
_REVERSE_V6 = ("d.f", "8.e.f", "9.e.f", "a.e.f", "b.e.f", "8.b.d.0.1.0.0.2", ".".join("0" * 31))

REVERSE_APEXES = frozenset(
    [wire.encode(f"{name}.in-addr.arpa") for name in _REVERSE_V4]
    + [wire.encode(f"{name}.ip6.arpa") for name in _REVERSE_V6]
)

LOOPBACK_REVERSE = frozenset(
    [wire.encode("1.0.0.127.in-addr.arpa"), wire.encode("1." + ".".join("0" * 31) + ".ip6.arpa")]
)

# A resolver that uses us as its forwarder asks these of top-level names; an NXDOMAIN would cut off the whole
# top-level domain for it (RFC 8020). Everything else about a name without a dot is local.
INFRASTRUCTURE = frozenset([wire.NS, wire.SOA, wire.DS, wire.DNSKEY])


def apex_above(name: bytes, apexes: frozenset[bytes]) -> bytes:
    """The nearest of `apexes` that is `name` or an ancestor of it; empty if there is none. By label, not by suffix."""
    size = len(name)
    position = 0
    while name[position]:
        rest = raw.part(name, position, size)
        if rest in apexes:
            return rest
        position += name[position] + 1
    return b""


def is_dotless(name: bytes) -> bool:
    """Has `name` exactly one label?"""
    return len(name) > 1 and name[0] + 2 == len(name)

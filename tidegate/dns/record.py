"""Resource records as bytes. TTLs in seconds, names and addresses in wire form.

`HERE` as owner is a pointer to the question's name, so that an answer fits whatever case the asker used.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from tidegate.dns import wire

HERE = b"\xc0\x0c"

_IN = b"\0\1"
_DECIMAL_LABELS = tuple(bytes((len(str(octet)),)) + str(octet).encode() for octet in range(256))


def record(owner: bytes, rtype: int, ttl: int, rdata: bytes) -> bytes:
    """One record of class IN."""
    return b"".join((owner, rtype.to_bytes(2), _IN, ttl.to_bytes(4), len(rdata).to_bytes(2), rdata))


def address(owner: bytes, ttl: int, packed: bytes) -> bytes:
    """An A or AAAA record, by the length of the address."""
    return record(owner, wire.A if len(packed) == 4 else wire.AAAA, ttl, packed)


def addresses(owner: bytes, ttl: int, packed: Sequence[bytes]) -> list[bytes]:
    """A or AAAA records of one owner, the addresses all of one family."""
    if not packed:
        return []
    first = address(owner, ttl, packed[0])
    head = first[: -len(packed[0])]
    return [head + each for each in packed]


def service(owner: bytes, ttl: int, weight: int, port: int, target: bytes) -> bytes:
    """An SRV record; `target` must not be compressed (RFC 2782)."""
    rdata = b"\0\0" + min(max(weight, 0), 65535).to_bytes(2) + port.to_bytes(2) + target
    return record(owner, wire.SRV, ttl, rdata)


def start_of_authority(owner: bytes, ttl: int, apex: bytes, serial: int, minimum: int) -> bytes:
    """A SOA record. The timers concern secondaries, which nobody runs of us: an hour, ten minutes, a day."""
    timers = b"".join(n.to_bytes(4) for n in (serial & 0xFFFFFFFF, 3600, 600, 86400, minimum))
    return record(owner, wire.SOA, ttl, server_name(apex) + b"\x0ahostmaster" + apex + timers)


def server_name(apex: bytes) -> bytes:
    """The name server of a zone, `ns.<apex>`."""
    return b"\x02ns" + apex


def minimal_any(owner: bytes, ttl: int) -> bytes:
    """The HINFO record that answers ANY (RFC 8482 4.2)."""
    return record(owner, wire.HINFO, ttl, b"\x07RFC8482\0")


def text(owner: bytes, ttl: int, attribute: str) -> bytes:
    """A TXT record of one attribute, `name=value`, in strings of at most 255 octets (RFC 1464 2, RFC 1035 3.3.14)."""
    octets = attribute.encode()
    parts = [octets[start : start + 255] for start in range(0, len(octets), 255)] or [b""]
    return record(owner, wire.TXT, ttl, b"".join(bytes((len(part),)) + part for part in parts))


@lru_cache(maxsize=16384)
def packed(text: str) -> bytes:
    """An IP literal as 4 or 16 octets; empty where `text` is none. Remembered: to read one takes 3 us, and a first question for
    a name with a hundred of them must not; they have all been read when the table came."""
    try:
        return ipaddress.ip_address(text.partition("%")[0]).packed
    except ValueError:
        return b""


def reverse_name(address: bytes) -> bytes:
    """The name whose PTR record tells who has this address (RFC 1035 3.5, RFC 3596 2.5)."""
    if len(address) == 4:  # by hand: a first table of 10 000 addresses goes through here
        return b"".join([_DECIMAL_LABELS[octet] for octet in reversed(address)]) + b"\x07in-addr\x04arpa\0"
    return wire.encode(".".join(reversed(address.hex())) + ".ip6.arpa")

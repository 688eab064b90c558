"""Rebinding protection: private addresses are taken out of the answers of upstreams that have no business there. Pure.

A stranger's name that answers with an address of ours would let a program reach what only we should (a browser's page, a
server that fetches a URL). Taken out are A and AAAA records with such addresses, also those that hide an IPv4 one, and
SVCB hints. Compression forbids cutting a record out of the middle, so an answer with one is written anew.
"""

from __future__ import annotations

from tidegate.dns import wire
from tidegate.dns.message import Message

# Where an IPv4 address stands at the end: mapped, compatible, and the NAT64 prefix (RFC 4291 2.5.5, RFC 6052 2.1).
_CARRIERS = (b"\0" * 10 + b"\xff\xff", b"\0" * 12, b"\0\x64\xff\x9b" + b"\0" * 8)

_A, _AAAA, _SVCB, _HTTPS = wire.A, wire.AAAA, wire.SVCB, wire.HTTPS
_HINTS = {4: 4, 6: 16}  # SvcParamKey -> octets of an address (RFC 9460 7.3)
# Types whose data may hold compressed names: octets before the first, number of names (RFC 1035, RFC 3597 4).
_NAMES = {2: (0, 1), 5: (0, 1), 6: (0, 2), 12: (0, 1), 15: (2, 1), 33: (6, 1), 39: (0, 1)}
_MAX_JUMPS = 32


def is_private(address: bytes) -> bool:
    """Is this address (4 or 16 octets) one that no stranger should send us to?"""
    first, second = address[0], address[1]
    if len(address) == 4:
        if first == 192:
            return second == 168
        if first == 172:
            return 16 <= second < 32
        if first == 100:
            return 64 <= second < 128
        return first in (0, 10, 127) or (first == 169 and second == 254)
    if first & 0xFE == 0xFC or (first == 0xFE and second & 0x80):  # fc00::/7, fe80::/10, fec0::/10
        return True
    if first or address[:12] not in _CARRIERS:
        return False
    return is_private(address[12:])  # `::` and `::1` look like addresses of 0.0.0.0/8


def strip(found: Message) -> Message:
    """`found` without private addresses: itself if it has none, else a new one, that says so (RFC 8914 4.16) if the
    answer itself had one."""
    bad = []
    for index in range(len(found.ends)):
        if _is_bad(found, index):
            bad.append(index)  # noqa: PERF401  compiled, where a comprehension is a function of its own
    if not bad:
        return found
    clean = Message(found.question, found.rcode, found.truncated)
    if bad[0] < found.counts[0]:
        clean.ede = wire.EDE_BLOCKED
    clean.lifetime = found.lifetime
    whole = b"\0" * 12 + found.question + found.body
    for index in range(found.counts[0]):  # what stands beside the answer is only a help, and goes
        if index not in bad or found.types[index] in (_SVCB, _HTTPS):
            _copy(clean, found, index, whole)
    clean.counts = (len(clean.ends), 0, 0)
    return clean


def _is_bad(found: Message, index: int) -> bool:
    rtype = found.types[index]
    start = found.ttl_places[index] + 6
    end = found.ends[index]
    if rtype == _A:
        return end - start == 4 and is_private(found.body[start:end])
    data = found.body[start:end]
    if rtype == _AAAA:
        return len(data) == 16 and is_private(data)
    return rtype in (_SVCB, _HTTPS) and _without_hints(data) != data


def _copy(clean: Message, found: Message, index: int, whole: bytes) -> None:
    """Add record `index` to `clean`, its names written out. A record that cannot be read is left out."""
    base = len(whole) - len(found.body)
    start = base + (found.ends[index - 1] if index else 0)
    place = base + found.ttl_places[index]
    rtype = found.types[index]
    owner = _expanded(whole, start)
    data = _data(whole, rtype, place + 6, base + found.ends[index])
    if owner is None or data is None:
        return
    clean.ttl_places.append(len(clean.body) + len(owner) + 4)
    clean.body += owner + whole[place - 4 : place + 4] + len(data).to_bytes(2, "big") + data
    clean.ends.append(len(clean.body))
    clean.ttls.append(found.ttls[index])
    clean.types.append(rtype)


def _data(whole: bytes, rtype: int, start: int, end: int) -> bytes | None:
    """A record's data with its names written out and private hints removed."""
    if rtype in (_SVCB, _HTTPS):
        return _without_hints(whole[start:end])
    before, names = _NAMES.get(rtype, (0, 0))
    position = start + before
    parts = [whole[start:position]]
    for _ in range(names):
        name = _expanded(whole, position)
        position = wire.owner_end(whole, position)
        if name is None or position < 0 or position > end:
            return None
        parts.append(name)
    return b"".join((*parts, whole[position:end]))


def _expanded(whole: bytes, position: int) -> bytes | None:
    """The name at `position` without compression; None if it is none."""
    parts = []
    jumps = total = 0
    while position < len(whole):
        length = whole[position]
        if length >= 0xC0:
            if position + 1 >= len(whole) or jumps == _MAX_JUMPS:
                return None
            jumps += 1
            position = (length & 0x3F) << 8 | whole[position + 1]
            continue
        label = whole[position : position + 1 + length]
        total += len(label)
        if length > 63 or total > 255:
            return None
        parts.append(label)
        if not length:
            return b"".join(parts)
        position += 1 + length
    return None


def _without_hints(data: bytes) -> bytes:
    """SVCB data without the hints that hold a private address."""
    target = wire.name_end(data, 2)
    if target < 0:
        return data
    kept = [data[:target]]
    position = target
    while position + 4 <= len(data):
        key = data[position] << 8 | data[position + 1]
        end = position + 4 + (data[position + 2] << 8 | data[position + 3])
        width = _HINTS.get(key, 0)
        value = data[position + 4 : end]
        if not width or len(value) % width or not any(map(is_private, _cut(value, width))):
            kept.append(data[position:end])
        position = end
    return b"".join(kept) + data[position:] if position < len(data) else b"".join(kept)


def _cut(value: bytes, width: int) -> list[bytes]:
    return [value[at : at + width] for at in range(0, len(value), width)]

"""Aliases: from a name of ours that stands for something outside, to where it ends. Pure.

The answer to a question about an alias is the CNAME records on the way and the answer at its end, with the end's code
(RFC 1034 3.6.2, RFC 6604). Where the end is foreign, it is asked for as any client would and what comes is put behind
our own records: names in it are written out, as their compression points into another message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tidegate.dns import record, wire
from tidegate.dns.match import Match, Place

MAX_LINKS = 8  # CNAME records in a row; unbound follows 11, SkyDNS 8

_ANSWER, _AUTHORITY = 1, 2
_TYPES_WITH_NAMES = {
    wire.CNAME: 0,
    wire.NS: 0,
    wire.PTR: 0,
    wire.MX: 2,
    wire.SRV: 6,
    39: 0,
}  # octets before the name; 39 is DNAME


class Chain:
    """`links` are the CNAME records from the question on; `name` is where they end and `end` its place. `is_broken`: they lead
    in a circle or too far."""

    __slots__ = ("end", "is_broken", "links", "name")

    def __init__(self, name: bytes, end: Match) -> None:
        self.name = name
        self.end = end
        self.links: list[bytes] = []
        self.is_broken = False

    @property
    def is_open(self) -> bool:
        """Does it end with somebody else?"""
        return not self.is_broken and self.end.place is Place.FOREIGN


def follow(find: Callable[[bytes], Match], name: bytes) -> Chain:
    """The chain from `name`, which is one of ours; `find` tells the place of a name."""
    chain = Chain(name, find(name))
    owner = record.HERE
    seen = {name}
    while chain.end.alias:
        target, ttl = chain.end.alias, chain.end.ttl
        chain.links.append(record.record(owner, wire.CNAME, ttl, target))
        chain.is_broken = target in seen or len(chain.links) > MAX_LINKS
        if chain.is_broken:
            break
        seen.add(target)
        owner = chain.name = target
        chain.end = find(target)
    return chain


def onward(query: wire.Query, name: bytes) -> wire.Query:
    """The question of `query` about `name` instead."""
    asked = wire.Query(query.id, 0, query.rd, query.cd)
    asked.question = name + query.question[-4:]
    asked.name = name
    asked.qtype, asked.qclass = query.qtype, query.qclass
    asked.edns, asked.size, asked.do = query.edns, query.size, query.do
    return asked


def joined(query: wire.Query, chain: Chain, reply: bytes, room: int) -> bytes:
    """The reply to `query` out of the chain's records and those of `reply`, which answers `onward`."""
    sections = _records(reply)
    if sections is None or reply[2] & 2:  # cut, although there was room for all: an end we cannot pass on
        return wire.reply(query, wire.SERVFAIL, ra=True)
    answers, authority = sections
    flags = wire.FLAG_AA | wire.FLAG_RA
    return wire.assemble(query, flags, reply[3] & 15, room, [*chain.links, *answers], authority)


def renamed(records: Iterable[bytes], owner: bytes) -> list[bytes]:
    """`records` with those about the question's name as records about `owner`."""
    here = record.HERE
    return [owner + each[len(here) :] if each.startswith(here) else each for each in records]


def _records(data: bytes) -> tuple[list[bytes], list[bytes]] | None:
    """The answer and authority records of a message, uncompressed; None where it is malformed."""
    found: tuple[list[bytes], list[bytes]] = ([], [])
    position = wire.name_end(data, 12) + 4
    if position < 4:
        return None
    for section, at in ((0, 6), (1, 8)):
        for _ in range(int.from_bytes(data[at : at + 2])):
            owner, position = _name(data, position)
            end = position + 10 + int.from_bytes(data[position + 8 : position + 10])
            if not owner or position + 10 > len(data) or end > len(data):
                return None
            rdata = _rdata(data, int.from_bytes(data[position : position + 2]), position + 10, end)
            found[section].append(b"".join((owner, data[position : position + 8], len(rdata).to_bytes(2), rdata)))
            position = end
    return found


def _rdata(data: bytes, rtype: int, start: int, end: int) -> bytes:
    if rtype == wire.SOA:
        server, position = _name(data, start)
        mailbox, position = _name(data, position)
        return server + mailbox + data[position:end]
    before = _TYPES_WITH_NAMES.get(rtype)
    if before is None:
        return data[start:end]
    return data[start : start + before] + _name(data, start + before)[0]


def _name(data: bytes, position: int) -> tuple[bytes, int]:
    """The name at `position`, written out, and where it ends there; no name where it is malformed.

    Pointers must lead backwards (RFC 1035 4.1.4), so this ends.
    """
    labels = []
    end = 0
    limit = len(data)
    while position < limit:
        length = data[position]
        if length >= 0xC0:
            end = end or position + 2
            limit = position
            position = int.from_bytes(data[position : position + 2]) & 0x3FFF
        elif length > 63 or position + 1 + length > len(data):
            break
        elif length:
            labels.append(data[position : position + 1 + length])
            position += 1 + length
        else:
            name = b"".join(labels) + b"\0"
            return (name if len(name) <= 255 else b""), end or position + 1
    return b"", len(data)

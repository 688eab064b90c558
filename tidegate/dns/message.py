"""Foreign answers: where their records stand, so that TTLs can count down and records can go whole. Pure.

An answer is kept as it came, names compressed. Cutting records off its end is always safe, since compression points
backwards only; nothing is ever cut out of its middle.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.dns import wire

_MAX_RECORDS = 512  # a foreign answer with more is refused unread


class Record:
    """Where one record stands: its section (1 answer, 2 authority, 3 additional), TTL and end."""

    __slots__ = ("data_at", "end", "rtype", "section", "start", "ttl", "ttl_at")

    def __init__(self, section: int, rtype: int, ttl: int, start: int, ttl_at: int, end: int) -> None:
        self.section = section
        self.rtype = rtype
        self.ttl = ttl
        self.start = start
        self.ttl_at = ttl_at
        self.data_at = ttl_at + 6
        self.end = end


class Message:
    """A foreign answer, checked to its end. `records` are without the OPT record and what follows it."""

    __slots__ = ("data", "question", "rcode", "records", "truncated")

    def __init__(self, data: bytes, question: bytes, records: Sequence[Record]) -> None:
        self.data = data
        self.question = question
        self.rcode = data[3] & 15
        self.truncated = bool(data[2] & 2)
        self.records = records

    def ttl(self) -> int | None:
        """Seconds the whole may be kept: the least TTL of a positive answer, the SOA's of a negative one (RFC 2308 5);
        None for what must not be kept: cut answers, denials without an SOA, other codes."""
        if self.truncated or self.rcode not in (wire.NOERROR, wire.NXDOMAIN):
            return None
        if self.rcode == wire.NOERROR and any(record.section == 1 for record in self.records):
            return min(record.ttl for record in self.records)
        soas = [record for record in self.records if record.section == 2 and record.rtype == wire.SOA]
        if not soas:
            return None
        minimum = int.from_bytes(self.data[soas[0].end - 4 : soas[0].end])
        return min(soas[0].ttl, minimum)


def read(data: bytes) -> Message | None:
    """The answer in `data`; None if it is not a well-formed answer to one question."""
    if len(data) < 12 or not data[2] & 0x80 or data[4:6] != b"\0\1":
        return None
    end = wire.name_end(data, 12)
    if end < 0 or end + 4 > len(data):
        return None
    records = _records(data, end + 4)
    return None if records is None else Message(data, data[12 : end + 4], records)


def render(message: Message, query: wire.Query, age: int, room: int) -> bytes:
    """The reply to `query` out of `message`, `age` seconds old, with our own OPT record and flags, cut to `room`."""
    opt = wire.option_record(query.do) if query.edns else b""
    start = 12 + len(query.question)
    kept = list(message.records)
    while kept and kept[-1].end + len(opt) > room:
        kept.pop()
    is_cut = message.truncated or any(record.section == 1 for record in message.records[len(kept) :])
    end = kept[-1].end if kept else start
    body = bytearray(message.data[start:end])
    for record in kept:
        at = record.ttl_at - start
        body[at : at + 4] = max(0, record.ttl - age).to_bytes(4)
    flags = 0x8000 | wire.FLAG_RA | query.rd * wire.FLAG_RD | query.cd * wire.FLAG_CD | message.rcode
    flags |= wire.FLAG_TC if is_cut else 0
    counts = [sum(1 for record in kept if record.section == section) for section in (1, 2, 3)]
    counts[2] += 1 if opt else 0
    head = query.id + flags.to_bytes(2) + b"\0\1" + b"".join(count.to_bytes(2) for count in counts)
    return b"".join((head, query.question, body, opt))


def _records(data: bytes, position: int) -> list[Record] | None:
    counts = [int.from_bytes(data[at : at + 2]) for at in (6, 8, 10)]
    if sum(counts) > _MAX_RECORDS:
        return None
    records: list[Record] = []
    is_open = True  # until the OPT record, behind which nothing is kept
    for section, count in enumerate(counts, 1):
        for _ in range(count):
            owner = wire.owner_end(data, position)
            if owner < 0 or owner + 10 > len(data):
                return None
            end = owner + 10 + int.from_bytes(data[owner + 8 : owner + 10])
            if end > len(data):
                return None
            rtype = int.from_bytes(data[owner : owner + 2])
            is_open = is_open and rtype != wire.OPT
            if is_open:
                ttl = int.from_bytes(data[owner + 4 : owner + 8])
                records.append(Record(section, rtype, ttl if ttl < 1 << 31 else 0, position, owner + 4, end))
            position = end
    return records

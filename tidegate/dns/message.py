"""HOT: foreign answers: where their records stand, so that TTLs can count down and records can go whole. Pure.

Counted: every forwarded query; guarded by bench/macro/dns.py. An answer is kept as it came, names compressed. Cutting
records off its end is always safe, since compression points backwards only; what must go from its middle is rewritten
by `rebind`. Offsets are relative to `body`, what stands behind the question.
"""

from __future__ import annotations

from bisect import bisect_right

import tidegate.dns.octets as raw  # compiled: coctets.pxd
from tidegate.dns import wire

MAX_RECORDS = 512  # a foreign answer with more is refused unread

_ANSWER, _AUTHORITY = 1, 2
_NOERROR, _NXDOMAIN, _SOA, _OPT = wire.NOERROR, wire.NXDOMAIN, wire.SOA, wire.OPT


class Message:
    """A foreign answer, checked to its end and without its OPT record and what follows that.

    `counts` are the records of the three sections; `ends`, `ttl_places`, `ttls` and `types` have one number for each
    record. `lifetime` is how many seconds the whole may be kept: the least TTL of a positive answer, the SOA's of a
    negative one (RFC 2308 5), 0 for what must not be kept: cut answers, denials without an SOA, other codes. `ede` is
    an extended error of ours about it.
    """

    __slots__ = (
        "body",
        "counts",
        "ede",
        "ends",
        "lifetime",
        "question",
        "rcode",
        "truncated",
        "ttl_places",
        "ttls",
        "types",
    )

    def __init__(self, question: bytes, rcode: int, truncated: bool) -> None:
        self.question = question
        self.rcode = rcode
        self.truncated = truncated
        self.body = b""
        self.counts = (0, 0, 0)
        self.ends: list[int] = []
        self.ttl_places: list[int] = []
        self.ttls: list[int] = []
        self.types: list[int] = []
        self.lifetime = 0
        self.ede: int | None = None

    @property
    def is_positive(self) -> bool:
        return self.rcode == _NOERROR and self.counts[0] > 0


def read(data: bytes) -> Message | None:
    """The answer in `data`; None if it is not a well-formed answer to one question."""
    if len(data) < 12 or not data[2] & 0x80 or data[4:6] != b"\0\1":
        return None
    end = wire.name_end(data, 12) + 4
    if end < 4 or end > len(data):
        return None
    found = Message(raw.part(data, 12, end), data[3] & 15, bool(data[2] & 2))
    if not _read_records(found, data, end):
        return None
    found.lifetime = _lifetime(found)
    return found


def aged(message: Message, age: int) -> bytes:
    """The body with all TTLs `age` seconds less."""
    body = bytearray(message.body)
    for place, ttl in zip(message.ttl_places, message.ttls, strict=True):
        body[place : place + 4] = max(0, ttl - age).to_bytes(4, "big")
    return bytes(body)


def lasting(message: Message, ttl: int) -> bytes:
    """The body with every TTL `ttl`."""
    body = bytearray(message.body)
    for place in message.ttl_places:
        body[place : place + 4] = ttl.to_bytes(4, "big")
    return bytes(body)


def render(message: Message, query: wire.Query, body: bytes, room: int, ede: int | None = None) -> bytes:
    """The reply to `query` out of `message`, whose records stand in `body`, with our own OPT record and flags, cut to
    `room`."""
    opt = wire.option_record(query.do, 0, ede, query.options) if query.edns else b""
    left = room - 12 - len(query.question) - len(opt)
    counts = message.counts
    is_cut = message.truncated
    if len(body) > left:
        kept = bisect_right(message.ends, left)
        body = body[: message.ends[kept - 1]] if kept else b""
        is_cut = is_cut or kept < counts[0]
        counts = _first(kept, counts)
    flags = 0x8000 | wire.FLAG_RA | query.rd * wire.FLAG_RD | query.cd * wire.FLAG_CD | message.rcode
    flags |= wire.FLAG_TC if is_cut else 0
    return b"".join((query.id, flags.to_bytes(2, "big"), packed(counts, bool(opt)), query.question, body, opt))


def packed(counts: tuple[int, int, int], opt: bool) -> bytes:
    """The four counts of a header with one question, and an OPT record or not."""
    answers, authority, additional = counts
    additional += opt
    return bytes(
        (0, 1, answers >> 8, answers & 255, authority >> 8, authority & 255, additional >> 8, additional & 255)
    )


def _first(kept: int, counts: tuple[int, int, int]) -> tuple[int, int, int]:
    answers = min(kept, counts[0])
    authority = min(kept - answers, counts[1])
    return answers, authority, kept - answers - authority


def _lifetime(message: Message) -> int:
    if message.truncated or message.rcode not in (_NOERROR, _NXDOMAIN):
        return 0
    answers = message.counts[0]
    if answers and message.rcode == _NOERROR:
        return min(message.ttls)
    until = answers + message.counts[1]
    for index in range(answers, until):
        if message.types[index] == _SOA:
            end = message.ends[index]
            return min(message.ttls[index], int.from_bytes(message.body[end - 4 : end], "big"))
    return 0


def _read_records(message: Message, data: bytes, start: int) -> bool:
    """Take in the records from `start` on, up to the OPT record; the rest is only checked."""
    counts = [data[6] << 8 | data[7], data[8] << 8 | data[9], data[10] << 8 | data[11]]
    if counts[0] + counts[1] + counts[2] > MAX_RECORDS:
        return False
    position = start
    size = len(data)
    is_open = True
    kept = [0, 0, 0]
    for section in range(3):
        last = counts[section]
        for _ in range(last):
            owner = wire.owner_end(data, position)
            if owner < 0 or owner + 10 > size:
                return False
            position = owner + 10 + (data[owner + 8] << 8 | data[owner + 9])
            if position > size:
                return False
            rtype = data[owner] << 8 | data[owner + 1]
            is_open = is_open and rtype != _OPT
            if is_open:
                kept[section] += 1
                _take(message, data, owner, rtype, position - start, owner + 4 - start)
    message.counts = (kept[0], kept[1], kept[2])
    message.body = raw.part(data, start, start + message.ends[-1]) if message.ends else b""
    return True


def _take(message: Message, data: bytes, owner: int, rtype: int, end: int, ttl_place: int) -> None:
    ttl = data[owner + 4] << 24 | data[owner + 5] << 16 | data[owner + 6] << 8 | data[owner + 7]
    message.ends.append(end)
    message.ttl_places.append(ttl_place)
    message.ttls.append(ttl if ttl < 1 << 31 else 0)  # RFC 2181 8
    message.types.append(rtype)

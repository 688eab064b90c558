"""DNS packets: a strict parser of queries and the assembler of replies.

The parser makes one pass over the bytes with no recursion and refuses from the counts, so that its cost is bounded by
the length of one name and two additional records, whatever the packet claims. It never raises on peer data.
"""

from __future__ import annotations

from collections.abc import Sequence

import tidegate.dns.octets as raw  # compiled: coctets.pxd

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS, BADCOOKIE = 0, 1, 2, 3, 4, 5, 16, 23

A, NS, CNAME, SOA, PTR, HINFO, MX, TXT, AAAA, SRV, OPT, DS = 1, 2, 5, 6, 12, 13, 15, 16, 28, 33, 41, 43
DNSKEY, SVCB, HTTPS, TKEY, TSIG, IXFR, AXFR, MAILB, MAILA, ANY = 48, 64, 65, 249, 250, 251, 252, 253, 254, 255

# Types by the name people write, and the rcodes we send by theirs.
TYPES = {
    "A": A, "AAAA": AAAA, "SRV": SRV, "PTR": PTR, "SOA": SOA, "NS": NS, "TXT": TXT, "MX": MX, "CNAME": CNAME,
    "HINFO": HINFO, "HTTPS": HTTPS, "SVCB": SVCB, "DS": DS, "DNSKEY": DNSKEY, "ANY": ANY,
}  # fmt: skip
RCODES = {
    NOERROR: "NOERROR", FORMERR: "FORMERR", SERVFAIL: "SERVFAIL", NXDOMAIN: "NXDOMAIN", NOTIMP: "NOTIMP",
    REFUSED: "REFUSED", BADVERS: "BADVERS", BADCOOKIE: "BADCOOKIE",
}  # fmt: skip

IN = 1
_NOTIFY = 4  # an opcode of secondaries, which we are not (RFC 1996)

FLAG_AA, FLAG_TC, FLAG_RD, FLAG_RA, FLAG_CD = 0x0400, 0x0200, 0x0100, 0x0080, 0x0010

EDNS_SIZE = 1232  # what we say we take and the most we send by UDP: no fragment on any real path (DNS flag day 2020)
PLAIN_SIZE = 512  # RFC 1035 4.2.1, and the least an EDNS size may mean (RFC 6891 6.2.3)
STREAM_SIZE = 65535  # the length prefix of RFC 1035 4.2.2

# RFC 8914
EDE_OTHER, EDE_STALE, EDE_NOT_READY, EDE_BLOCKED, EDE_PROHIBITED, EDE_STALE_NXDOMAIN = 0, 3, 14, 15, 18, 19
EDE_NOT_AUTHORITATIVE, EDE_NOT_SUPPORTED, EDE_NO_REACHABLE, EDE_NETWORK = 20, 21, 22, 23

_EDNS_SIZE, _STREAM_SIZE = EDNS_SIZE, STREAM_SIZE
_MAX_OPTIONS = 128  # in one OPT record; 64 KiB by TCP could hold 16 000
_COOKIE = 10  # RFC 7873; eight octets of a client, or with 8 to 32 of a server behind them

# Question types that are no record types: OPT and the transaction types make no sense as a question, transfers are
# refused, mail groups were never built (RFC 1035 3.2.3, RFC 5936, RFC 6891).
_META = {OPT: FORMERR, TKEY: FORMERR, TSIG: FORMERR, IXFR: REFUSED, AXFR: REFUSED, MAILB: NOTIMP, MAILA: NOTIMP}


class Query:
    """One parsed query. `rcode` is what must be answered at once; 0 means that the question deserves a look.

    `question` is the question as asked (for the echo, RFC 1035 4.1.2), empty where it could not be read; `name` is its
    name in lower case. `size` is the sender's UDP buffer, 512 at least; `edns` says whether it sent an OPT record, `cookie`
    what it sent as its cookie. `options` is what our OPT record is to hold, set by whoever answers.

    A query for a server cookie alone (RFC 7873 5.4) has no question and no fault.
    """

    __slots__ = (
        "cd",
        "cookie",
        "do",
        "edns",
        "id",
        "name",
        "opcode",
        "options",
        "qclass",
        "qtype",
        "question",
        "rcode",
        "rd",
        "size",
    )

    def __init__(self, ident: bytes, opcode: int, rd: bool, cd: bool) -> None:
        self.id = ident
        self.opcode = opcode
        self.rd = rd
        self.cd = cd
        self.rcode = NOERROR
        self.question = b""
        self.name = b""
        self.qtype = 0
        self.qclass = 0
        self.edns = False
        self.size = PLAIN_SIZE
        self.do = False
        self.cookie = b""
        self.options = b""


def parse(data: bytes) -> Query | None:
    """The query in `data`; None for what must not be answered: too short for a header, or itself an answer."""
    if len(data) < 12 or data[2] & 0x80:
        return None
    query = Query(raw.part(data, 0, 2), data[2] >> 3 & 15, bool(data[2] & 1), bool(data[3] & 0x10))
    if query.opcode:
        query.rcode = REFUSED if query.opcode == _NOTIFY else NOTIMP
        return query
    count = data[4] << 8 | data[5]
    if count > 1:  # RFC 9619
        query.rcode = FORMERR
        return query
    end = _read_question(data, query) if count else 12
    if end < 0 or data[6:10] != b"\0\0\0\0" or data[10] or data[11] > 2:
        query.rcode = FORMERR
        return query
    fault = _read_additional(data, end, data[11], query)
    if not count:
        query.rcode = fault or (NOERROR if query.cookie else FORMERR)
        return query
    query.rcode = fault or _policy(query)
    return query


def reason(query: Query) -> int | None:
    """The extended error for a query that its form alone refuses; none for what is malformed: the code says it all."""
    return EDE_NOT_SUPPORTED if query.rcode in (NOTIMP, REFUSED) else None


def name_end(data: bytes, start: int) -> int:
    """Where the uncompressed name at `start` ends (after its zero), or -1: cut, over 255 octets, or with a pointer."""
    position = start
    limit = min(len(data), start + 255)
    while position < limit:
        length = data[position]
        if length == 0:
            return position + 1
        if length > 63:  # a pointer, or the label types RFC 6891 5 retired
            return -1
        position += length + 1
    return -1


def owner_end(data: bytes, start: int, before: int = 0x4000) -> int:
    """As `name_end` for a record's owner, which may end in a compression pointer to what stands before the offset `before`.
    Pointers are not followed."""
    position = start
    size = len(data)
    while position < size:
        length = data[position]
        if length == 0:
            return position + 1
        if length >= 0xC0:
            target = (length & 0x3F) << 8 | data[position + 1] if position + 1 < size else 0
            return position + 2 if 12 <= target < before else -1
        if length > 63 or position - start > 255:
            return -1
        position += length + 1
    return -1


def cookie_at(data: bytes, start: int, end: int) -> int:
    """Where the cookie stands in the EDNS options between `start` and `end`, which they must fill exactly; its length is in
    the two octets before. 0 if there is none, -1 if the options do not fit, are more than `_MAX_OPTIONS`, or the cookie's size
    is none a cookie can have.

    Of several cookies the first counts (RFC 7873 5.2).
    """
    position = start
    found = 0
    for _ in range(_MAX_OPTIONS):
        if position + 4 > end:
            break
        size = data[position + 2] << 8 | data[position + 3]
        if not found and data[position + 1] == _COOKIE and not data[position]:
            found = position + 4
            if size != 8 and (size < 16 or size > 40):
                return -1
        position += 4 + size
    return found if position == end else -1


def options_fit(data: bytes, start: int, end: int) -> bool:
    """Do the EDNS options between `start` and `end` fill that space exactly, with none among them that we answer?"""
    return cookie_at(data, start, end) == 0


def encode(name: str) -> bytes:
    """The wire form of a dotted name. Raises ValueError where a label or the name is too long or empty.

    Text is UTF-8; dots separate, there are no escapes: the names of the table come from labels and host names.
    """
    if name in ("", "."):
        return b"\0"
    parts = []
    for label in name.removesuffix(".").lower().encode().split(b"."):
        if not 1 <= len(label) <= 63:
            raise ValueError(f"label of {len(label)} octets in name {name!r}")
        parts.append(bytes((len(label),)) + label)
    wire = b"".join(parts) + b"\0"
    if len(wire) > 255:
        raise ValueError(f"name of {len(wire)} octets: {name!r}")
    return wire


def decode(name: bytes) -> str:
    """A wire name for people, without the trailing dot; odd octets as three decimal digits (RFC 4343 2.1)."""
    parts = []
    position = 0
    while name[position]:
        label = name[position + 1 : position + 1 + name[position]]
        parts.append("".join(chr(c) if 33 <= c < 127 and c not in b".\\" else f"\\{c:03d}" for c in label))
        position += name[position] + 1
    return ".".join(parts) or "."


def limit(query: Query, stream: bool) -> int:
    """The longest reply `query` may get over this transport, in octets."""
    if stream:
        return _STREAM_SIZE
    return min(query.size, _EDNS_SIZE)


def option_record(do: bool, rcode: int = 0, ede: int | None = None, options: bytes = b"") -> bytes:
    """Our OPT record: version 0, DO as asked, the high bits of `rcode`, `options`, an extended error where there is one."""
    options += b"" if ede is None else b"\0\x0f\0\2" + ede.to_bytes(2)
    head = b"\0\0\x29\x04\xd0" + bytes((rcode >> 4, 0)) + (b"\x80\0" if do else b"\0\0")
    return head + len(options).to_bytes(2) + options


def reply(query: Query, rcode: int, *, ra: bool = False, ede: int | None = None) -> bytes:
    """An answer that has only a code."""
    return assemble(query, FLAG_RA if ra else 0, rcode, STREAM_SIZE, ede=ede)


def assemble(
    query: Query,
    flags: int,
    rcode: int,
    room: int,
    answers: Sequence[bytes] = (),
    authority: Sequence[bytes] = (),
    additional: Sequence[bytes] = (),
    ede: int | None = None,
) -> bytes:
    """The whole reply, at most `room` octets, cut between records only.

    TC is set where a record of the answer section had to go (RFC 2181 9); authority and additional data go silently.
    """
    opt = option_record(query.do, rcode, ede, query.options) if query.edns else b""
    left = room - 12 - len(query.question) - len(opt)
    kept, left = _fit(answers, left)
    if len(kept) < len(answers):
        flags |= FLAG_TC
        authority = additional = ()
    beside, left = _fit(authority, left)
    extra, left = _fit(additional, left)
    flags |= 0x8000 | query.opcode << 11 | query.rd * FLAG_RD | query.cd * FLAG_CD | rcode & 15
    counts = (1 if query.question else 0, len(kept), len(beside), len(extra) + (1 if opt else 0))
    head = query.id + flags.to_bytes(2) + b"".join(count.to_bytes(2) for count in counts)
    return b"".join((head, query.question, *kept, *beside, *extra, opt))


def _fit(records: Sequence[bytes], room: int) -> tuple[Sequence[bytes], int]:
    """As many of `records` as fit into `room`, in order, and the room left."""
    for index, record in enumerate(records):
        if len(record) > room:
            return records[:index], room
        room -= len(record)
    return records, room


def _read_question(data: bytes, query: Query) -> int:
    end = name_end(data, 12)
    if end < 0 or end + 4 > len(data):
        return -1
    query.question = raw.part(data, 12, end + 4)
    query.name = raw.lowered(data, 12, end)
    query.qtype = data[end] << 8 | data[end + 1]
    query.qclass = data[end + 2] << 8 | data[end + 3]
    return end + 4


def _read_additional(data: bytes, position: int, count: int, query: Query) -> int:
    """Take in an OPT record, step over others; trailing bytes are ignored as most servers do. Returns an rcode."""
    for _ in range(count):
        start = position
        position = owner_end(data, position, position)
        if position < 0 or position + 10 > len(data):
            return FORMERR
        is_opt = data[position : position + 2] == b"\0\x29"
        end = position + 10 + (data[position + 8] << 8 | data[position + 9])
        if end > len(data):
            return FORMERR
        if is_opt:
            at = cookie_at(data, position + 10, end)
            if query.edns or data[start] or at < 0:
                return FORMERR
            fault = _read_opt(data, position, query)
            query.cookie = data[at : at + (data[at - 2] << 8 | data[at - 1])] if at else b""
            if fault:
                return fault
        position = end
    return NOERROR


def _read_opt(data: bytes, position: int, query: Query) -> int:
    query.edns = True
    query.size = max(PLAIN_SIZE, data[position + 2] << 8 | data[position + 3])
    query.do = bool(data[position + 6] & 0x80)
    return BADVERS if data[position + 5] else NOERROR


def _policy(query: Query) -> int:
    """What the question's type and class alone decide."""
    if query.qclass != IN:
        return REFUSED
    return _META.get(query.qtype, NOERROR)

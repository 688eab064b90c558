"""Odd and malformed DNS packets, built from the rules that they touch (docs/dns-wire.md), to be sent to us and to others alike.

All servers serve `mesh.test` with `web.mesh.test` A 127.0.0.2 and nothing more that is asked here.
"""

from __future__ import annotations

import struct

WEB = b"\3web\4mesh\4test\0"
APEX = b"\4mesh\4test\0"
A, AAAA, ANY, SOA, OPT, TSIG = 1, 28, 255, 6, 41, 250
IN, CHAOS = 1, 3
RD, TC, AA, QR, RA, Z, AD, CD = 0x0100, 0x0200, 0x0400, 0x8000, 0x0080, 0x0040, 0x0020, 0x0010


def head(flags=RD, qd=1, an=0, ns=0, ar=0):
    return struct.pack("!6H", 0x1234, flags, qd, an, ns, ar)


def question(name=WEB, qtype=A, qclass=IN):
    return name + struct.pack("!2H", qtype, qclass)


def option(code, data=b""):
    return struct.pack("!2H", code, len(data)) + data


def opt(*options, size=1232, version=0, flags=0, owner=b"\0", length=None, rcode=0):
    """An OPT record; `length` lies about the length of its data."""
    data = b"".join(options)
    fields = struct.pack("!2HBBHH", OPT, size, rcode, version, flags, len(data) if length is None else length)
    return owner + fields + data


def query(qname=WEB, qtype=A, qclass=IN, *additional, flags=RD, **counts):
    """A query with these additional records, rightly counted unless `counts` say otherwise."""
    counts.setdefault("ar", len(additional))
    return head(flags, **counts) + question(qname, qtype, qclass) + b"".join(additional)


def record(owner, rtype, data=b"\x7f\0\0\1", rclass=IN):
    return owner + struct.pack("!2HIH", rtype, rclass, 60, len(data)) + data


def labels(*sizes):
    return b"".join(bytes((size,)) + b"a" * size for size in sizes) + b"\0"


def chain(links):
    """A name of `links` pointers, each to the next, the last to a name."""
    return b"".join(struct.pack("!H", 0xC000 | 12 + 2 * n) for n in range(1, links)) + b"\0"


PACKETS = {
    # Headers and counts
    "reply": query(flags=QR | RD),
    "empty": b"",
    "one octet": b"\x12",
    "eleven octets": head()[:11],
    "inverse query": query(flags=RD | 1 << 11),
    "status": query(flags=RD | 2 << 11),
    "opcode 3": query(flags=RD | 3 << 11),
    "notify": query(APEX, SOA, flags=4 << 11),
    "update": query(APEX, SOA, flags=5 << 11),
    "opcode 6": query(flags=RD | 6 << 11),
    "opcode 15": query(flags=RD | 15 << 11),
    "opcode 15, header only": head(15 << 11, qd=0),
    "two questions": head(qd=2) + question() * 2,
    "65535 questions": head(qd=65535) + question(),
    "no question": head(qd=0),
    "no question, bytes for one": head(qd=0) + question(),
    "question counted, none there": head(),
    "an answer beside the question": head(an=1) + question() + record(WEB, A),
    "an answer counted, none there": head(an=1) + question(),
    "an authority record": head(ns=1) + question() + record(WEB, A),
    "an authority counted, none there": head(ns=1) + question(),
    "three additional, none there": head(ar=3) + question(),
    "one additional, none there": head(ar=1) + question(),
    "65535 additional, none there": head(ar=65535) + question(),
    "an additional A": query(WEB, A, IN, record(WEB, A)),
    "an additional A, cut": query(WEB, A, IN, record(WEB, A)[:-2]),
    "additional owner with a pointer beyond the end": query(WEB, A, IN, record(b"\xff\xff", A)),
    "trailing octets": query() + b"garbage!",
    "trailing octets behind OPT": query(WEB, A, IN, opt()) + b"garbage!",
    # Names
    "name cut": query()[:21],
    "type cut": query()[:-3],
    "class cut": query()[:-1],
    "pointer to itself": head() + b"\xc0\x0c" + question()[-4:],
    "pointer forward": head() + b"\xc0\x40" + question()[-4:],
    "pointer into the header": head() + b"\xc0\x00" + question()[-4:],
    "pointer into the counts": head() + b"\xc0\x05" + question()[-4:],
    "label, then pointer to it": head() + b"\3web\xc0\x0c" + question()[-4:],
    "two pointers at each other": head() + b"\xc0\x0e\xc0\x0c" + question()[-4:],
    "pointer cut": head() + b"\xc0",
    "a chain of 200 pointers": head() + chain(200) + question()[-4:],
    "label type 01": head() + b"\x41" + b"a" * 65 + b"\0" + question()[-4:],
    "label type 10": head() + b"\x81" + b"a" * 129 + b"\0" + question()[-4:],
    "bit string label": head() + b"\x41\x08\xaa" + question()[-4:],
    "name of 255 octets": query(labels(63, 63, 63, 61)),
    "name of 256 octets": query(labels(63, 63, 63, 62)),
    "name of 127 labels": query(labels(*(1,) * 127)),
    "name of 128 labels": query(labels(*(1,) * 128)),
    "our name, 255 octets": query(labels(63, 63, 63, 51)[:-1] + APEX),
    "label with a NUL": query(b"\3a\0b" + APEX),
    "label with 0xff": query(b"\3a\xffb" + APEX),
    "label with a space": query(b"\3a b" + APEX),
    "label with a dot": query(b"\3a.b" + APEX),
    "label with a backslash": query(b"\3a\\b" + APEX),
    "label of a bracket is not that of a brace": query(b"\3[eb" + APEX),
    "mixed case": query(b"\3wEb\4MEsh\4tesT\0"),
    # Header bits
    "AD": query(flags=RD | AD),
    "CD": query(flags=RD | CD),
    "Z": query(flags=RD | Z),
    "AA": query(flags=RD | AA),
    "TC": query(flags=RD | TC),
    "RA": query(flags=RD | RA),
    "a code in the query": query(flags=RD | 5),
    "no RD": query(flags=0),
    "every flag but QR": query(flags=RD | TC | AA | RA | Z | AD | CD | 15),
    # Types and classes
    "class CH": query(qclass=CHAOS),
    "class HS": query(qclass=4),
    "class NONE": query(qclass=254),
    "class 0": query(qclass=0),
    "class 0x1234": query(qclass=0x1234),
    "version.bind": query(b"\7version\4bind\0", 16, CHAOS),
    "type 0": query(qtype=0),
    "TYPE1000": query(qtype=1000),
    "TYPE65280": query(qtype=65280),
    "TYPE65280 of a missing name": query(b"\4nope" + APEX, 65280),
    "type OPT": query(qtype=OPT),
    "type TSIG": query(qtype=TSIG),
    "type TKEY": query(qtype=249),
    "AXFR": query(APEX, 252),
    "IXFR": query(APEX, 251),
    "MAILB": query(qtype=253),
    "MAILA": query(qtype=254),
    "ANY": query(qtype=ANY),
    "AAAA of a name with A": query(qtype=AAAA),
    "a missing name": query(b"\4nope" + APEX),
    "below a name that is there": query(b"\1x" + WEB),
    "the root": query(b"\0"),
    "a foreign name": query(b"\7example\3org\0"),
    "a foreign name without RD": query(b"\7example\3org\0", flags=0),
    "a zone whose name ends in ours": query(b"\6nomesh\4test\0"),
    # EDNS
    "OPT": query(WEB, A, IN, opt()),
    "OPT, size 0": query(WEB, A, IN, opt(size=0)),
    "OPT, size 100": query(WEB, A, IN, opt(size=100)),
    "OPT, size 65535": query(WEB, A, IN, opt(size=65535)),
    "OPT version 1": query(WEB, A, IN, opt(version=1)),
    "OPT version 255": query(WEB, A, IN, opt(version=255)),
    "OPT version 1 with an option": query(WEB, A, IN, opt(option(100, b"abc"), version=1)),
    "OPT version 1, unknown flags": query(WEB, A, IN, opt(version=1, flags=0x40)),
    "OPT, DO": query(WEB, A, IN, opt(flags=0x8000)),
    "OPT, unknown flags": query(WEB, A, IN, opt(flags=0x7FFF)),
    "OPT with a code": query(WEB, A, IN, opt(rcode=1)),
    "OPT, unknown option": query(WEB, A, IN, opt(option(100, b"abc"))),
    "OPT, 100 unknown options": query(WEB, A, IN, opt(*(option(200 + n) for n in range(100)))),
    "two OPT": query(WEB, A, IN, opt(), opt()),
    "three OPT": query(WEB, A, IN, opt(), opt(), opt()),
    "OPT with an owner": query(WEB, A, IN, opt(owner=b"\1a\0")),
    "OPT with a pointer as its owner": query(WEB, A, IN, opt(owner=b"\xc0\x0c")),
    "OPT among the answers": head(an=1) + question() + opt(),
    "OPT among the authorities": head(ns=1) + question() + opt(),
    "OPT, data longer than there is": query(WEB, A, IN, opt(length=9)),
    "OPT, option longer than its data": query(WEB, A, IN, opt(struct.pack("!2H", 10, 255) + b"ab")),
    "OPT, half an option": query(WEB, A, IN, opt(b"\0\x0a\0")),
    "OPT cut": query(WEB, A, IN, opt())[:-3],
    "OPT behind an A": query(WEB, A, IN, record(WEB, A), opt()),
    "OPT before an A": query(WEB, A, IN, opt(), record(WEB, A)),
    "cookie of 8": query(WEB, A, IN, opt(option(10, b"c" * 8))),
    "cookie of 24, not ours": query(WEB, A, IN, opt(option(10, b"c" * 24))),
    "cookie of 40": query(WEB, A, IN, opt(option(10, b"c" * 40))),
    "cookie of 0": query(WEB, A, IN, opt(option(10))),
    "cookie of 7": query(WEB, A, IN, opt(option(10, b"c" * 7))),
    "cookie of 12": query(WEB, A, IN, opt(option(10, b"c" * 12))),
    "cookie of 41": query(WEB, A, IN, opt(option(10, b"c" * 41))),
    "a cookie and no question": head(qd=0, ar=1) + opt(option(10, b"c" * 8)),
    "NSID": query(WEB, A, IN, opt(option(3))),
    "client subnet": query(WEB, A, IN, opt(option(8, b"\0\1\0\0"))),
    "client subnet, family 9": query(WEB, A, IN, opt(option(8, b"\0\x09\0\0"))),
    "keepalive by UDP": query(WEB, A, IN, opt(option(11))),
    "padding": query(WEB, A, IN, opt(option(12, bytes(200)))),
    "expire": query(WEB, A, IN, opt(option(9))),
    "an extended error in the query": query(WEB, A, IN, opt(option(15, b"\0\0"))),
    "a chain option": query(WEB, A, IN, opt(option(13, b"\0"))),
    # Floods in one packet
    "100 additional records": query(WEB, A, IN, *(record(b"\0", A) for _ in range(100))),
    "HTTP": b"GET / HTTP/1.1\r\nHost: mesh.test\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(190),
    "a PROXY header": b"\r\n\r\n\0\r\nQUIT\n\x21\x12\0\x0c" + bytes(12) + query(),
    "all zeros": bytes(64),
    "all ones": b"\xff" * 64,
    "all 0x7f": b"\x7f" * 64,
}  # fmt: skip

"""Octets near to HTTP: the catalogue's cases as seeds, and cuts, joins and insertions of what decides framing.

`rng` is the caller's, so that a seed names a run.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

from tests.fuzz.conversation import Requests, Responses, conversed

CASES = Path(__file__).parents[1] / "cases"
LONGEST_SEED = 2048
WORDS = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\r\n ", b" ", b"\t", b"\0", b"\x0b", b"\x7f", b"\x85", b"\xa0", b"\xff", b":", b": ", b",",
    b";", b";a", b';a="b"', b'"', b"=", b"/", b"?", b"#", b"%2e", b".", b"*", b"_", b"0", b"1", b"00", b"5", b"a", b"f", b"0x", b"+", b"-",
    b"ffffffffffffffff", b"10000000000000005", b"999999999999999999", b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a.test\r\n", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"Host: a.test\r\n", b"Host: b.test\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Connection: Upgrade\r\n",
    b"Connection: content-length\r\n", b"Connection: X-A\r\n", b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"X-A: v\r\n",
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"Trailer: X\r\n", b"HEAD", b"OPTIONS", b"http://a.test",
    b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 X\r\n",
    b"HTTP/1.1 304 X\r\n", b"HTTP/1.0 200 OK\r\n", b"chunked", b"identity",
)  # fmt: skip


@functools.cache
def seeds(kind):
    """Raw octets of the catalogue: `requests`, `responses`, or the `bodies` of its chunked messages."""
    if kind == "bodies":
        chunked = [raw for name in ("requests", "responses") for raw in seeds(name) if b"chunked\r\n" in raw]
        return tuple(body for raw in chunked if (body := raw.partition(b"\r\n\r\n")[2]))
    found = []
    for path in sorted(CASES.glob(f"*-{kind}.json")):
        found += [case["raw"].encode("latin-1") for case in json.loads(path.read_text())["cases"]]
    return tuple(raw for raw in found if raw and len(raw) <= LONGEST_SEED)


@functools.cache
def sound(kind):
    """The seeds that end in a whole message: what is near to them gets far."""
    if kind == "bodies":
        return tuple(raw for raw in seeds(kind) if raw.endswith(b"0\r\n\r\n"))
    side = Requests if kind == "requests" else Responses
    return tuple(raw for raw in seeds(kind) if conversed(side(), raw).messages)


def mutant(rng, kind):
    """One to three seeds, mostly sound ones, changed in one to four places."""
    data = bytearray(rng.choice((sound if rng.random() < 0.7 else seeds)(kind)))
    while rng.random() < 0.2:
        data += rng.choice(sound(kind))
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 4))):
        rng.choice(_CHANGES)(rng, data, kind)
    return bytes(data[: 2 * LONGEST_SEED])


def cuts(rng, data):
    """Where to divide the octets: nowhere in particular, mostly; now and then everywhere."""
    size = len(data)
    if size <= 400 and rng.random() < 0.02:
        return list(range(size + 1))
    return [rng.randrange(size + 1) for _ in range(rng.choice((1, 1, 2, 3, 6)))]


def _place(rng, data):
    """Any offset, but half of the time one beside what delimits something."""
    if not data:
        return 0
    if rng.random() < 0.5:
        found = data.find(rng.choice((b"\r\n", b":", b" ", b"\r\n\r\n", b";")), rng.randrange(len(data)))
        if found >= 0:
            return found + rng.choice((0, 0, 1, 2))
    return rng.randrange(len(data) + 1)


def _insert(rng, data, kind):
    at = _place(rng, data)
    data[at:at] = rng.choice(WORDS)


def _replace(rng, data, kind):
    at = _place(rng, data)
    data[at : at + rng.choice((1, 1, 2, 4, 8))] = rng.choice(WORDS)


def _delete(rng, data, kind):
    at = _place(rng, data)
    del data[at : at + rng.choice((1, 1, 2, 3, 8, 30))]


def _octet(rng, data, kind):
    if data:
        data[rng.randrange(len(data))] = rng.choice((rng.randrange(256), rng.randrange(128)))


def _case(rng, data, kind):
    if data:
        at = rng.randrange(len(data))
        data[at] ^= 32


def _repeat(rng, data, kind):
    at = _place(rng, data)
    piece = bytes(data[at : at + rng.choice((1, 4, 20, 60))])
    data[at:at] = piece


def _line_twice(rng, data, kind):
    lines = bytes(data).split(b"\r\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    data[:] = b"\r\n".join(lines)


def _follow(rng, data, kind):
    data += rng.choice(seeds(kind))


def _splice(rng, data, kind):
    other = rng.choice(seeds(kind))
    data[_place(rng, data) :] = other[rng.randrange(len(other)) :]


_CHANGES = (
    _insert,
    _insert,
    _insert,
    _replace,
    _replace,
    _delete,
    _delete,
    _octet,
    _case,
    _repeat,
    _line_twice,
    _follow,
    _splice,
)

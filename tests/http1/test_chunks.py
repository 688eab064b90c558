from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.cases.strict import read_chunked
from tidegate.http1.chunks import ChunkReader


def read(stream, cuts=(), bare=False):
    """(what to forward, done, error, offset after the body) of a stream fed in pieces."""
    reader, out, offset = ChunkReader(bare), b"", 0
    edges = [0, *sorted(cuts), len(stream)]
    for start, stop in pairwise(edges):
        out += reader.feed(stream[:stop], start)
        offset = reader.end
        if reader.done or reader.error:
            break
    return out, reader.done, reader.error, offset


pieces = st.lists(st.binary(min_size=1, max_size=40), max_size=8)
extensions = st.sampled_from([b"", b";a", b";a=b", b" ;a = b", b';a="q;\\"x"', b";a=b;c"])
trailers = st.lists(st.sampled_from([b"X-T: v\r\n", b"Y:\r\n"]), max_size=2).map(b"".join)


def encoded(parts, extension=b"", trailer=b""):
    chunks = b"".join(b"%X%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
    return chunks + b"0" + extension + b"\r\n" + trailer + b"\r\n"


@given(pieces, extensions, trailers, st.data(), st.booleans())
def test_any_body_in_any_pieces_is_read_and_written_canonically(parts, extension, trailer, data, bare):
    stream = encoded(parts, extension, trailer)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10))
    out, done, error, offset = read(stream, cuts, bare)
    assert (done, error, offset) == (True, False, len(stream))
    body = b"".join(parts)
    if bare:
        assert out == body
    else:
        found, end, extended = read_chunked(out, 0)
        assert (found, end, extended) == (body, len(out), False)


@given(pieces, st.binary(max_size=20))
def test_bytes_behind_the_body_are_left_alone(parts, rest):
    stream = encoded(parts)
    _, done, _, offset = read(stream + rest)
    assert (done, offset) == (True, len(stream))


STREAM = b'5;x="y"\r\nhello\r\n00a\r\n0123456789\r\n0\r\nT: v\r\n\r\n'


def test_every_boundary_gives_the_same():
    for cut in range(len(STREAM) + 1):
        out, done, error, offset = read(STREAM, [cut])
        assert (done, error, offset) == (True, False, len(STREAM))
        assert read_chunked(out, 0)[0] == b"hello0123456789"
    assert read(STREAM, range(len(STREAM)))[1:] == (True, False, len(STREAM))


BROKEN = [
    b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhell\r\n0\r\n\r\n", b"5\r\nhelloo\r\n0\r\n\r\n",
    b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"5_0\r\n", b"-1\r\n",
    b"\r\n", b"g\r\n", b";a\r\n", b"10000000000000000\r\n", b"ffffffffffffffff\r\n", b"5;\r\nhello\r\n", b"5;a=\r\n",
    b'5;a="\r\n', b"5;a\x00\r\n", b"5 \r\nhello\r\n", b"0\r\nX\r\n\r\n", b"0\r\nX : v\r\n\r\n", b"0\r\n: v\r\n\r\n",
    b"0\r\nX: \x00\r\n\r\n", b"0\r\n fold: v\r\n\r\n", b"5\rhello", b"5;" + b"a" * 5000, b"0\r\nX: v\n\r\n",
    b"0" * 17 + b"\r\n", b"0\r\nX: " + b"v" * 70000 + b"\r\n\r\n",
    b"".join(b"1;" + b"a" * 4000 + b"\r\nx\r\n" for _ in range(5)),
]  # fmt: skip


@pytest.mark.parametrize("stream", BROKEN, ids=lambda stream: repr(stream[:24]))
def test_what_the_grammar_does_not_know_is_an_error_however_it_is_cut(stream):
    assert read(stream)[2]
    if len(stream) < 100:
        assert read(stream, range(len(stream)))[2]
        for cut in range(len(stream)):
            assert read(stream, [cut])[2]


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=5))
@example(b"1\r\n", [])
def test_it_never_raises_and_reads_no_more_than_a_strict_reader(stream, cuts):
    out, done, error, offset = read(stream, [min(cut, len(stream)) for cut in cuts])
    assert not (done and error)
    if done:
        assert read_chunked(stream[:offset], 0)[0] == read_chunked(out, 0)[0]


@given(st.data(), st.integers(0, 255))
def test_a_changed_octet_never_makes_it_raise(data, octet):
    at = data.draw(st.integers(0, len(STREAM) - 1))
    out, done, _, offset = read(STREAM[:at] + bytes((octet,)) + STREAM[at + 1 :])
    assert not done or offset <= len(STREAM)
    if done:
        assert read_chunked(out, 0)[1] == len(out)


@pytest.mark.parametrize(("size", "taken"), [(4096, True), (4097, False)])
def test_a_size_line_of_just_the_limit_is_taken_however_it_comes(size, taken):
    stream = b"5;" + b"a" * (size - 2) + b"\r\nhello\r\n0\r\n\r\n"
    for cuts in ((), (size,), (size + 1,), (1, size + 1)):
        assert read(stream, cuts)[1:3] == (taken, not taken)

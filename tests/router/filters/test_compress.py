from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zstandard import ZstdDecompressor

from tests.support.asks import head
from tidegate.http1.events import Limits
from tidegate.http1.response import parse_response
from tidegate.policy import Compress
from tidegate.router.filters.compress import CompressStep, Gzip, Zstd, accepted

GZIP = head("/", "Accept-Encoding: gzip, br")


def answered(*lines, status="200 OK"):
    text = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines))
    return parse_response(f"{text}\r\n".encode(), 0, False, Limits())


def test_a_compressed_answer_says_so_and_varies():
    response = answered(
        "Content-Type: text/html; charset=utf-8", "Content-Length: 5000", 'ETag: "x"', "Accept-Ranges: bytes"
    )
    assert CompressStep(Compress()).coder(GZIP, response) is not None
    assert response.fields == (
        b'Content-Type: text/html; charset=utf-8\r\nVary: Accept-Encoding\r\nETag: W/"x"\r\nContent-Encoding: gzip\r\n'
    )


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Type: image/png", "Content-Length: 5000"),
        ("Content-Length: 5000",),
        ("Content-Type: text/html", "Content-Length: 100"),
        ("Content-Type: text/html", "Content-Encoding: br", "Content-Length: 5000"),
        ("Content-Type: text/html", "Cache-Control: public, no-transform", "Content-Length: 5000"),
    ],
)
def test_what_is_unfit_stays_as_it_is(lines):
    response = answered(*lines)
    before = response.fields
    assert CompressStep(Compress()).coder(GZIP, response) is None
    assert response.fields == before


def test_a_part_of_a_body_is_never_compressed():
    response = answered("Content-Type: text/html", "Content-Length: 5000", status="206 Partial Content")
    assert CompressStep(Compress()).coder(GZIP, response) is None


def test_a_client_that_does_not_take_it_still_hears_that_others_do():
    response = answered("Content-Type: text/html", "Content-Length: 5000", "Vary: Cookie")
    assert CompressStep(Compress()).coder(head("/"), response) is None
    assert b"Vary: Cookie, Accept-Encoding\r\n" in response.fields
    assert b"Content-Length: 5000\r\n" in response.fields


OURS = (b"zstd", b"gzip")


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (None, None),
        (b"", None),
        (b"gzip", b"gzip"),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"GZIP;q=0.5", b"gzip"),
        (b"zstd;q=0.5, gzip", b"gzip"),
        (b"gzip;q=0", None),
        (b"gzip; q=0.000", None),
        (b"gzip;q=x", None),
        (b"gzip;level=9", None),
        (b"*", b"zstd"),
        (b"*;q=0", None),
        (b"*, zstd;q=0", b"gzip"),
        (b"br, deflate", None),
        (b"identity, gzip;q=0.001", b"gzip"),
    ],
)
def test_the_field_of_the_client_decides(value, taken):
    assert accepted(value, OURS) == taken


CODERS = pytest.mark.parametrize(
    ("coder", "unpacker"), [(Gzip, lambda: zlib.decompressobj(31)), (Zstd, lambda: ZstdDecompressor().decompressobj())]
)


@CODERS
@given(pieces=st.lists(st.binary(max_size=20000), max_size=6))
def test_what_comes_out_unpacks_to_what_went_in(coder, unpacker, pieces):
    one = coder()
    out = b"".join(one.feed(piece) for piece in pieces) + one.end()
    assert unpacker().decompress(out) == b"".join(pieces)


@CODERS
def test_a_small_piece_can_be_read_at_once(coder, unpacker):
    one, reading = coder(), unpacker()
    assert reading.decompress(one.feed(b"data: 1\n\n")) == b"data: 1\n\n"
    assert reading.decompress(one.feed(b"data: 2\n\n")) == b"data: 2\n\n"

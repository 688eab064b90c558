from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.asks import head
from tidegate.http1.events import Limits
from tidegate.http1.response import parse_response
from tidegate.policy import Compress
from tidegate.router.filters.compress import Coder, CompressStep, accepts_gzip

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


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (None, False),
        (b"", False),
        (b"gzip", True),
        (b"GZIP;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000", False),
        (b"*", True),
        (b"*;q=0", False),
        (b"*, gzip;q=0", False),
        (b"br, deflate", False),
        (b"x-gzip", True),
        (b"identity, gzip;q=0.001", True),
    ],
)
def test_the_field_of_the_client_decides(value, taken):
    assert accepts_gzip(value) == taken


@given(st.lists(st.binary(max_size=20000), max_size=6))
def test_what_comes_out_unpacks_to_what_went_in(pieces):
    coder = Coder()
    out = b"".join(coder.feed(piece) for piece in pieces) + coder.end()
    assert gzip.decompress(out) == b"".join(pieces)


def test_a_small_piece_can_be_read_at_once():
    coder = Coder()
    reading = zlib.decompressobj(31)
    assert reading.decompress(coder.feed(b"data: 1\n\n")) == b"data: 1\n\n"
    assert reading.decompress(coder.feed(b"data: 2\n\n")) == b"data: 2\n\n"

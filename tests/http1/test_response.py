from __future__ import annotations

import pytest

from tidegate.errors import Reason
from tidegate.http1.events import FRAMING_CHUNKED, FRAMING_LENGTH, FRAMING_NONE, FRAMING_UNTIL_CLOSE, Limits
from tidegate.http1.response import parse_response

LIMITS = Limits()

ANSWERS = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", FRAMING_LENGTH, True),
    (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", FRAMING_LENGTH, True),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", FRAMING_CHUNKED, True),
    (b"HTTP/1.1 200 OK\r\n\r\n", FRAMING_UNTIL_CLOSE, False),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", FRAMING_LENGTH, False),
    (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", FRAMING_LENGTH, True),
    (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", FRAMING_NONE, True),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", FRAMING_NONE, True),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n", FRAMING_LENGTH, False),
]


@pytest.mark.parametrize(("raw", "framing", "keep_alive"), ANSWERS, ids=lambda value: repr(value)[:50])
def test_how_a_response_is_framed(raw, framing, keep_alive):
    head = parse_response(raw, 0, False, LIMITS)
    assert (head.error, head.framing, head.keep_alive, head.end) == (None, framing, keep_alive, len(raw))
    assert parse_response(raw, 0, True, LIMITS).framing == FRAMING_NONE
    for size in range(len(raw)):
        assert parse_response(raw[:size], 0, False, LIMITS) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/2 200 OK\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1.1 600 X\r\n\r\n", b"HTTP/1.1 099 X\r\n\r\n",
        b"HTTP/1.1 200 O\x00K\r\n\r\n", b"HTTP/1.1  200 OK\r\n\r\n", b"nonsense", b"HTTP/1.1 200 OK\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n fold: x\r\n\r\n", b"HTTP/1.1 100 C\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"v" * 70000,
    ],
    ids=lambda raw: repr(raw[:40]),
)  # fmt: skip
def test_what_is_no_response(raw):
    assert parse_response(raw, 0, False, LIMITS).error is Reason.BAD_RESPONSE


def test_a_response_head_of_too_many_lines_is_refused_before_its_end():
    assert parse_response(b"HTTP/1.1 200 OK\r\n" + b"X: v\r\n" * 130, 0, False, LIMITS).error is Reason.BAD_RESPONSE


@pytest.mark.parametrize("spare", [-1, 0])
def test_a_head_of_just_the_limit_is_taken_however_it_comes(spare):
    raw = b"HTTP/1.1 200 OK\r\nX: v\r\n\r\n"
    limits = Limits(head_bytes=len(raw) + spare)
    assert (parse_response(raw, 0, False, limits).error is None) == (spare == 0)
    assert [parse_response(raw[:size], 0, False, limits) for size in range(len(raw))] == [None] * len(raw)


@pytest.mark.parametrize("status", [b"101", b"204"])
def test_an_answer_that_has_no_body_claims_no_length(status):
    head = parse_response(b"HTTP/1.1 " + status + b" X\r\nContent-Length: 0\r\nX: v\r\n\r\n", 0, False, LIMITS)
    assert (head.error, head.fields) == (None, b"X: v\r\n")

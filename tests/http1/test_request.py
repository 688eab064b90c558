from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.cases.strict import read_fields
from tidegate.errors import Reason
from tidegate.http1.events import (
    FRAMING_LENGTH,
    Limits,
)
from tidegate.http1.request import parse_request

LIMITS = Limits()
TOKENS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def parse(raw, limits=LIMITS):
    head = parse_request(raw, 0, limits)
    assert head is not None
    return head


def request(extra=b"", line=b"GET / HTTP/1.1", host=b"Host: a.test\r\n"):
    return line + b"\r\n" + host + extra + b"\r\n"


REFUSED = [
    (request(line=b"GET  / HTTP/1.1"), Reason.BAD_REQUEST),
    (request(line=b"GET /a b HTTP/1.1"), Reason.BAD_REQUEST),
    (request(line=b"GET /#f HTTP/1.1"), Reason.BAD_REQUEST),
    (request(line=b"GET /\xc3 HTTP/1.1"), Reason.BAD_REQUEST),
    (request(line=b"G(T / HTTP/1.1"), Reason.BAD_REQUEST),
    (request(line=b"A" * 33 + b" / HTTP/1.1"), Reason.BAD_REQUEST),
    (request(line=b"GET / HTTP/2.0"), Reason.VERSION_NOT_SUPPORTED),
    (request(line=b"GET / HTTP/1.2"), Reason.VERSION_NOT_SUPPORTED),
    (request(line=b"GET / http/1.1"), Reason.BAD_REQUEST),
    (request(line=b"CONNECT a.test:80 HTTP/1.1"), Reason.METHOD_NOT_ALLOWED),
    (request(line=b"TRACE / HTTP/1.1"), Reason.METHOD_NOT_ALLOWED),
    (request(line=b"GET * HTTP/1.1"), Reason.BAD_REQUEST),
    (request(line=b"GET ftp://a.test/ HTTP/1.1"), Reason.BAD_REQUEST),
    (request(line=b"GET http://b.test/ HTTP/1.1"), Reason.BAD_REQUEST),
    (request(line=b"GET http://u@a.test/ HTTP/1.1"), Reason.BAD_REQUEST),
    (request(host=b""), Reason.BAD_REQUEST),
    (request(host=b"Host: a.test\r\nHost: a.test\r\n"), Reason.BAD_REQUEST),
    (request(host=b"Host:\r\n"), Reason.BAD_REQUEST),
    (request(b"X : v\r\n"), Reason.BAD_REQUEST),
    (request(b" fold\r\n"), Reason.BAD_REQUEST),
    (request(b"X: a\x00b\r\n"), Reason.BAD_REQUEST),
    (request(b"X: a\x7fb\r\n"), Reason.BAD_REQUEST),
    (request(b"X: a\nY: b\r\n"), Reason.BAD_REQUEST),
    (request(b": v\r\n"), Reason.BAD_REQUEST),
    (request(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), Reason.BAD_REQUEST),
    (request(b"Content-Length: 5\r\nContent-Length: 5\r\n"), Reason.BAD_REQUEST),
    (request(b"Content-Length: +5\r\n"), Reason.BAD_REQUEST),
    (request(b"Content-Length: 5_0\r\n"), Reason.BAD_REQUEST),
    (request(b"Content-Length: " + b"1" * 19 + b"\r\n"), Reason.BAD_REQUEST),
    (request(b"Transfer-Encoding: chunked\r\n", line=b"POST / HTTP/1.0"), Reason.BAD_REQUEST),
    (request(b"Transfer-Encoding: gzip, chunked\r\n"), Reason.NOT_IMPLEMENTED),
    (request(b"Transfer-Encoding: \x0bchunked\r\n"), Reason.BAD_REQUEST),
    (request(b"Expect: 200-ok\r\n"), Reason.EXPECTATION_FAILED),
    (request(b"Connection: a b\r\n"), Reason.BAD_REQUEST),
    (request(b"Upgrade: websocket\r\nConnection: Upgrade\r\n"), Reason.BAD_REQUEST),
    (request(b"X: " + b"v" * 70000 + b"\r\n"), Reason.HEADERS_TOO_LARGE),
    (request(b"X: v\r\n" * 128), Reason.HEADERS_TOO_LARGE),
    (request(b"X" * 2000 + b": v\r\n"), Reason.HEADERS_TOO_LARGE),
    (request(line=b"GET /" + b"a" * 17000 + b" HTTP/1.1"), Reason.TARGET_TOO_LONG),
]


@pytest.mark.parametrize(("raw", "reason"), REFUSED, ids=lambda value: repr(value)[:50])
def test_what_is_refused_and_why(raw, reason):
    assert parse(raw).error is reason


@pytest.mark.parametrize(("raw", "reason"), REFUSED, ids=lambda value: repr(value)[:50])
def test_what_is_refused_is_refused_however_much_of_it_has_come(raw, reason):
    assert parse_request(raw, 0, LIMITS).error is not None
    for size in range(min(len(raw), 400)):
        head = parse_request(raw[:size], 0, LIMITS)
        assert head is None or head.error is not None


def test_a_whole_head_says_what_it_is():
    head = parse(
        b"\r\nPOST /p/a?q=/. HTTP/1.1\r\nhost:A.Test.:8080\r\nUser-Agent: u\r\nCookie: a=1\r\ncookie: b=2\r\n"
        b"Referer: r\r\nContent-Length: 007\r\nExpect: 100-Continue\r\nX-Forwarded-For: 1\r\nX_A: b\r\n\r\nrest"
    )
    assert head.error is None
    assert (head.method, head.target, head.path, head.minor) == (b"POST", b"/p/a?q=/.", b"/p/a", 1)
    assert (head.host, head.authority) == (b"a.test", b"a.test:8080")
    assert (head.framing, head.length, head.expect_continue, head.keep_alive) == (FRAMING_LENGTH, 7, True, True)
    assert (head.user_agent, head.referer) == (b"u", b"r")
    assert (head.claimed_for, head.dot_segments, head.upgrade) == (b"1", False, False)
    fields = dict(read_fields(head.fields[:-2]))
    assert (fields["host"], fields["content-length"]) == ("a.test:8080", "7")
    assert not fields.keys() & {"x-forwarded-for", "x_a", "expect"}


@pytest.mark.parametrize(
    ("line", "target"),
    [
        (b"GET http://a.test/x?y HTTP/1.1", b"/x?y"), (b"GET HTTP://A.TEST?y HTTP/1.1", b"/?y"),
        (b"GET https://a.test HTTP/1.1", b"/"), (b"OPTIONS http://a.test HTTP/1.1", b"*"), (b"OPTIONS * HTTP/1.1", b"*"),
        (b"GET http://a.test:80/x HTTP/1.1", b"/x"),
    ],
)  # fmt: skip
def test_absolute_form_becomes_origin_form(line, target):
    head = parse(request(line=line))
    assert (head.error, head.target) == (None, target)


@pytest.mark.parametrize(
    ("connection", "kept"),
    [
        (b"X-A", {"x-b"}), (b"x-a , X-B", set()), (b"close, X-B", {"x-a"}), (b"Host, Content-Length", {"x-a", "x-b"}),
    ],
)  # fmt: skip
def test_nominated_fields_go_no_further_and_framing_cannot_be_nominated(connection, kept):
    head = parse(request(b"Content-Length: 1\r\nX-A: 1\r\nX-B: 2\r\nConnection: " + connection + b"\r\n"))
    names = {name for name, _ in read_fields(head.fields[:-2])}
    assert names == kept | {"host", "content-length"}


HANDSHAKE = (
    b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def test_a_sound_websocket_handshake_is_an_upgrade():
    assert parse(request(HANDSHAKE)).upgrade


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"13", b"12"), (b"ZQ==", b"Z="), (b"Sec-WebSocket-Key", b"X-Key"), (b"GET", b"POST"), (b"HTTP/1.1", b"HTTP/1.0")],
)
def test_an_unsound_handshake_is_refused(old, new):
    assert parse(request(HANDSHAKE).replace(old, new, 1)).error is Reason.BAD_REQUEST


@pytest.mark.parametrize(("old", "new"), [(b"WebSocket", b"h2c"), (b", Upgrade", b"")])
def test_any_other_upgrade_is_an_ordinary_request(old, new):
    head = parse(request(HANDSHAKE).replace(old, new, 1))
    assert (head.error, head.upgrade) == (None, False)
    assert b"Upgrade" not in head.fields


names = st.text(TOKENS.replace("_", ""), min_size=1, max_size=20).map(lambda name: "X-" + name)
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
targets = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=30)


@given(
    st.text(TOKENS, min_size=1, max_size=32).filter(lambda method: method not in ("CONNECT", "TRACE")),
    targets.map(lambda rest: "/" + rest),
    st.lists(st.tuples(names, values), max_size=8),
)
def test_what_is_written_is_read_again(method, target, fields):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    head = parse(f"{method} {target} HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n".encode())
    assert head.error is None
    assert (head.method, head.target) == (method.encode(), target.encode())
    kept = [(name.lower(), value) for name, value in fields]
    assert read_fields(head.fields[:-2]) == [("host", "a.test"), *kept]


@given(st.binary(max_size=200))
@example(b"GET / HTTP/1.1\r\nHost: \r\n\r\n")
@example(b"\r\n\r\n")
@example(b"GET / HTTP/1.1\r\n\r\n")
@example(b"GET %\r\n\r\n")
@example(b"GET %2\r\n\r\n")
@example(b"GET http://a\r\n\r\n")
def test_random_octets_never_make_it_raise(raw):
    for data in (raw, raw + b"\r\n\r\n", b"GET / HTTP/1.1\r\n" + raw + b"\r\n\r\n", request(raw + b"\r\n")):
        parse_request(data, 0, LIMITS)


def test_a_long_head_in_small_pieces_is_refused_at_the_limit():
    raw = b"GET / HTTP/1.1\r\nHost: a.test\r\n" + (b"X: " + b"v" * 1000 + b"\r\n") * 100
    sizes = range(0, len(raw), 997)
    first = next(size for size in sizes if parse_request(raw[:size], 0, LIMITS) is not None)
    assert LIMITS.head_bytes < first <= LIMITS.head_bytes + 997 + 4


def test_a_head_of_too_many_lines_is_refused_before_its_end():
    assert parse(b"GET / HTTP/1.1\r\n" + b"X: v\r\n" * 130).error is Reason.HEADERS_TOO_LARGE


@pytest.mark.parametrize("spare", [-1, 0])
def test_a_head_of_just_the_limit_is_taken_however_it_comes(spare):
    raw = request(b"X: v\r\n")
    limits = Limits(head_bytes=len(raw) + spare)
    assert (parse(raw, limits).error is None) == (spare == 0)
    assert [parse_request(raw[:size], 0, limits) for size in range(len(raw))] == [None] * len(raw)

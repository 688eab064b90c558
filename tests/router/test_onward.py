from __future__ import annotations

import pytest

from tests.support.client import GET, get
from tests.support.origin import serving
from tests.support.router import quick, running
from tidegate.http1.events import Limits
from tidegate.http1.request import parse_request
from tidegate.router.onward import request_head, told_client

CLAIMS = (
    b"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.test\r\nX-Real-IP: 9.9.9.9\r\n"
    b"Forwarded: for=6.6.6.6\r\nX_Forwarded_For: 7.7.7.7\r\nX-Forwarded-Port: 99\r\n"
)


async def forwarded(config, extra=CLAIMS):
    async with serving() as origin, running(origin, config=config) as mesh:
        client = await mesh.client()
        await client.ask(get(extra=extra))
    request = origin.requests[0]
    names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded")
    assert request.field("X_Forwarded_For") is None
    assert request.field("X-Forwarded-Port") is None
    return [request.field(name) for name in names]


async def test_what_a_stranger_claims_is_replaced():
    assert await forwarded(quick()) == [
        "127.0.0.1",
        "http",
        "a.test",
        "127.0.0.1",
        'for=127.0.0.1;proto=http;host="a.test"',
    ]


async def test_what_a_trusted_proxy_says_is_continued():
    assert await forwarded(quick(trusted_proxies=("10.0.0.0/8", "127.0.0.0/8"))) == [
        "1.2.3.4, 127.0.0.1",
        "https",
        "shop.test",
        "127.0.0.1",
        'for=127.0.0.1;proto=https;host="shop.test"',
    ]


async def test_what_cannot_be_a_host_or_a_scheme_is_not_believed_of_anybody():
    extra = b'X-Forwarded-Host: x";for=evil\r\nX-Forwarded-Proto: gopher\r\n'
    found = await forwarded(quick(trusted_proxies=("127.0.0.0/8",)), extra)
    assert found[1:3] == ["http", "a.test"]


async def test_what_the_proxy_adds_cannot_be_nominated_away():
    found = await forwarded(quick(), b"Connection: X-Forwarded-For, Forwarded, Host\r\n")
    assert found[0] == "127.0.0.1"


async def test_claims_of_one_request_do_not_stay_for_the_next():
    async with serving() as origin, running(origin, config=quick(trusted_proxies=("127.0.0.1/32",))) as mesh:
        client = await mesh.client()
        await client.ask(get(extra=CLAIMS))
        await client.ask(GET)
    assert origin.requests[1].field("X-Forwarded-For") == "127.0.0.1"


def parsed(lines=b"", method=b"GET"):
    head = parse_request(method + b" /x?y HTTP/1.1\r\nHost: a.test\r\n" + lines + b"\r\n", 0, Limits())
    assert head is not None and head.error is None
    return head


@pytest.mark.parametrize(
    ("lines", "method", "ending"),
    [
        (b"", b"GET", b"\r\n\r\n"),
        (b"Content-Length: 5\r\n", b"POST", b"\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"POST", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ],
)
def test_a_head_ends_with_the_framing_of_its_body(lines, method, ending):
    head = request_head(parsed(lines, method), b'Forwarded: for=c;proto=http;host="', b"a.test")
    assert head.startswith(method + b" /x?y HTTP/1.1\r\n")
    assert head.endswith(b'host="a.test"\r\nX-Forwarded-Host: a.test' + ending)


def test_an_address_with_colons_is_quoted_and_bracketed_in_forwarded():
    told = told_client(b"fd00::1", b"", True, None)
    assert b"X-Forwarded-For: fd00::1\r\n" in told
    assert b'Forwarded: for="[fd00::1]";proto=https;' in told


def test_what_the_client_showed_comes_first():
    assert told_client(b"192.0.2.1", b"X-Client-Cert: x\r\n", True, None).startswith(
        b"X-Client-Cert: x\r\nX-Forwarded-For:"
    )

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.router import endpoint, route
from tests.support.tree import text
from tidegate.model import Address
from tidegate.router.exchange import Exchange
from tidegate.router.live import LiveRoute
from tidegate.router.logformat import FIELDS, template_of
from tidegate.router.notes import Notes
from tidegate.router.upstream import Upstream

STAMP, COMMON = b"2026-01-02T03:04:05.6Z", b"02/Jan/2026:03:04:05 +0000"


def exchanged(**values):
    one = Exchange(b"GET", b"a.test", b"/a/b?c=1", b"192.0.2.1", 100.0)
    one.notes = Notes(b"Host: a.test\r\nX-Tenant: blue\r\n", b"HTTP/1.1")
    for name, value in values.items():
        setattr(one, name, value)
    return one


def rendered(template, exchange, duration_us=1_234_567, hidden=()):
    return template_of(template, hidden).render(exchange, STAMP, COMMON, duration_us)


def test_the_common_format_is_that_of_other_servers():
    line = rendered("common", exchanged(status=200, sent=512))
    assert line == b'192.0.2.1 - - [02/Jan/2026:03:04:05 +0000] "GET /a/b?c=1 HTTP/1.1" 200 512\n'


def test_the_combined_format_adds_referer_and_agent_or_a_dash():
    line = rendered("combined", exchanged(status=404, agent=b"curl/8"))
    assert line.endswith(b'"GET /a/b?c=1 HTTP/1.1" 404 0 "-" "curl/8"\n')


def test_a_template_says_times_in_three_units():
    assert rendered("{duration_us} {duration_ms} {duration_s}", exchanged()) == b"1234567 1234.567 1.234567\n"


def test_a_template_names_who_answered():
    upstream = Upstream(
        endpoint(("127.0.0.1", 9001), version="v2"), Address(host="127.0.0.1", port=9001), lambda _: None
    )
    one = exchanged(route=LiveRoute(route()), upstream=upstream, tries=2)
    line = rendered("{route} {service} {version} {endpoint} {address} {tries}", one)
    assert line == b"a.test/ web v2 web-9001:80 127.0.0.1:9001 2\n"


def test_path_and_query_can_be_had_apart_and_headers_by_name():
    assert rendered("{path} {query} {header.X-Tenant} {header.x-other}", exchanged()) == b"/a/b c=1 blue -\n"


def test_a_hidden_header_comes_out_empty():
    assert rendered("{header.x-tenant}", exchanged(), hidden={"x-tenant"}) == b"-\n"


@pytest.mark.parametrize("name", ["authorization", "Cookie", "proxy-authorization", "Set-Cookie"])
def test_credentials_cannot_be_asked_for(name):
    with pytest.raises(ValueError, match="never logged"):
        template_of(f"{{header.{name}}}")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{statsu}", r"no field \{statsu\}; did you mean \{status\}"),
        ("{qqqqqq}", r"no field \{qqqqqq\}; docs/access-log.md"),
        ("{status", r"a lone \{ at character 1"),
        ("{status} }", r"a lone \} at character 10"),
        ("hello", "at least one"),
        ("", "at least one"),
        ("{status}\x1b", "control characters"),
    ],
)
def test_what_is_no_template_is_refused_with_the_place_or_the_nearest_field(template, message):
    with pytest.raises(ValueError, match=message):
        template_of(template)


def test_a_template_that_begins_with_a_brace_is_json():
    line = rendered('{{"path":"{path}","ms":{duration_ms},"agent":"{agent}"}}', exchanged(agent=b'a"\x1b[31m\xff'))
    assert json.loads(line) == {"path": "/a/b", "ms": 1234.567, "agent": 'a"\x1b[31m\xff'}


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_whatever_was_sent_is_one_printable_line_with_its_quotes(agent, referer):
    line = rendered("combined", exchanged(agent=agent, referer=referer))
    assert line.endswith(b"\n")
    assert all(0x20 <= octet <= 0x7E for octet in line[:-1])
    assert line.count(b'"') == 6


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_renders_for_an_exchange_of_which_nothing_is_known(name):
    one = Exchange(b"", b"", b"", b"", 100.0)
    assert rendered(f"{{{name}}}", one).endswith(b"\n")


def test_every_field_is_described():
    page = text("docs/access-log.md")
    described = set(re.findall(r"\{([a-z_]+)\}", page))
    assert set(FIELDS) <= described

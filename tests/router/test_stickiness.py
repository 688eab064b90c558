from __future__ import annotations

import re

import pytest

from tidegate.policy import Balance
from tidegate.router.stickiness import Marker, Stickiness

MARKER = Marker(b"secret")


def mark(endpoint, version="v1", service="web"):
    return MARKER.mark(service, version, endpoint)


def sticky(*endpoints, path="/", **values):
    """Of (endpoint, version) pairs."""
    ready = [(mark(endpoint, version), endpoint, 1) for endpoint, version in endpoints]
    return Stickiness(Balance(sticky=True, **values), path, ready, 0)


def lines(*cookies):
    return b"Host: a.test\r\nCookie: " + b"; ".join(cookies) + b"\r\nAccept: */*\r\n"


def test_a_mark_is_the_same_for_all_who_have_the_key_and_tells_nothing():
    assert mark("10.0.0.7:9001") == Marker(b"secret").mark("web", "v1", "10.0.0.7:9001")
    assert mark("10.0.0.7:9001") != Marker(b"other").mark("web", "v1", "10.0.0.7:9001")
    assert re.fullmatch(rb"[0-9a-f]{16}-[0-9a-f]{16}", mark("10.0.0.7:9001"))


def test_endpoints_of_one_version_share_half_of_their_marks():
    one, other, next_one = mark("a"), mark("b"), mark("a", "v2")
    assert one[:16] == other[:16] != next_one[:16]
    assert mark("a", service="shop")[:16] != one[:16]


def test_the_endpoint_of_a_mark_is_found():
    route = sticky(("a", "v1"), ("b", "v1"))
    assert route.read(lines(b"tidegate=" + mark("b"))) == mark("b")
    assert route.endpoint(mark("b")) == "b"


def test_when_the_endpoint_is_gone_its_version_is_found():
    route = sticky(("a", "v1"), ("b", "v1"), ("c", "v2"))
    gone = mark("gone")
    assert route.read(lines(b"tidegate=" + gone)) == gone
    assert route.endpoint(gone) is None
    assert sorted(route.version(gone).items) == ["a", "b"]


def test_when_the_version_is_gone_the_mark_means_nothing():
    route = sticky(("c", "v2"))
    assert route.read(lines(b"tidegate=" + mark("a"))) is None


@pytest.mark.parametrize("value", [b"", b"x", b"-" * 33, b"0" * 16 + b"-" + b"0" * 16, b"\xff" * 40])
def test_an_invented_value_means_nothing(value):
    route = sticky(("a", "v1"))
    assert route.read(lines(b"tidegate=" + value)) is None


def test_of_several_cookies_the_one_whose_endpoint_is_here_counts():
    route = sticky(("a", "v1"), ("b", "v1"))
    assert route.read(lines(b"tidegate=x", b"tidegate=" + mark("gone"), b"other=1", b"tidegate=" + mark("b"))) == mark(
        "b"
    )


def test_the_name_in_another_field_or_as_part_of_a_name_is_no_cookie():
    route = sticky(("a", "v1"))
    assert route.read(b"Referer: /?tidegate=" + mark("a") + b"\r\n" + lines(b"xtidegate=" + mark("a"))) is None


def test_the_cookie_lives_as_long_and_where_the_route_says():
    route = sticky(("a", "v1"), path="/shop", sticky_cookie="CONTAINERID", sticky_seconds=60)
    made = b"Set-Cookie: CONTAINERID=" + mark("a") + b"; Path=/shop; Max-Age=60; HttpOnly; SameSite=Lax"
    assert route.cookie("a", False) == made + b"\r\n"
    assert route.cookie("a", True) == made + b"; Secure\r\n"


def test_an_endpoint_that_left_meanwhile_gets_no_cookie():
    assert sticky(("a", "v1")).cookie("gone", False) == b""


def test_an_endpoint_of_no_weight_is_not_kept():
    route = Stickiness(Balance(sticky=True), "/", [(mark("a"), "a", 0)], 0)
    assert route.read(lines(b"tidegate=" + mark("a"))) is None

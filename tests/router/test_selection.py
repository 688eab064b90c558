from __future__ import annotations

import pytest

from tests.support.router import route, upstreams
from tidegate.policy import Algorithm, Balance, Limits
from tidegate.router.arrangement import Arranger
from tidegate.router.hashing import key_of
from tidegate.router.live import LiveRoute
from tidegate.router.stickiness import Marker

MARKER = Marker(b"secret")


def selecting(*groups, **policy):
    """The selection of a route over services of these upstreams, all of weight 100."""
    live = LiveRoute(route(backends={f"s{at}": 100 for at, _ in enumerate(groups)}, **policy))
    Arranger(0, 1, MARKER).arrange(live, {f"s{at}": group for at, group in enumerate(groups)}.get, 0.0)
    return live.selection


def mark(upstream):
    endpoint = upstream.endpoint
    return MARKER.mark(endpoint.service, endpoint.version, endpoint.id)


def test_a_client_goes_where_its_cookie_says_and_is_told_nothing_new():
    some = upstreams(4)
    selection = selecting(some, balance=Balance(sticky=True))
    for one in some:
        assert selection.pick(None, 0, mark(one)) is one
        assert not selection.moved


def test_a_client_without_a_cookie_is_told_where_it_is():
    selection = selecting(upstreams(2), balance=Balance(sticky=True))
    assert selection.pick(None, 0, None) is not None
    assert selection.moved


def test_a_client_whose_endpoint_failed_just_now_moves_within_its_version():
    old, new = upstreams(2, version="v1", service="s0"), upstreams(2, version="v2", service="s1")
    selection = selecting(old, new, balance=Balance(sticky=True))
    for _ in range(4):
        assert selection.pick([old[0]], 0, mark(old[0])) is old[1]
        assert selection.moved
    assert selection.pick([*old], 0, mark(old[0])) in new


def test_a_busy_endpoint_keeps_its_clients_and_another_one_helps_out():
    some = upstreams(2)
    some[0].in_flight = 1
    selection = selecting(some, balance=Balance(sticky=True), limits=Limits(endpoint_requests=1))
    assert selection.pick(None, 0, mark(some[0])) is some[1]
    assert not selection.moved


def test_when_all_are_busy_it_says_that_only_limits_stood_in_the_way():
    some = upstreams(2)
    for one in some:
        one.in_flight = 1
    selection = selecting(some, limits=Limits(endpoint_requests=1))
    assert selection.pick(None, 0, None) is None
    assert selection.bounds.full
    some[1].in_flight = 0
    assert selection.pick(None, 0, None) is some[1]


def test_without_anybody_nobody_is_full():
    selection = selecting([], limits=Limits(endpoint_requests=1))
    assert selection.pick(None, 0, None) is None
    assert not selection.bounds.full


@pytest.mark.parametrize(
    ("hash_key", "value"),
    [("client", b"192.0.2.1"), ("header:X-User", b"ada"), ("cookie:sid", b"42"), ("header:x-none", None)],
)
def test_a_request_is_hashed_by_what_the_route_names(hash_key, value):
    selection = selecting(upstreams(3), balance=Balance(algorithm=Algorithm.HASH, hash_key=hash_key))
    lines = b"Host: a.test\r\nx-user: ada\r\nCookie: a=b; sid=42\r\n"
    assert selection.key(lines, b"192.0.2.1") == (key_of(value) if value else 0)


def test_a_key_always_leads_to_the_same_endpoint_while_that_is_there():
    some = upstreams(5)
    selection = selecting(some, balance=Balance(algorithm=Algorithm.HASH))
    key = key_of(b"192.0.2.1")
    owner = selection.pick(None, key, None)
    assert all(selection.pick(None, key, None) is owner for _ in range(5))
    assert selection.pick([owner], key, None) not in (owner, None)
    left = selecting([one for one in some if one is not owner], balance=Balance(algorithm=Algorithm.HASH))
    assert left.pick(None, key, None) is selection.pick([owner], key, None)


def test_a_route_that_wants_nothing_special_has_no_selection():
    assert selecting(upstreams(2)) is None
    assert selecting(upstreams(2), balance=Balance(algorithm=Algorithm.LEAST_REQUESTS)) is None

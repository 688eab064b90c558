from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.router import route, upstreams
from tidegate.policy import Algorithm, Balance, Ejection, Limits
from tidegate.router.arrangement import Arranger
from tidegate.router.ejection import ANYBODY, Ejector
from tidegate.router.hashing import key_of
from tidegate.router.live import LiveRoute
from tidegate.router.stickiness import Marker

MARKER = Marker(b"secret")
POLICY = Ejection(failures=1, seconds=10.0, max_percent=100)


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


class Service:
    """One service's endpoints with their ejections, as a worker arranges them for a route; time is told."""

    def __init__(self, number, **policy):
        self.some = upstreams(number, service="s0")
        self.live = LiveRoute(route(backends={"s0": 100}, ejection=POLICY, **policy))
        self.ejector = Ejector()
        self.now = 0.0
        self.arrange()

    def arrange(self):
        Arranger(0, 1, MARKER).arrange(self.live, {"s0": self.some}.get, self.now)

    def fail(self, one):
        if self.ejector.failed(one, POLICY, self.some, self.now):
            self.arrange()

    def answer(self, one):
        if self.ejector.answered(one, self.now):
            self.arrange()

    def wait(self, seconds):
        self.now += seconds
        if self.ejector.due(self.now):
            self.arrange()

    def pick(self, *, safe, tried=None):
        if self.live.selection is None:
            return self.live.balancer.pick(tried)
        return self.live.selection.pick(tried, 0, None, safe)


def test_only_a_request_that_can_be_sent_again_tries_an_endpoint_that_comes_back():
    mesh = Service(2)
    mesh.fail(mesh.some[0])
    mesh.wait(10.0)
    assert [mesh.pick(safe=False) for _ in range(5)] == [mesh.some[1]] * 5
    assert mesh.pick(safe=True) is mesh.some[0]
    assert mesh.pick(safe=True) is mesh.some[1], "one is enough"


def test_where_nobody_else_can_be_picked_any_request_tries_it():
    mesh = Service(2)
    mesh.fail(mesh.some[0])
    mesh.wait(10.0)
    assert mesh.pick(safe=False, tried=[mesh.some[1]]) is mesh.some[0]


def test_where_others_are_only_busy_a_request_waits_for_them():
    mesh = Service(2, limits=Limits(endpoint_requests=1))
    mesh.fail(mesh.some[0])
    mesh.wait(10.0)
    mesh.some[1].in_flight = 1
    assert mesh.pick(safe=False) is None
    assert mesh.live.selection.bounds.full


def test_an_endpoint_of_requests_that_are_sent_once_only_comes_back_in_the_end():
    mesh = Service(2)
    mesh.fail(mesh.some[0])
    for _ in range(10):
        mesh.wait(10.0)
        assert mesh.pick(safe=False) is mesh.some[1]
    mesh.wait(10.0)
    assert mesh.pick(safe=False) is mesh.some[0]


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 5),
    st.sampled_from([{}, {"balance": Balance(sticky=True)}, {"limits": Limits(endpoint_requests=3)}]),
    st.lists(
        st.one_of(
            st.tuples(st.just("fail"), st.integers(0, 4)),
            st.tuples(st.just("wait"), st.floats(0.5, 12.0)),
            st.tuples(st.just("safe"), st.sampled_from(["well", "bad", "left"])),
            st.tuples(st.just("unsafe"), st.sets(st.integers(0, 4), max_size=3)),
        ),
        max_size=60,
    ),
)
def test_a_request_that_must_not_be_sent_twice_never_tries_an_endpoint_while_another_serves(number, policy, steps):
    mesh = Service(number, **policy)
    for kind, what in steps:
        if kind == "fail":
            mesh.fail(mesh.some[what % number])
        elif kind == "wait":
            mesh.wait(what)
        elif kind == "safe":
            one = mesh.pick(safe=True)
            if one is not None and what == "well":
                mesh.answer(one)
            elif one is not None and what == "bad":
                mesh.fail(one)
        else:
            tried = [mesh.some[at] for at in what if at < number]
            serving = [one for one in mesh.some if not one.ejected and one not in tried]
            offers = {one: one.trial for one in mesh.some}
            one = mesh.pick(safe=False, tried=tried or None)
            assert one not in tried
            if serving and one is not None and one.ejected:
                assert offers[one] == ANYBODY


def test_an_ejected_endpoint_of_a_version_without_weight_gets_no_trial():
    """A version that was turned back because it failed is not tried again with somebody's request."""
    old, new = upstreams(1, version="v1", service="s0"), upstreams(1, version="v2", service="s1")
    for weights, tried in (({"s0": 100, "s1": 0}, False), ({"s0": 100, "s1": 1}, True)):
        new[0].ejected, new[0].trial = True, ANYBODY
        live = LiveRoute(route(backends=weights))
        Arranger(0, 1, MARKER).arrange(live, {"s0": old, "s1": new}.get, 0.0)
        assert (live.selection is not None) is tried
        if tried:
            assert live.selection.pick(None, 0, None, safe=True) is new[0]


def test_versions_are_parted_by_the_key_of_the_split():
    old, new = upstreams(2, version="v1", service="s0"), upstreams(2, version="v2", service="s1")
    for algorithm in Algorithm:
        balance = Balance(split="header:X-User", algorithm=algorithm, hash_key="cookie:other")
        selection = selecting(old, new, balance=balance)
        sides = []
        for user in range(200):
            key = selection.key(b"x-user: %d\r\nCookie: other=1\r\n" % user, b"10.0.0.1")
            picked = [selection.pick(None, key, None) for _ in range(3)]
            assert len({one.endpoint.version for one in picked}) == 1
            sides.append(picked[0].endpoint.version)
        assert 70 < sides.count("v2") < 130


def test_the_key_decides_between_versions_and_the_cookie_within_one():
    old, new = upstreams(3, version="v1", service="s0"), upstreams(3, version="v2", service="s1")
    selection = selecting(old, new, balance=Balance(split="client", sticky=True))
    sides = set()
    for last in range(30):
        key = selection.key(b"", b"10.0.0.%d" % last)
        first = selection.pick(None, key, None)
        sides.add(first.endpoint.version)
        mine, others = (old, new) if first in old else (new, old)
        for one in mine:
            assert selection.pick(None, key, mark(one)) is one
            assert not selection.moved
        for one in others:
            assert selection.pick(None, key, mark(one)) in mine
            assert selection.moved
        assert selection.pick([mine[0]], key, mark(mine[0])) in mine[1:]
    assert sides == {"v1", "v2"}
    assert selection.pick(None, 0, mark(new[0])) is new[0]  # who has no key is kept by the cookie


def test_with_nobody_there_a_key_finds_nobody():
    selection = selecting([], balance=Balance(split="client", sticky=True))
    assert selection.pick(None, selection.key(b"", b"10.0.0.1"), mark(upstreams(1)[0])) is None


def test_a_plain_route_has_no_selection():
    assert selecting(upstreams(2)) is None
    assert selecting(upstreams(2), balance=Balance(split="client")) is not None

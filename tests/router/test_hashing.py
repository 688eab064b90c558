from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.router import upstreams
from tidegate.router.bounds import Bounds
from tidegate.router.hashing import Rendezvous, key_of

KEYS = [key_of(b"client-%d" % number) for number in range(5000)]
names = st.lists(st.text(min_size=1, max_size=20), min_size=2, max_size=12, unique=True)


def made(names, weights=None):
    return Rendezvous(list(names), weights or [1] * len(names), list(names))


def owners(group):
    return [group.pick_for(key) for key in KEYS]


def test_a_key_has_the_same_owner_in_every_process_and_at_every_time():
    assert key_of(b"203.0.113.7") == 3173763659961358796
    assert [made("abcde").pick_for(key_of(b"203.0.113.%d" % last)) for last in range(8)] == list("ebddbabe")


def test_no_key_is_taken_for_none():
    assert all(key_of(value) for value in (b"", b"a", b"\xff" * 1000))


@settings(max_examples=20, deadline=None)
@given(names)
def test_equal_candidates_own_equal_shares(some):
    counts = Counter(owners(made(some)))
    fair = len(KEYS) / len(some)
    assert all(abs(counts[name] - fair) < 5 * fair**0.5 for name in some)


@settings(max_examples=20, deadline=None)
@given(names, st.data())
def test_who_goes_takes_only_its_own_keys_away(some, data):
    gone = data.draw(st.sampled_from(some))
    before = owners(made(some))
    after = owners(made([name for name in some if name != gone]))
    assert all(old == new for old, new in zip(before, after, strict=True) if old != gone)
    assert gone not in after


@settings(max_examples=20, deadline=None)
@given(names, st.data())
def test_a_grown_weight_only_gains_keys(some, data):
    weights = data.draw(st.lists(st.integers(1, 50), min_size=len(some), max_size=len(some)))
    grown = data.draw(st.integers(0, len(some) - 1))
    more = [weight + 10 * (at == grown) for at, weight in enumerate(weights)]
    before, after = owners(made(some, weights)), owners(made(some, more))
    assert all(old == new or new == some[grown] for old, new in zip(before, after, strict=True))


def test_equal_weights_own_the_same_keys_as_any_other_equal_ones():
    assert owners(made("abc", [1, 1, 1])) == owners(made("abc", [7, 7, 7]))


def test_shares_follow_the_weights():
    counts = Counter(owners(made("abc", [5, 3, 2])))
    assert [round(counts[name] / len(KEYS), 1) for name in "abc"] == [0.5, 0.3, 0.2]


def test_without_a_key_it_is_a_rotation():
    group = made("abc")
    assert Counter(group.pick_for(0) for _ in range(30)) == dict.fromkeys("abc", 10)


def test_who_may_not_be_picked_is_passed_over_for_the_next_best():
    some = upstreams(4)
    group = Rendezvous(some, [1] * 4, [one.endpoint.id for one in some])
    bounds = Bounds()
    for key in KEYS[:50]:
        tried = []
        for _ in some:
            bounds.tried = tried
            tried.append(group.pick_allowed(key, bounds))
        left = [one for one in some if one is not tried[0]]
        assert set(tried) == set(some)
        assert tried[1] is Rendezvous(left, [1] * 3, [one.endpoint.id for one in left]).pick_for(key)
        bounds.tried = tried
        assert group.pick_allowed(key, bounds) is None

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.router import upstreams
from tidegate.router.bounds import Bounds, share


@given(st.integers(1, 1000), st.integers(1, 16))
def test_the_workers_together_keep_to_the_limit_of_the_node(limit, workers):
    shares = [share(limit, worker, workers) for worker in range(workers)]
    assert sum(shares) == max(limit, workers)  # nobody is left with nothing
    assert max(shares) - min(shares) <= 1


def test_no_limit_is_no_limit_for_anybody():
    assert share(0, 1, 4) == 0


def test_an_endpoint_has_room_until_its_requests_are_as_many_as_allowed():
    (one,) = upstreams(1)
    bounds = Bounds(requests=2)
    one.in_flight = 1
    assert bounds.allows(one)
    assert not bounds.full
    one.in_flight = 2
    assert not bounds.allows(one)
    assert bounds.full


def test_who_was_tried_is_not_full():
    (one,) = upstreams(1)
    bounds = Bounds(requests=1)
    bounds.tried = [one]
    assert not bounds.allows(one)
    assert not bounds.full

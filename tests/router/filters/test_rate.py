from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.asks import ask
from tidegate.policy import RateLimit
from tidegate.router.filters import rate
from tidegate.router.filters.rate import Buckets, RateStep


def test_a_burst_passes_and_more_must_wait():
    step = RateStep(RateLimit(per_second=2.0, burst=3), share=1)
    asked = [step.on_request(ask(now=10.0)) for _ in range(4)]
    assert asked[:3] == [None] * 3
    assert (asked[3].status, asked[3].lines) == (429, b"Retry-After: 1\r\n")
    assert step.on_request(ask(now=10.5)) is None


def test_clients_do_not_share_a_bucket_but_those_without_the_key_do():
    step = RateStep(RateLimit(per_second=0.1, key="header:X-Tenant"), share=1)
    assert step.on_request(ask("/", "X-Tenant: a")) is None
    assert step.on_request(ask("/", "X-Tenant: b")) is None
    assert step.on_request(ask("/", "x-tenant: a")).lines == b"Retry-After: 10\r\n"
    assert step.on_request(ask()) is None
    assert step.on_request(ask(client=b"192.0.2.9")).status == 429


def test_each_worker_grants_its_share():
    step = RateStep(RateLimit(per_second=10.0, burst=10), share=2)
    granted = [step.on_request(ask(now=1.0)) for _ in range(10)]
    assert granted.count(None) == 5


def test_the_table_of_keys_is_bounded(monkeypatch):
    monkeypatch.setattr(rate, "_MAX_KEYS", 3)
    buckets = Buckets(1.0, 1.0)
    for key in (b"a", b"b", b"a", b"c", b"d"):
        buckets.take(key, 0.0)
    assert buckets.take(b"a", 0.0) > 0  # used later than b, so b was forgotten
    assert buckets.take(b"b", 0.0) == 0


@given(
    st.lists(st.floats(0.0, 2.0), min_size=1, max_size=60),
    st.floats(0.5, 50.0),
    st.integers(1, 20),
)
def test_no_more_is_granted_than_the_rate_and_one_burst(gaps, per_second, burst):
    buckets = Buckets(per_second, burst)
    now = granted = 0
    for gap in gaps:
        now += gap
        granted += buckets.take(b"k", now) == 0.0
    assert granted <= burst + per_second * sum(gaps) + 1e-6

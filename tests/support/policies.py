"""Policies drawn at random, within what settings can say."""

from __future__ import annotations

from hypothesis import strategies as st

from tidegate.policy import (
    Algorithm,
    Balance,
    Ejection,
    Limits,
    Policy,
    Retry,
    Timeouts,
    TlsPolicy,
    UpstreamTls,
)

WORDS = st.text("abcXYZ019_-", min_size=1, max_size=12)
KEYS = st.sampled_from(("client", "header:x-user", "cookie:Sid"))
HOSTS = st.sampled_from(("", "a.test", "b-1.example.org"))


def thousandths(low: float, high: float):
    return st.integers(int(low * 1000), int(high * 1000)).map(lambda each: each / 1000)


def policies():
    return st.builds(
        Policy,
        balance=st.builds(
            Balance,
            algorithm=st.sampled_from(Algorithm),
            hash_key=KEYS,
            sticky=st.booleans(),
            sticky_cookie=WORDS,
            sticky_seconds=st.integers(1, 31_536_000),
            slow_start_seconds=thousandths(0, 3600),
        ),
        limits=st.builds(
            Limits,
            endpoint_requests=st.integers(0, 1_000_000),
            endpoint_connections=st.integers(0, 1_000_000),
            queue=st.integers(0, 100_000),
            queue_seconds=thousandths(0, 300),
            requests=st.integers(0, 1_000_000),
            body_bytes=st.integers(0, 1 << 40) | st.integers(0, 1 << 10).map(lambda each: each << 30),
        ),
        retry=st.builds(
            Retry,
            tries=st.integers(1, 10),
            budget_percent=st.integers(0, 100),
            budget_per_second=thousandths(0, 100_000),
        ),
        ejection=st.builds(
            Ejection,
            failures=st.integers(0, 1000),
            seconds=thousandths(0.1, 3600),
            max_percent=st.integers(0, 100),
            server_errors=st.booleans(),
        ),
        timeouts=st.builds(
            Timeouts,
            connect=thousandths(0.01, 300),
            try_=thousandths(0, 3600),
            response=thousandths(0, 86400),
            request=thousandths(0, 86400),
            hold=thousandths(0, 300),
            idle=thousandths(0, 86400 * 7),
        ),
        tls=st.builds(
            TlsPolicy, only=st.booleans(), hsts_seconds=st.integers(0, 63_072_000), hsts_subdomains=st.booleans()
        ),
        upstream_tls=st.none()
        | st.builds(
            UpstreamTls,
            verify=st.booleans(),
            name=HOSTS,
            authority=st.just("") | names(),
            client_certificate=st.just("") | names(),
        ),
        access_log=st.booleans(),
    )


def names():
    return st.sampled_from(("corp", "ca-1.internal", "A_b"))

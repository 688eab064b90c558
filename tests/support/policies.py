"""Policies drawn at random, within what settings can say."""

from __future__ import annotations

from hypothesis import strategies as st

from tidegate.policy import (
    Algorithm,
    Balance,
    BasicAuth,
    ClientCertificates,
    Compress,
    Cors,
    Ejection,
    Filters,
    ForwardAuth,
    HeaderEdits,
    Limits,
    Policy,
    RateLimit,
    Redirect,
    Retry,
    Timeouts,
    TlsPolicy,
    UpstreamTls,
)

WORDS = st.text("abcXYZ019_-", min_size=1, max_size=12)
KEYS = st.sampled_from(("client", "header:x-user", "cookie:Sid"))
PATHS = st.sampled_from(("", "/a", "/b/c%20d"))
PAGES = st.sampled_from(("<p>later</p>", "two\n\tlines", "\u00e9"))
USERS = (("al", "{SHA256}" + "0" * 64), ("bo", "$2b$12$" + "a" * 53))
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
        filters=filters(),
        tls=st.builds(
            TlsPolicy,
            only=st.booleans(),
            hsts_seconds=st.integers(0, 63_072_000),
            hsts_subdomains=st.booleans(),
            clients=st.none() | st.builds(ClientCertificates, authority=names(), required=st.booleans()),
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


def filters():
    return st.builds(
        Filters,
        allow=networks(),
        deny=networks(),
        rate=st.none()
        | st.builds(
            RateLimit, per_second=thousandths(0.001, 1000), burst=st.integers(1, 100), key=KEYS | st.just("all")
        ),
        cors=st.none() | cors(),
        redirect=st.none() | redirects(),
        basic_auth=st.none() | st.builds(BasicAuth, users=some(*USERS), realm=WORDS),
        forward_auth=st.none()
        | st.builds(ForwardAuth, service=st.sampled_from(("auth", "shop/auth:81:/x?y")), copy_headers=some("x-user"))
        | st.builds(
            ForwardAuth,
            url=st.sampled_from(("http://auth/", "https://10.0.0.1:81/x?y=1")),
            timeout_seconds=thousandths(0.01, 60),
            copy_headers=st.just(()) | some("x-user", "x-groups"),
        ),
        strip_prefix=st.booleans(),
        add_prefix=PATHS,
        replace_prefix=PATHS,
        request_headers=edits(),
        response_headers=edits(),
        compress=st.none()
        | st.builds(
            Compress,
            encodings=some("zstd", "gzip"),
            min_bytes=st.integers(0, 1 << 30),
            types=st.just(()) | some("text/html", "text/*"),
        ),
        pages=st.dictionaries(st.integers(400, 599), PAGES, max_size=2).map(pairs),
    )


def cors():
    return st.builds(
        Cors,
        origins=some("https://a.test", "https://*.a.test", "http://b.test:8080"),
        methods=some("GET", "PUT", "PATCH"),
        headers=st.just(()) | some("x-a", "content-type"),
        expose=st.just(()) | some("x-b"),
        credentials=st.booleans(),
        max_age_seconds=st.integers(0, 86400),
    )


def redirects():
    return st.builds(
        Redirect,
        scheme=st.sampled_from(("http", "https")),
        host=HOSTS,
        port=st.integers(0, 65535),
        path=PATHS,
        prefix=PATHS,
        status=st.sampled_from((301, 302, 303, 307, 308)),
    )


def networks():
    return st.just(()) | some("10.0.0.0/8", "192.0.2.1/32", "fd00::/8")


def edits():
    fields = st.dictionaries(st.sampled_from(("x-a", "x-b.c")), WORDS, max_size=2).map(pairs)
    made = st.builds(HeaderEdits, add=fields, set=fields, remove=st.just(()) | some("server", "x-c"))
    return st.none() | made.filter(lambda each: each != HeaderEdits())


def some(*items):
    return st.lists(st.sampled_from(items), min_size=1, unique=True).map(tuple)


def pairs(mapping):
    return tuple(sorted(mapping.items()))


def names():
    return st.sampled_from(("corp", "ca-1.internal", "A_b"))

from __future__ import annotations

import pytest

from tidegate.http1.authority import authority_of, same_authority, split_authority


@pytest.mark.parametrize(
    ("authority", "parts"),
    [
        (b"A.test", (b"a.test", b"")), (b"a.test.:80", (b"a.test", b"80")), (b"a.test:", (b"a.test", b"")),
        (b"[::1]:8", (b"[::1]", b"8")), (b"127.0.0.1", (b"127.0.0.1", b"")), (b"a.test..", (b"", b"")),
        (b"a,b", (b"", b"")), (b"u@a", (b"", b"")), (b"a:65536", (b"", b"")), (b"a:-1", (b"", b"")), (b"[::1", (b"", b"")),
        (b"a%2e", (b"", b"")), (b".a", (b"", b"")), (b"", (b"", b"")), (b"a/b", (b"", b"")), (b"x" * 254, (b"", b"")),
    ],
)  # fmt: skip
def test_an_authority_is_a_host_and_a_port_or_nothing(authority, parts):
    assert split_authority(authority) == parts


def test_what_is_forwarded_is_in_one_spelling():
    assert authority_of(b"A.test.:80") == (b"a.test", b"a.test:80")
    assert authority_of(b"a.test:") == (b"a.test", b"a.test")
    assert authority_of(b"a.test:port") == (b"", b"")


def test_strangers_cannot_fill_the_memory():
    first = authority_of(b"First.test")
    assert authority_of(b"First.test") is first
    for number in range(40000):
        authority_of(b"%d.Flood.test" % number)
    assert authority_of(b"First.test") is not first


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"a.test", b"A.test.", True), (b"a.test:80", b"a.test", True), (b"a.test", b"a.test:80", True),
        (b"a.test:81", b"a.test", False), (b"a.test", b"b.test", False), (b"a@b", b"a@b", False),
    ],
)  # fmt: skip
def test_authorities_are_the_same_whatever_their_spelling(one, other, same):
    assert same_authority(one, other) == same

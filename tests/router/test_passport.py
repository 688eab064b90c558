"""Who may ask a router for a connection, and how he shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tidegate.router.passport import VALID_SECONDS, Asking, read, written

SECRET = b"s" * 32
ASKING = Asking(node="b", to="a", service="shop/web", endpoint="c1:80", when=1000)


def head(asking=ASKING, secret=SECRET):
    made = written(asking, secret)
    assert made.endswith(b"\r\n\r\n")
    return made[:-4]


def test_what_is_asked_is_what_is_read():
    assert head().startswith(b"CONNECT c1:80 HTTP/1.1\r\nHost: a\r\n")
    assert read(head(), "a", SECRET, 1000.0) == ASKING


NAMES = st.text(min_size=1, max_size=20)


@given(NAMES, NAMES, NAMES, NAMES)
def test_names_of_any_kind_go_through(node, to, service, endpoint):
    asking = Asking(node=node, to=to, service=service, endpoint=endpoint, when=5)
    assert read(head(asking), to, SECRET, 5.0) == asking


@pytest.mark.parametrize(
    "wrong",
    [
        head(secret=b"another"),
        head(replace(ASKING, to="somebody else")),
        head().replace(b"c1:80", b"c2:80"),
        head().replace(b"shop/web", b"shop/api"),
        head().replace(b"Tidegate b ", b"Tidegate c "),
        head().replace(b"CONNECT", b"GET"),
        head().replace(b" 1000 ", b" 1001 "),
        head().replace(b" 1000 ", b" x "),
        head().replace(b"Tidegate b", b"Basic b"),
        head().partition(b"\r\nProxy")[0],
        b"",
        b"\xff\x00\r\n: \r\n",
    ],
)
def test_nothing_else_is_let_in(wrong):
    assert read(wrong, "a", SECRET, 1000.0) is None


def test_what_is_old_or_from_the_future_is_not_let_in():
    for now, fresh in ((1000 + VALID_SECONDS, True), (1001 + VALID_SECONDS, False), (999 - VALID_SECONDS, False)):
        assert (read(head(), "a", SECRET, now) is not None) is fresh


def test_without_a_secret_nobody_is_let_in():
    assert read(head(secret=b""), "a", b"", 1000.0) is None

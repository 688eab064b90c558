from __future__ import annotations

import pytest

from tests.support.asks import ask
from tidegate.policy import Redirect
from tidegate.router.filters.redirect import RedirectStep


@pytest.mark.parametrize(
    ("redirect", "own", "target", "host", "location"),
    [
        (Redirect(scheme="https"), "/", "/x?y=1", "a.test:8080", "https://a.test/x?y=1"),
        (Redirect(scheme="https", port=8443), "/", "/x", "a.test", "https://a.test:8443/x"),
        (Redirect(scheme="https", port=443), "/", "/x", "a.test", "https://a.test/x"),
        (Redirect(host="www.a.test"), "/", "/x", "a.test", "http://www.a.test/x"),
        (Redirect(path="/new"), "/old", "/old/x?y", "a.test:81", "http://a.test:81/new?y"),
        (Redirect(prefix="/new"), "/old", "/old/x", "a.test", "http://a.test/new/x"),
        (Redirect(prefix="/"), "/old", "/old", "a.test", "http://a.test/"),
    ],
)
def test_the_location_is_the_request_with_the_given_parts_replaced(redirect, own, target, host, location):
    answer = RedirectStep(redirect, own).on_request(ask(target, host=host))
    assert answer.status == 308
    assert answer.lines == f"Location: {location}\r\n".encode()
    assert answer.reason is None


@pytest.mark.parametrize(
    ("redirect", "asked"),
    [
        (Redirect(scheme="https"), {"secure": True}),
        (Redirect(host="a.test"), {}),
        (Redirect(path="/"), {}),
    ],
)
def test_what_is_there_already_is_not_sent_in_circles(redirect, asked):
    assert RedirectStep(redirect, "/").on_request(ask("/", **asked)) is None

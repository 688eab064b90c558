from __future__ import annotations

import pytest

from tests.support.asks import ask
from tidegate.policy import Filters
from tidegate.router.filters.path import PathEdit


@pytest.mark.parametrize(
    ("filters", "own", "target", "forwarded"),
    [
        (Filters(strip_prefix=True), "/api", "/api/x?q=/api", "/x?q=/api"),
        (Filters(strip_prefix=True), "/api", "/api", "/"),
        (Filters(strip_prefix=True), "/api", "/api?x", "/?x"),
        (Filters(strip_prefix=True), "/api", "/api/", "/"),
        (Filters(strip_prefix=True), "/", "/x", "/x"),
        (Filters(add_prefix="/v1"), "/", "/x", "/v1/x"),
        (Filters(add_prefix="/v1/"), "/", "/", "/v1/"),
        (Filters(strip_prefix=True, add_prefix="/v1"), "/api", "/api/%2Fx", "/v1/%2Fx"),
        (Filters(replace_prefix="/new"), "/api", "/api/x", "/new/x"),
        (Filters(replace_prefix="/"), "/api", "/api", "/"),
        (Filters(strip_prefix=True), "/api", "/api//x", "//x"),
    ],
)
def test_the_path_is_edited_as_it_stands(filters, own, target, forwarded):
    asked = ask(target)
    PathEdit(filters, own).on_request(asked)
    assert asked.head.target == forwarded.encode()
    assert asked.head.path == forwarded.encode().partition(b"?")[0]


def test_the_container_hears_what_was_taken_off():
    asked = ask("/api/x")
    PathEdit(Filters(strip_prefix=True), "/api").on_request(asked)
    assert asked.field(b"x-forwarded-prefix") == b"/api"


def test_options_for_the_whole_server_has_no_path():
    asked = ask("*", method="OPTIONS")
    PathEdit(Filters(add_prefix="/v1"), "/").on_request(asked)
    assert asked.head.target == b"*"

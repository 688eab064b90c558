from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.http1.target import has_dot_segments, origin_form


@given(st.lists(st.sampled_from([b".", b"..", b"%2e", b"%2E.", b"a", b".a", b"a.", b"", b"..;x"]), max_size=4))
def test_dot_segments_are_found_in_any_spelling(segments):
    dots = (b".", b"..", b"%2e", b"%2E.", b"..;x")
    assert has_dot_segments(b"/" + b"/".join(segments)) == any(segment in dots for segment in segments)


@pytest.mark.parametrize(
    ("target", "method", "form"),
    [
        (b"http://a.test/x?y", b"GET", (b"/x?y", b"a.test")),
        (b"HTTPS://A?y/z", b"GET", (b"/?y/z", b"A")),
        (b"http://a", b"GET", (b"/", b"a")),
        (b"http://a", b"OPTIONS", (b"*", b"a")),
        (b"*", b"OPTIONS", (b"*", b"")),
        (b"*", b"GET", None),
        (b"a.test:80", b"GET", None),
        (b"http:///x", b"GET", None),
        (b"ftp://a/x", b"GET", None),
        (b"http:/a/x", b"GET", None),
    ],
)
def test_a_target_has_an_origin_form_or_is_none(target, method, form):
    assert origin_form(target, method) == form

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.http1.lookup import cookie, field, fields, parameter

LINES = b'Host: a.test\r\nX-Beta:1\r\naccept:  text/html \r\nCookie: a=1; b="two"\r\nX-Empty: \r\nCookie: c=3;a=9\r\n'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"host", b"a.test"),
        (b"x-beta", b"1"),
        (b"accept", b"text/html"),
        (b"x-empty", b""),
        (b"beta", None),
        (b"ost", None),
        (b"a.test", None),
    ],
)
def test_a_field_is_found_by_its_whole_name_in_any_case(name, value):
    assert field(LINES, name) == value


def test_all_fields_of_a_name_come_in_order():
    assert list(fields(LINES, b"cookie")) == [b'a=1; b="two"', b"c=3;a=9"]


@pytest.mark.parametrize(("name", "value"), [(b"a", b"1"), (b"b", b"two"), (b"c", b"3"), (b"A", None), (b"", None)])
def test_the_first_cookie_of_a_name_counts(name, value):
    assert cookie(LINES, name) == value


@pytest.mark.parametrize(
    ("target", "value"),
    [(b"/?v=2", b"2"), (b"/?a&v", b""), (b"/?v=1&v=2", b"1"), (b"/v=1", None), (b"/?av=1", None), (b"/?v=%20", b"%20")],
)
def test_a_query_parameter_is_taken_as_it_stands(target, value):
    assert parameter(target, b"v") == value


NAMES = st.text("abcXYZ-", min_size=1, max_size=6)


@given(st.lists(st.tuples(NAMES, st.text("aA:b ;=", max_size=8)), max_size=6), NAMES)
def test_lookup_agrees_with_a_plain_reading_of_the_lines(pairs, name):
    lines = b"".join(f"{key}: {value}\r\n".encode() for key, value in pairs)
    wanted = [value.strip(" ").encode() for key, value in pairs if key.lower() == name.lower()]
    assert list(fields(lines, name.lower().encode())) == wanted

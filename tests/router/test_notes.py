from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tidegate.router.notes import Notes, taken

LINES = b"Host: a.test\r\nX-Trace: 1\r\nNot-x-trace: 2\r\nAccept: x-trace: 3\r\nx-TRACE:  4 \r\n"


def test_a_field_is_found_by_its_whole_name_in_any_case():
    values, rest = taken(LINES, b"x-trace")
    assert values == [b"1", b"4"]
    assert rest == b"Host: a.test\r\nNot-x-trace: 2\r\nAccept: x-trace: 3\r\n"


def test_the_first_field_can_be_at_the_start():
    assert taken(b"A: 1\r\nB: 2\r\n", b"a") == ([b"1"], b"B: 2\r\n")


names = st.sampled_from([b"a", b"ab", b"b", b"x-a"])
lines = st.lists(st.tuples(names, st.sampled_from([b"", b"1", b"a: b", b"ab:"])), max_size=8)


@given(lines, names)
def test_what_is_taken_and_what_is_left_are_the_lines_that_were_there(fields, name):
    whole = b"".join(b"%b: %b\r\n" % pair for pair in fields)
    values, rest = taken(whole, name)
    assert values == [value for each, value in fields if each == name]
    assert rest == b"".join(b"%b: %b\r\n" % pair for pair in fields if pair[0] != name)


def test_a_header_that_is_not_there_is_empty():
    assert Notes(LINES, b"HTTP/1.1").header(b"cookie") == b""

from __future__ import annotations

import pytest

from tidegate.errors import Reason
from tidegate.http1.events import Limits
from tidegate.http1.fields import REQUEST_FIELDS, Fields
from tidegate.http1.lines import Known, is_http1, last_line, scan_fields

KNOWN = Known(REQUEST_FIELDS)


def scanned(lines, *, request=True, limits=None):
    found = Fields()
    scan_fields(lines + b"\r\n", 0, found, limits or Limits(), KNOWN, request)
    return found


def test_the_end_of_a_head_is_found_at_once_when_nothing_follows():
    assert last_line(b"x\r\na: b\r\n\r\n", 0, 11) == 9
    assert last_line(b"x\r\na: b\r\n\r\nmore", 0, 15) == 9
    assert last_line(b"x\r\na: b\r\n", 0, 9) == -1


def test_lines_that_stand_side_by_side_travel_as_one_piece():
    found = scanned(b"A: 1\r\nB: 2\r\nTE: x\r\nC: 3\r\nD: 4\r\n")
    assert found.parts == [b"A: 1\r\nB: 2\r\n", b"C: 3\r\nD: 4\r\n"]


@pytest.mark.parametrize("line", [b"A:1", b"A: 1", b"A:", b"A: \xff"])
def test_a_plain_line_is_copied(line):
    assert scanned(line + b"\r\n").parts == [line + b"\r\n"]


@pytest.mark.parametrize("line", [b"A:  1", b"A:\t1", b"A: 1 ", b"A:1\t", b"A: \t 1 \t "])
def test_odd_white_space_is_written_anew(line):
    assert scanned(line + b"\r\n").parts == [b"A: 1\r\n"]


@pytest.mark.parametrize("line", [b"A: ", b"A:  ", b"A:\t"])
def test_an_empty_value_may_have_been_white_space(line):
    assert scanned(line + b"\r\n").parts == [b"A: \r\n"]


def test_names_with_an_underscore_are_dropped_from_requests_only():
    assert scanned(b"a_b: 1\r\n_: 2\r\nc: 3\r\n").parts == [b"c: 3\r\n"]
    assert scanned(b"a_b: 1\r\n", request=False).parts == [b"a_b: 1\r\n"]


def test_a_known_name_is_known_in_any_case_and_no_other_of_its_shape_is():
    assert scanned(b"HoSt: a.test\r\n").hosts == 1
    assert scanned(b"Hosu: a.test\r\n").hosts == 0
    assert scanned(b"Host" + b"t" * 60 + b": a.test\r\n").hosts == 0


@pytest.mark.parametrize(
    "line", [b": v", b"A v", b"A : v", b" A: v", b"A: \0", b"A: \x1f", b"A: b\rc", b"A: b\nC: d", b"A"]
)
def test_what_is_no_field_line(line):
    assert scanned(line + b"\r\n").error is Reason.BAD_REQUEST


def test_lines_and_names_are_bounded():
    assert scanned(b"A: 1\r\n" * 4, limits=Limits(headers=4)).error is None
    assert scanned(b"A: 1\r\n" * 5, limits=Limits(headers=4)).error is Reason.HEADERS_TOO_LARGE
    assert scanned(b"A" * 1024 + b": 1\r\n").error is None
    assert scanned(b"A" * 1025 + b": 1\r\n").error is Reason.HEADERS_TOO_LARGE


@pytest.mark.parametrize(
    ("text", "is_one"),
    [(b"HTTP/1.1", True), (b"HTTP/1.0", True), (b"HTTP/1.2", False), (b"HTTP/2.0", False), (b"http/1.1", False)],
)
def test_two_versions_are_spoken(text, is_one):
    assert is_http1(b"-" + text + b" 200", 1) == is_one

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.http1.fields import REQUEST_FIELDS, Fields, decimal, kept_lines, note, without


def noted(*lines):
    found = Fields()
    for name, value in lines:
        note(found, REQUEST_FIELDS[name], value)
    return found


@given(st.binary(max_size=20))
def test_a_number_has_one_to_eighteen_digits(raw):
    sound = 1 <= len(raw) <= 18 and all(48 <= octet <= 57 for octet in raw)
    assert decimal(raw) == (int(raw) if sound else -1)


def test_several_lines_of_a_list_are_one_list():
    found = noted(
        (b"upgrade", b"websocket"), (b"upgrade", b"h2c"), (b"x-forwarded-for", b"1"), (b"x-forwarded-for", b"2")
    )
    assert (found.upgrade, found.claimed_for) == (b"websocket, h2c", b"1, 2")


@pytest.mark.parametrize("value", [b"keep-alive", b"KEEP-ALIVE", b" , keep-alive ,"])
def test_connection_is_a_list_of_options(value):
    found = noted((b"connection", value))
    assert (found.keep_alive, found.close, found.nominated) == (True, False, None)


def test_a_flood_of_nominated_names_is_refused():
    assert noted((b"connection", b"x," * 33)).error is not None
    assert noted((b"connection", b"x," * 32)).error is None


def test_a_content_length_with_leading_zeros_is_written_anew():
    found = noted((b"content-length", b"007"))
    found.parts = [b"X: 1\r\n", b"Y: 2\r\n"]
    found.nominated = [b"y"]
    assert kept_lines(found) == b"X: 1\r\nContent-Length: 7\r\n"


def test_lines_are_left_out_by_name():
    assert without(b"A: 1\r\nb: 2\r\nB: 3\r\n", [b"b"]) == b"A: 1\r\n"
    assert without(b"B: 1\r\n", [b"b"]) == b""

"""What compiled modules do with pointers is the same; the tests of the sheet and of batches run over both."""

from __future__ import annotations

import errno
import socket

from hypothesis import given
from hypothesis import strategies as st

from tidegate.dns import octets


@given(st.integers(0, 2**64 - 1), st.integers(0, 8))
def test_a_number_is_read_as_it_was_written(value, at):
    place = octets.place(bytearray(16))
    octets.set_number(place, at, value)
    assert octets.number(place, at) == value


@given(st.binary(max_size=40))
def test_lower_is_that_of_bytes(data):
    to = bytearray(40)
    octets.lower(octets.place(to), octets.place(b"x" + data), 1, len(data))
    assert to[: len(data)] == data.lower()


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_a_digest_is_that_of_the_octets_and_the_key(one, other):
    places = octets.place(one), octets.place(other)
    alike = octets.digest(places[0], len(one), 7) == octets.digest(places[1], len(other), 7)
    assert alike == (one == other)
    assert octets.digest(places[0], len(one), 8) != octets.digest(places[0], len(one), 7)


def test_octets_are_copied_compared_and_found():
    to = octets.place(bytearray(8))
    octets.put(to, 1, b"abc")
    octets.copy(to, 5, to, 2, 2)
    assert to.tobytes() == b"\0abc\0bc\0"
    assert octets.taken(to, 1, 3) == b"abc"
    assert octets.same(to, 2, to, 5, 2)
    assert octets.holds(to, 5, b"bc")
    assert [octets.zero(to, 1, 7), octets.zero(to, 1, 3)] == [3, -1]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**40))
def test_a_number_counts_down_to_zero_and_no_further(value, seconds):
    place = octets.place(bytearray(b"x" + value.to_bytes(4) + b"x"))
    octets.count_down(place, 1, seconds)
    assert place.tobytes() == b"x" + max(0, value - seconds).to_bytes(4) + b"x"


def test_nothing_there_is_not_a_fault():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        assert octets.receive_many(sock.fileno(), octets.place(bytearray(64)), 1) == -errno.EAGAIN

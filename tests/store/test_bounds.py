from __future__ import annotations

import pytest

from tidegate.errors import StoreError
from tidegate.store.bounds import check
from tidegate.store.port import MAX_BYTES, MAX_OPERATIONS, Compare, Delete, Put


def puts(count):
    return [Put(key=f"k{number}", value=b"") for number in range(count)]


def code(compares, operations):
    with pytest.raises(StoreError) as error:
        check(compares, operations)
    return error.value.problems[0].code


def test_what_fits_exactly_is_taken():
    check([Compare(key="a", revision=0)] * MAX_OPERATIONS, puts(MAX_OPERATIONS))
    check([], [Put(key="a", value=b"x" * MAX_BYTES), Delete(key="b")])


@pytest.mark.parametrize(
    ("compares", "operations"),
    [
        ([], puts(MAX_OPERATIONS + 1)),
        ([Compare(key="a", revision=0)] * (MAX_OPERATIONS + 1), puts(1)),
        ([], [Put(key="a", value=b"x" * MAX_BYTES), Put(key="b", value=b"x")]),
    ],
)
def test_what_is_too_much_is_refused_and_never_split(compares, operations):
    assert code(compares, operations) == "T1510"


@pytest.mark.parametrize("key", ["", "ключ", "a\nb", "a\0b"])
def test_a_key_is_printable_ascii(key):
    assert code([], [Put(key=key, value=b"")]) == "T1509"


def test_a_key_written_twice_is_the_callers_bug():
    with pytest.raises(AssertionError):
        check([], [Put(key="a", value=b""), Delete(key="a")])

"""Octets where they lie: in the memory of a batch and of the sheet. Compiled modules have `coctets.pxd` in its place.

A place in memory is a memoryview here and a pointer there; both are read and written octet by octet with an index. No bounds
are looked at there, so each caller knows its own. tests/dns/test_sheet.py and test_batch.py run over both.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

Octets = memoryview


def place(buffer: Any) -> Octets:
    """Where the octets of `buffer` are, which the caller keeps."""
    return memoryview(buffer).cast("B")


def number(octets: Octets, at: int) -> int:
    """The 64 bits at `at`, as `set_number` wrote them."""
    return int.from_bytes(octets[at : at + 8], sys.byteorder)


def set_number(octets: Octets, at: int, value: int) -> None:
    """Write the 64 bits of `value` at `at`."""
    octets[at : at + 8] = value.to_bytes(8, sys.byteorder)


def copy(to: Octets, at: int, octets: Octets, start: int, size: int) -> None:
    """Copy `size` octets between places that do not overlap."""
    to[at : at + size] = octets[start : start + size]


def put(to: Octets, at: int, data: bytes) -> None:
    """Write `data` at `at`."""
    to[at : at + len(data)] = data


def taken(octets: Octets, start: int, size: int) -> bytes:
    """A copy as an object."""
    return octets[start : start + size].tobytes()


def part(data: bytes, start: int, end: int) -> bytes:
    """`data[start:end]`; neither is negative."""
    return data[start:end]


def lowered(data: bytes, start: int, end: int) -> bytes:
    """`data[start:end].lower()`; neither is negative."""
    return data[start:end].lower()


def zero_at(data: bytes, start: int) -> int:
    """Where the first zero from `start` on is in `data`; -1 if there is none."""
    return data.find(b"\0", start)


def stands(data: bytes, at: int, part: bytes) -> bool:
    """Does `part` stand at `at` in `data`?"""
    return data.startswith(part, at)


def same(one: Octets, at: int, other: Octets, start: int, size: int) -> bool:
    """Are these `size` octets equal?"""
    return one[at : at + size] == other[start : start + size]


def holds(octets: Octets, at: int, data: bytes) -> bool:
    """Does `data` stand at `at`?"""
    return octets[at : at + len(data)] == data


def zero(octets: Octets, start: int, size: int) -> int:
    """How many octets come before the first zero; -1 if there is none in `size`."""
    return octets[start : start + size].tobytes().find(b"\0")


def lower(to: Octets, octets: Octets, start: int, size: int) -> None:
    """Copy with the capitals of ASCII made small, as `bytes.lower` does."""
    to[:size] = octets[start : start + size].tobytes().lower()


def count_down(octets: Octets, at: int, seconds: int) -> None:
    """Let the 32-bit number at `at`, in network order, be `seconds` less, and 0 at least."""
    left = int.from_bytes(octets[at : at + 4], "big") - seconds
    octets[at : at + 4] = max(0, left).to_bytes(4, "big")


def digest(octets: Octets, size: int, key: int) -> int:
    """64 bits that depend on all of `size` octets and on `key`, the same for the life of the process."""
    return hash((octets[:size].tobytes(), key)) & 0xFFFFFFFFFFFFFFFF


def receive_many(descriptor: int, heads: Octets, most: int) -> int:
    """Linux' recvmmsg over an array of struct mmsghdr: how many came; where none did, the error's number below zero."""
    count = _call("recvmmsg")(descriptor, _address(heads), most, 0, None)
    return count if count >= 0 else -ctypes.get_errno()


def send_many(descriptor: int, heads: Octets, at: int, count: int) -> int:
    """Linux' sendmmsg over `count` of these, the first at octet `at`: how many went, less than 1 where the first cannot."""
    return _call("sendmmsg")(descriptor, _address(heads) + at, count, 0)


@cache
def _call(name: str) -> Callable[..., int]:
    found: Callable[..., int] = ctypes.CDLL(None, use_errno=True)[name]
    times = [ctypes.c_void_p] if name == "recvmmsg" else []
    found.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, *times]  # type: ignore[attr-defined]
    return found


def _address(octets: Octets) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(octets))

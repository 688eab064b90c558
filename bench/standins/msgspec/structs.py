"""`replace` of `msgspec.structs`."""

from __future__ import annotations


def replace(value, **changes):
    """The same value with other fields."""
    return value.__replaced__(**changes)

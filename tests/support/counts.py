"""What a worker's counters give after some exchanges."""

from __future__ import annotations

from struct import Struct

from tidegate.control.traffic import COLUMNS
from tidegate.router.counters import Counters, bucket

_COLUMNS = Struct(f"<{COLUMNS}q")


def add(counters, status=200, duration_us=700, upstream_us=600, received=0, sent=0):
    """Count one exchange; `upstream_us` None: no response came."""
    at = -1 if upstream_us is None else bucket(upstream_us)
    counters.add(status, received, sent, duration_us, bucket(duration_us), upstream_us or 0, at)


def columns_of(taken):
    """The columns in what `take` gives, those that were left out included; nothing where nothing was counted."""
    return list(_COLUMNS.unpack(taken.ljust(_COLUMNS.size, b"\0"))) if taken else []


def counted(*exchanges, **beside):
    """The columns of exchanges that are given as arguments of `add`."""
    counters = Counters()
    for one in exchanges or ({},):
        add(counters, **one)
    for name, value in beside.items():
        setattr(counters, name, value)
    return counters.take()

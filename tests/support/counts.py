"""What a worker's counters give after some exchanges."""

from __future__ import annotations

from tidegate.router.counters import Counters, bucket


def add(counters, status=200, duration_us=700, upstream_us=600, received=0, sent=0):
    """Count one exchange; `upstream_us` None: no response came."""
    at = -1 if upstream_us is None else bucket(upstream_us)
    counters.add(status, received, sent, duration_us, bucket(duration_us), upstream_us or 0, at)


def counted(*exchanges, **beside):
    """The columns of exchanges that are given as arguments of `add`."""
    counters = Counters()
    for one in exchanges or ({},):
        add(counters, **one)
    for name, value in beside.items():
        setattr(counters, name, value)
    return counters.take()

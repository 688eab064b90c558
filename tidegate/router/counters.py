"""Plain integer counters of one route or one endpoint in one worker; what grew is sent to control once a second. HOT.

Who counts first after a report puts itself on the ledger, so that a report costs what had traffic, not what exists. Among
10 000 routes each request finds its counters out of the cache, so they are few lines of it: compiled, all numbers stand in
the object itself, and both histograms side by side (docs/decisions/0091; `python -m bench routes`).
"""

from __future__ import annotations

from struct import Struct

#: Upper bounds of the latency buckets in microseconds; one more bucket takes the rest.
BUCKETS_US = tuple(
    int(seconds * 1e6)
    for seconds in (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
)
_BOUNDS = BUCKETS_US
_SIZE = len(BUCKETS_US)


def bucket(microseconds: int) -> int:
    """Index of the first bucket that holds this time."""
    index = 0
    for bound in _BOUNDS:
        if microseconds <= bound:
            return index
        index += 1
    return index


#: Statuses by class, then for each latency bucket how many durations and how many container's times.
_CLASSES = 6
_CELLS = _CLASSES + 2 * (_SIZE + 1)
_NOTHING = [0] * _CELLS
_SUMS = 9
_PACKED = [Struct(f"<{length}q") for length in range(_SUMS + _CELLS + 1)]


class Counters:
    """What was added since the last `take`. `kind` is `route` or `endpoint`, `key` the values of its labels.

    `cells[n]` counts statuses n00..n99 (0: no status was sent). `upstream_us` is time from the request's head going out
    to the response's head. `retries`, `held` and `opened` (connections made) are counted where they happen, beside `add`."""

    __slots__ = (
        "cells",
        "duration_us",
        "held",
        "held_us",
        "key",
        "kind",
        "ledger",
        "opened",
        "received",
        "requests",
        "retries",
        "sent",
        "upstream_us",
    )

    def __init__(self, kind: str = "route", key: tuple[str, ...] = (), ledger: list[Counters] | None = None) -> None:
        self.kind = kind
        self.key = key
        self.ledger: list[Counters] = ledger if ledger is not None else []
        self.cells: list[int] = _NOTHING[:]
        self._reset()

    def _reset(self) -> None:
        self.requests = 0
        self.received = 0
        self.sent = 0
        self.duration_us = 0
        self.upstream_us = 0
        self.retries = 0
        self.held = 0
        self.held_us = 0
        self.opened = 0
        for at in range(_CELLS):
            self.cells[at] = 0

    def add(
        self,
        status: int,
        received: int,
        sent: int,
        duration_us: int,
        duration_bucket: int,
        upstream_us: int,
        upstream: int,
    ) -> None:
        """Count one finished exchange. The two indexes are of `bucket`; a negative `upstream` says that no response came."""
        if self.requests == 0:
            self.ledger.append(self)
        self.requests += 1
        self.received += received
        self.sent += sent
        self.duration_us += duration_us
        self.cells[status // 100] += 1
        self.cells[_CLASSES + 2 * duration_bucket] += 1
        if upstream >= 0:
            self.upstream_us += upstream_us
            self.cells[_CLASSES + 2 * upstream + 1] += 1

    def take(self) -> bytes:
        """What was added since the last take, as columns in the order of `control.traffic`: 64 bits each, little-endian.
        Zeros at the end are left out: the slowest buckets are mostly empty. Nothing if no exchange was.

        requests, received, sent, duration_us, upstream_us, retries, held, held_us, opened, *classes, then for each bucket
        its durations and its container's times"""
        if self.requests == 0:
            return b""
        taken = [self.requests, self.received, self.sent, self.duration_us, self.upstream_us]
        taken += [self.retries, self.held, self.held_us, self.opened]
        used = _CELLS
        while self.cells[used - 1] == 0:  # a status was counted: it ends
            used -= 1
        for at in range(used):
            taken.append(self.cells[at])
        self._reset()
        packed: bytes = _PACKED[len(taken)].pack(*taken)
        return packed

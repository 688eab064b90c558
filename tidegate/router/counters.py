"""Plain integer counters of one route or one endpoint in one worker; what grew is sent to control once a second. HOT.

Who counts first after a report puts itself on the ledger, so that a report costs what had traffic, not what exists.
"""

from __future__ import annotations

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


class Counters:
    """What was added since the last `take`. `kind` is `route` or `endpoint`, `key` the values of its labels.

    `classes[n]` counts statuses n00..n99 (0: no status was sent). `upstream_*` are times from the request's head going out
    to the response's head. `retries`, `held` and `opened` (connections made) are counted where they happen, beside `add`."""

    __slots__ = (
        "buckets",
        "classes",
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
        "upstream_buckets",
        "upstream_us",
    )

    def __init__(self, kind: str = "route", key: tuple[str, ...] = (), ledger: list[Counters] | None = None) -> None:
        self.kind = kind
        self.key = key
        self.ledger: list[Counters] = ledger if ledger is not None else []
        self.opened = 0
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
        self.classes: list[int] = [0] * 6
        self.buckets: list[int] = [0] * (_SIZE + 1)
        self.upstream_buckets: list[int] = [0] * (_SIZE + 1)

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
        self.classes[status // 100] += 1
        self.buckets[duration_bucket] += 1
        if upstream >= 0:
            self.upstream_us += upstream_us
            self.upstream_buckets[upstream] += 1

    def take(self) -> list[int] | None:
        """What was added since the last take, in the order of `control.traffic`; None if no exchange was.

        [requests, received, sent, duration_us, upstream_us, retries, held, held_us, opened, *classes, *buckets,
        *upstream_buckets]"""
        if self.requests == 0:
            return None
        taken = [
            *(self.requests, self.received, self.sent, self.duration_us, self.upstream_us),
            *(self.retries, self.held, self.held_us, self.opened),
            *self.classes,
            *self.buckets,
            *self.upstream_buckets,
        ]
        self._reset()
        return taken

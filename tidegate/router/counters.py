"""Plain integer counters of one route or one endpoint in one worker; what grew is sent to control once a second. HOT.

Who counts first after a report puts itself on the ledger, so that a report costs what had traffic, not what exists.
"""

from __future__ import annotations

#: Upper bounds of the latency buckets in microseconds; one more bucket takes the rest.
BUCKETS_US = tuple(
    int(seconds * 1e6)
    for seconds in (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
)


class Counters:
    """What was added since the last `take`. `kind` is `route` or `endpoint`, `key` the values of its labels.

    `classes[n]` counts statuses n00..n99 (0: no status was sent)."""

    __slots__ = ("buckets", "classes", "duration_us", "key", "kind", "ledger", "received", "requests", "sent")

    def __init__(self, kind: str = "route", key: tuple[str, ...] = (), ledger: list[Counters] | None = None) -> None:
        self.kind = kind
        self.key = key
        self.ledger: list[Counters] = ledger if ledger is not None else []
        self._reset()

    def _reset(self) -> None:
        self.requests = 0
        self.received = 0
        self.sent = 0
        self.duration_us = 0
        self.classes: list[int] = [0] * 6
        self.buckets: list[int] = [0] * (len(BUCKETS_US) + 1)

    def add(self, status: int, duration_us: int, received: int, sent: int) -> None:
        """Count one finished exchange."""
        if self.requests == 0:
            self.ledger.append(self)
        self.requests += 1
        self.received += received
        self.sent += sent
        self.duration_us += duration_us
        self.classes[status // 100] += 1
        index = 0
        for bound in BUCKETS_US:
            if duration_us <= bound:
                break
            index += 1
        self.buckets[index] += 1

    def take(self) -> list[int] | None:
        """What was added since the last take: [requests, received, sent, duration_us, *classes, *buckets]; None if nothing."""
        if self.requests == 0:
            return None
        taken = [self.requests, self.received, self.sent, self.duration_us, *self.classes, *self.buckets]
        self._reset()
        return taken

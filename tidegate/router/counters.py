"""Plain integer counters of one route or one endpoint in one worker; summed and sent to control once a second. HOT."""

from __future__ import annotations

#: Upper bounds of the latency buckets in microseconds; one more bucket takes the rest.
BUCKETS_US = tuple(
    int(seconds * 1e6)
    for seconds in (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
)


class Counters:
    """What happened since the start; `classes[n]` counts statuses n00..n99 (0: no status was sent)."""

    __slots__ = ("buckets", "classes", "duration_us", "received", "requests", "sent", "taken")

    def __init__(self) -> None:
        self.requests = 0
        self.received = 0
        self.sent = 0
        self.duration_us = 0
        self.classes: list[int] = [0] * 6
        self.buckets: list[int] = [0] * (len(BUCKETS_US) + 1)
        self.taken: list[int] = []

    def add(self, status: int, duration_us: int, received: int, sent: int) -> None:
        """Count one finished exchange."""
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
        now = [self.requests, self.received, self.sent, self.duration_us, *self.classes, *self.buckets]
        before = self.taken
        if before and now[0] == before[0]:
            return None
        self.taken = now
        if not before:
            return now if now[0] else None
        return [new - old for new, old in zip(now, before, strict=True)]

"""Which endpoints may take one more request: those not tried yet and below the route's limits. Pure; asked per pick on
routes with limits, stickiness or hashing, never on others."""

from __future__ import annotations

from typing import Any


class Bounds:
    """How many requests one worker may have in flight per endpoint on a route (0: any number). `tried` is set before each
    pick; `full` says afterwards whether somebody was passed over because of the limit."""

    __slots__ = ("full", "requests", "tried")

    def __init__(self, requests: int = 0) -> None:
        self.requests = requests
        self.tried: list[Any] | None = None
        self.full = False

    def allows(self, upstream: Any) -> bool:
        """Whether this endpoint may take one more."""
        if self.tried is not None and upstream in self.tried:
            return False
        if not self.requests or upstream.in_flight < self.requests:
            return True
        self.full = True
        return False


def share(limit: int, worker: int, workers: int) -> int:
    """The part of a node's limit that worker number `worker` of `workers` keeps; at least one, 0 for no limit."""
    if limit <= 0:
        return 0
    return max(1, limit // workers + (worker < limit % workers))

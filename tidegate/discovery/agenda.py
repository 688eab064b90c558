"""Which containers to inspect, and when. Pure: `now` is any clock that only grows, in seconds.

Every mark of a container before its turn costs nothing more: a burst of events is one inspect. A container is never
inspected twice at once; one that is marked while being inspected gets another turn afterwards.
"""

from __future__ import annotations

import heapq

QUIET_SECONDS = 0.010  # an addition waits until its container was quiet for this long ...
LONGEST_SECONDS = 0.100  # ... but never longer than this


class Agenda:
    """A dirty map with due times. Cost of a mark: one heap push at most."""

    def __init__(self) -> None:
        self._due: dict[str, tuple[float, float]] = {}  # id -> (first mark, due)
        self._heap: list[tuple[float, str]] = []  # may hold outdated entries; `_due` is the truth
        self._running: set[str] = set()

    def is_running(self, item: str) -> bool:
        """Whether `item` was taken and is not done."""
        return item in self._running

    def is_due(self, item: str, now: float) -> bool:
        """Whether `item` is being inspected or will be by `now`."""
        return item in self._running or (item in self._due and self._due[item][1] <= now)

    def mark(self, item: str, now: float, *, urgent: bool = False) -> None:
        """An event named `item`: due after a quiet while, or at once."""
        first, due = self._due.get(item, (now, now + LONGEST_SECONDS))
        if due > first + LONGEST_SECONDS:  # it was only put off by `postpone`
            first = now
        quiet = min(now + QUIET_SECONDS, first + LONGEST_SECONDS)
        self._set(item, first, min(due, now) if urgent or due <= now else quiet)

    def postpone(self, item: str, due: float) -> None:
        """Look at `item` at `due`, unless something asks for it earlier."""
        if item not in self._due or self._due[item][1] > due:
            self._set(item, due - 2 * LONGEST_SECONDS, due)

    def forget(self, item: str) -> None:
        """Drop its turn, if it has one."""
        self._due.pop(item, None)

    def take(self, now: float) -> str | None:
        """The next item that is due and not being inspected; `done` must follow."""
        while self._heap and self._heap[0][0] <= now:
            _, item = heapq.heappop(self._heap)
            if item not in self._due or item in self._running:
                continue  # `done` brings a running one back
            due = self._due[item][1]
            if due > now:
                heapq.heappush(self._heap, (due, item))
                continue
            del self._due[item]
            self._running.add(item)
            return item
        return None

    def done(self, item: str) -> None:
        """The turn of `item` is over."""
        self._running.discard(item)
        if item in self._due:
            heapq.heappush(self._heap, (self._due[item][1], item))

    def next_due(self) -> float | None:
        """When to call `take` again, None if nothing is waiting."""
        return self._heap[0][0] if self._heap else None

    def _set(self, item: str, first: float, due: float) -> None:
        known = self._due.get(item)
        self._due[item] = (first, due)
        # A later due time is found when the earlier heap entry comes up; only an earlier one needs an entry of its own.
        if known is None or due < known[1]:
            heapq.heappush(self._heap, (due, item))

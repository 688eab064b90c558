"""How many retries a route may make: a share of its requests, so that a failing service is not asked twice as much. Pure.

Asked only when something is to be tried again; per request the route counts one number. Requests are known by that number as
it was in earlier seconds; where nobody asked for a while, by their rate since. Cost: ten numbers per question.
"""

from __future__ import annotations

WINDOW = 10  # seconds


class Budget:
    """Retries of the last ten seconds stay below `percent` of the requests, but `per_second` are always granted."""

    __slots__ = ("_at", "_granted", "_rate", "_refilled", "_seen", "_tokens", "exhausted", "per_second", "percent")

    def __init__(self, percent: int, per_second: float) -> None:
        self.percent = percent
        self.per_second = per_second
        self.exhausted = 0  # retries that were not granted
        self._tokens = max(1.0, per_second) if per_second > 0 else 0.0
        self._refilled = 0.0
        self._at = [0] * WINDOW  # the second that each place speaks of
        self._seen = [0] * WINDOW  # requests before that second's first question
        self._rate = [0.0] * WINDOW  # requests per second before it
        self._granted = [0] * WINDOW

    def grant(self, now: float, requests: int) -> bool:
        """Whether one more retry is within the budget, of a route that had that many requests; counts it if so."""
        place = self._place(now, requests)
        self._tokens = min(max(1.0, self.per_second), self._tokens + (now - self._refilled) * self.per_second)
        self._refilled = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
        elif (self._retries(now) + 1) * 100 > self.percent * self._requests(now, requests):
            self.exhausted += 1
            return False
        self._granted[place] += 1
        return True

    def _place(self, now: float, requests: int) -> int:
        second = int(now)
        place = second % WINDOW
        if self._at[place] != second:
            rate = self._requests(now, requests) / WINDOW
            self._at[place] = second
            self._seen[place] = requests
            self._rate[place] = rate
            self._granted[place] = 0
        return place

    def _retries(self, now: float) -> int:
        return sum(granted for at, granted in zip(self._at, self._granted, strict=True) if at > now - WINDOW)

    def _requests(self, now: float, requests: int) -> float:
        """Requests of the last ten seconds: counted since the oldest question in them, before that by rate."""
        recent = [place for place in range(WINDOW) if self._at[place] > now - WINDOW]
        if recent:
            oldest = min(recent, key=self._at.__getitem__)
            return requests - self._seen[oldest] + self._rate[oldest] * (WINDOW - (now - self._at[oldest]))
        last = max(range(WINDOW), key=self._at.__getitem__)
        return (requests - self._seen[last]) * WINDOW / max(WINDOW, now - self._at[last])

"""Rate limits: one token bucket per key, in a bounded table. Pure; time comes with the request."""

from __future__ import annotations

from math import ceil

from tidegate.errors import Reason
from tidegate.policy import RateLimit
from tidegate.router.filters.answer import Answer, refusal
from tidegate.router.filters.ask import Ask

_MAX_KEYS = 65536


class Buckets:
    """`take` is granted `rate` times a second per key, and `burst` times at once. A key that is not there has a full
    bucket; of too many keys the one longest unused is forgotten."""

    __slots__ = ("_burst", "_keys", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._keys: dict[bytes, tuple[float, float]] = {}  # key -> (tokens, when), least recently used first

    def take(self, key: bytes, now: float) -> float:
        """Take one token: 0, or the seconds until there is one."""
        tokens, then = self._keys.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._rate)
        granted = tokens >= 1.0
        self._keys[key] = (tokens - 1.0 if granted else tokens, now)
        if len(self._keys) > _MAX_KEYS:
            del self._keys[next(iter(self._keys))]
        return 0.0 if granted else (1.0 - tokens) / self._rate


class RateStep:
    """More requests than granted get 429 with Retry-After (RFC 6585 section 4). `share` is the number of workers over
    which the kernel spreads connections: each grants its part."""

    def __init__(self, limit: RateLimit, share: int) -> None:
        self._spec = limit.key
        self._buckets = Buckets(limit.per_second / share, max(1.0, limit.burst / share))

    def on_request(self, ask: Ask) -> Answer | None:
        """A refusal, or None. Requests that lack the key share one bucket."""
        wait = self._buckets.take(ask.key(self._spec) or b"", ask.now)
        return refusal(Reason.RATE_LIMITED, b"Retry-After: %d\r\n" % max(1, ceil(wait))) if wait else None

"""How many answers a network gets by UDP, so that we are no amplifier for who forges sources. Pure; times in seconds.

Each /24 and each /56 has a bucket of tokens, one per answer, refilled at the rate and never fuller than one second's worth. Above
the rate every second query gets something small (TC, or a cookie to come back with), so that a real client caught in it gets through
and the rest of the flood goes unanswered: what leaves is at most half of what comes, and a second's worth of answers.
"""

from __future__ import annotations

from collections import OrderedDict

MAX_NETWORKS = 16384  # some 3 MB; then the one that came first is forgotten, and starts anew with a full bucket


class Bucket:
    """The tokens of one network. `refused` counts the queries above the rate, for every second of them to be told."""

    __slots__ = ("at", "refused", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens = tokens
        self.at = at
        self.refused = 0


class Rates:
    """Buckets by network, `per_second` answers each. A source is an address of 4 or 16 octets."""

    def __init__(self, per_second: int, limit: int = MAX_NETWORKS) -> None:
        self.per_second = per_second
        self._limit = limit
        self._buckets: OrderedDict[bytes, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def admits(self, source: bytes, now: float) -> bool:
        """Take one token for `source`; False if there is none."""
        bucket = self._bucket(source, now)
        bucket.tokens = min(self.per_second, bucket.tokens + (now - bucket.at) * self.per_second)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def slips(self, source: bytes, now: float) -> bool:
        """Is this query above the rate one of those that are told?"""
        bucket = self._bucket(source, now)
        bucket.refused += 1
        return bucket.refused % 2 == 0

    def _bucket(self, source: bytes, now: float) -> Bucket:
        network = source[:3] if len(source) == 4 else source[:7]
        found = self._buckets.get(network)
        if found is None:
            if len(self._buckets) >= self._limit:
                self._buckets.popitem(last=False)
            found = self._buckets[network] = Bucket(self.per_second, now)
        return found

"""Questions that found no answer, and until when they are not asked again (RFC 9520). Pure; `now` in seconds."""

from __future__ import annotations

from collections import OrderedDict

from tidegate.dns.message import Message

FAILURE_SECONDS = 1.0  # the least RFC 9520 3.2 allows: an upstream that comes back is not missed for long
MAX_FAILURE_SECONDS = 16.0  # and the most, after failing again and again; RFC 9520 allows five minutes
MAX_FAILURES = 4096


class Failures:
    """Bounded; the oldest go first."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, tuple[float, float, Message | None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def holds(self, key: bytes, now: float) -> bool:
        """Is it too early to ask this again?"""
        found = self._until.get(key)
        return found is not None and now < found[0]

    def answer(self, key: bytes) -> Message | None:
        """What an upstream said to it, if one said anything."""
        return self._until[key][2]

    def add(self, key: bytes, found: Message | None, now: float) -> None:
        """It failed: twice as long as the last time, if it failed soon after."""
        old = self._until.pop(key, None)
        seconds = FAILURE_SECONDS
        if old is not None and now < old[0] + old[1]:
            seconds = min(old[1] * 2, MAX_FAILURE_SECONDS)
        self._until[key] = (now + seconds, seconds, found)
        if len(self._until) > MAX_FAILURES:
            self._until.popitem(last=False)

    def forget(self, key: bytes) -> None:
        """It has an answer now."""
        self._until.pop(key, None)

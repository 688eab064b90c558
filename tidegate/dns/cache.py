"""The cache of foreign answers: bounded in number, least recently used first out, times in seconds of any one clock."""

from __future__ import annotations

from collections import OrderedDict

from tidegate.dns.message import Message

MAX_ENTRIES = 10_000  # at most some 5 MB
MAX_TTL = 3600
MAX_NEGATIVE_TTL = 300  # RFC 2308 5 allows hours; what containers look for tends to appear

Key = tuple[bytes, bool, bool]


class Cache:
    """Answers by question (lower case), DO and CD. Nothing with a TTL of 0 is kept."""

    def __init__(self, limit: int = MAX_ENTRIES) -> None:
        self._entries: OrderedDict[Key, tuple[Message, float, float]] = OrderedDict()  # message, stored, expires
        self._limit = limit

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key, now: float) -> tuple[Message, int] | None:
        """The answer and its age in whole seconds."""
        found = self._entries.get(key)
        if found is None:
            return None
        message, stored, expires = found
        if now >= expires:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return message, int(now - stored)

    def put(self, key: Key, message: Message, now: float) -> None:
        """Keep `message` for as long as it says, if it may be kept."""
        ttl = message.ttl()
        if not ttl:
            return
        is_positive = any(record.section == 1 for record in message.records)
        lifetime = min(ttl, MAX_TTL if is_positive else MAX_NEGATIVE_TTL)
        self._entries[key] = (message, now, now + lifetime)
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)

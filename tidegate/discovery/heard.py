"""The events of an engine that were heard already: a new stream begins a little before the last one's end, and repeats some. Pure."""

from __future__ import annotations

from tidegate.engine.port import EngineEvent

OVERLAP_NS = 2_000_000_000  # how far before the last event a new stream begins
REMEMBERED_EVENTS = 2048


class Heard:
    """All of one engine."""

    def __init__(self) -> None:
        self._last_ns = 0
        self._known: dict[tuple[int, str, str], None] = {}

    @property
    def any(self) -> bool:
        """Whether there was one, so that a new stream can begin where the last one ended."""
        return self._last_ns > 0

    def since(self, now_ns: int = 0) -> int:
        """Where a new stream begins, on the engine's clock, which shows `now_ns` where nothing was heard yet."""
        return max(0, (self._last_ns or now_ns) - OVERLAP_NS)

    def is_repeated(self, event: EngineEvent) -> bool:
        """Whether it was heard before; it is remembered now."""
        key = (event.time_ns, event.id, event.action)
        if key in self._known:
            return True
        self._known[key] = None
        if len(self._known) > REMEMBERED_EVENTS:
            del self._known[next(iter(self._known))]
        self._last_ns = max(self._last_ns, event.time_ns)
        return False

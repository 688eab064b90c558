"""What containers use, for tests."""

from __future__ import annotations

from tidegate.control.loads import Load


def used(since: float = 100.0, until: float = 110.0, percent: float = 40.0) -> Load:
    """Of a container that was read at these times, by CPU."""
    return Load(
        since=since,
        until=until,
        cpu=percent / 100,
        cpu_percent=percent,
        memory_bytes=1,
        memory_percent=1.0,
        received=0.0,
        sent=0.0,
        block_read=0.0,
        block_written=0.0,
    )

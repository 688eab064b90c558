"""What the processes of one session use, read from /proc. Network bytes are not known: all share the host's counters."""

from __future__ import annotations

import os
from pathlib import Path

from tidegate.engine.port import Stats

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def session_stats(session: int, at: float, proc: Path = Path("/proc")) -> Stats:
    """Sum over all processes of `session`, with the CPU of their reaped children. Cost: one small read per process."""
    cpu = 0
    pages = read = written = 0
    for entry in proc.iterdir():
        fields = _stat(entry) if entry.name.isdigit() else None
        if fields is None or int(fields[3]) != session:
            continue
        cpu += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
        pages += int(fields[21])
        more_read, more_written = _io(entry)
        read += more_read
        written += more_written
    return Stats(
        at=at,
        cpu_seconds=cpu / _TICKS,
        memory_bytes=pages * _PAGE,
        block_read_bytes=read,
        block_written_bytes=written,
    )


def _stat(entry: Path) -> list[str] | None:
    """Fields of proc(5) `stat` from the third (state) on: the name before may hold spaces and parentheses."""
    try:
        return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None  # it ended while we looked


def _io(entry: Path) -> tuple[int, int]:
    try:
        lines = (entry / "io").read_text().splitlines()
    except OSError:
        return 0, 0  # ended, or of another user
    values = dict(line.split(": ") for line in lines)
    return int(values.get("read_bytes", 0)), int(values.get("write_bytes", 0))

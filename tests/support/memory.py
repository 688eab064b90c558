"""What a process holds, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def rss(pid):
    """Resident memory, bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def open_files(pid):
    """How many file descriptors are open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))

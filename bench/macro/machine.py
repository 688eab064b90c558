"""Facts of this machine for the report, none of which names it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

from bench.macro.sample import Machine


def facts() -> Machine:
    return Machine(
        cpu=_field("/proc/cpuinfo", "model name"),
        cores=os.cpu_count() or 1,
        kernel=platform.release(),
        python=platform.python_version(),
        memory_gib=round(int(_field("/proc/meminfo", "MemTotal").split()[0] or 0) / 1024 / 1024),
    )


def version(argv: tuple[str, ...]) -> str:
    """The first thing that looks like a version in what `argv` prints."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    output = done.stdout + done.stderr
    found = re.search(r"\d+\.\d+\.\d+", output) or re.search(r"\d+\.\d+", output)
    return found.group(0) if found else "unknown"


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "0"

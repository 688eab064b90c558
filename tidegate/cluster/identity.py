"""Who we are: the same node as before, and the same life of it or another.

The id lies in the state folder, which belongs to one program at a time, so a second node that was given our name by mistake
has another one. The incarnation is the host's boot and the start of this process: where it changed, what the node held in
memory is lost; where it did not, the node was only cut off. A state folder that was copied, by hand or with a machine's disk, has the
same id as the first: what tells them apart is their home.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

PROC = Path("/proc")


def node_id(folder: Path) -> str:
    """The id in `folder`, made there if there is none. Raises OSError."""
    path = folder / "node.id"
    try:
        found = path.read_text().strip()
    except FileNotFoundError:
        found = ""
    if found:
        return found
    made = secrets.token_hex(16)
    fresh = path.with_suffix(".new")
    fresh.write_text(made + "\n")
    fresh.replace(path)
    return made


def home(folder: Path, proc: Path = PROC) -> str:
    """Where a state folder is, as long as its host runs: `boot id/inode`. An earlier program of this home has ended, for the folder belongs
    to one at a time; of one of another home nobody can tell. Raises OSError."""
    return f"{_text(proc / 'sys/kernel/random/boot_id')}/{folder.stat().st_ino}"


def incarnation(proc: Path = PROC) -> str:
    """`boot id/start of this process in ticks since the boot`; what the system does not tell is a number drawn anew."""
    boot = _text(proc / "sys/kernel/random/boot_id") or secrets.token_hex(8)
    # The command, second field, is in brackets and may hold anything; the start is the 20th behind it (proc(5)).
    behind = _text(proc / f"{os.getpid()}/stat").rpartition(")")[2].split()
    return f"{boot}/{behind[19] if len(behind) > 19 else secrets.token_hex(8)}"


def memory_bytes(proc: Path = PROC) -> int:
    """What the host has; 0 where the system does not tell."""
    for line in _text(proc / "meminfo").splitlines():
        name, _, amount = line.partition(":")
        if name == "MemTotal":
            return int(amount.split()[0]) << 10
    return 0


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""

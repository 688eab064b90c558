"""Children of a slot that are shell scripts: they start at once, and do what a test needs of a child."""

from __future__ import annotations

import os
import subprocess

#: Says that it serves, beats, and ends with 0 when told to stop or to retire.
OBEDIENT = "trap 'exit 0' TERM HUP; printf r >/dev/fd/$PULSE; while :; do printf . >/dev/fd/$PULSE; sleep 0.05; done"
#: Serves, and finishes what it has when a successor is there: ends at SIGTERM only.
LINGERING = (
    "trap : HUP; trap 'exit 0' TERM; printf r >/dev/fd/$PULSE; while :; do printf . >/dev/fd/$PULSE; sleep 0.05; done"
)
#: Never serves.
BROKEN = "exit 3"
#: Serves once, then neither beats nor listens to anything but SIGKILL.
STUCK = "trap : TERM HUP ABRT; printf r. >/dev/fd/$PULSE; while :; do sleep 0.05; done"
#: Starts for ever: neither serves nor ends by itself.
SLOW = "while :; do sleep 0.05; done"


class Scripts:
    """Stands for `launch.spawn`: each child runs the next script, the last one again and again."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.started = 0

    def __call__(self, role, launch):
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self.started += 1
        read, write = os.pipe()
        child = subprocess.Popen(
            ["sh", "-c", script], pass_fds=(write,), env={**os.environ, "PULSE": str(write)}, start_new_session=True
        )
        os.close(write)
        child.returncode = 0  # whoever watches it reaps it
        return child.pid, read


def alive(pid):
    """Whether a process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  a pseudo-file
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def descriptors(pid):
    """How many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208  a pseudo-file


def children(pid):
    """Pids of a process's children."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123  a pseudo-file
        return {int(each) for each in file.read().split()}

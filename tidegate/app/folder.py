"""The state folder belongs to one program at a time: a second one would take over the first one's channel and store.

The lock is the kernel's (flock) on `<state>/lock`, so it goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tidegate.errors import ConfigError, Problem
from tidegate.router.passport import FIGURES, LOGS


def desks(folder: str) -> dict[str, str]:
    """Where in the state folder control answers other nodes, to whom workers pass them on: Unix sockets, by what is asked."""
    return {name: str(Path(folder) / f"{name}.sock") for name in (FIGURES, LOGS)}


class StateFolder:
    """A locked state folder; made, with mode 0700, if it is not there."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._descriptor = -1

    def take(self) -> None:
        """Make and lock it. Raises ConfigError: T1012 if another program has it, T1013 if it cannot be used. Blocks shortly."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            self.release()
            raise ConfigError(_taken(self.path, holder)) from error
        except OSError as error:
            self.release()
            raise ConfigError(_unusable(self.path, error)) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)

    @property
    def descriptor(self) -> int:
        """What holds the lock, also across an exec."""
        return self._descriptor

    def keep(self, descriptor: int) -> None:
        """It is ours already: the program that we were has locked it by this descriptor."""
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go of it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _taken(path: Path, holder: str) -> Problem:
    return Problem(
        code="T1012",
        text="another Tidegate uses this state folder",
        place=str(path),
        cause=f"process {holder or '?'} holds {path / 'lock'}",
        mend="stop it, or give this one a folder of its own with --state FOLDER",
        kept="nothing was started, the other one is not disturbed",
    )


def _unusable(path: Path, error: OSError) -> Problem:
    return Problem(
        code="T1013",
        text="the state folder cannot be used",
        place=str(path),
        cause=error.strerror or str(error),
        mend="name a folder that we may write with --state FOLDER",
        kept="nothing was started",
    )

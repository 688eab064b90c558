"""One local process of the embedded engine: started in a session of its own, its output read, its end noticed.

No task and no thread stands behind it: the loop watches the two output pipes and a pidfd. As with a container, signals go
to its first process, and when that is gone the rest of the group is killed. A process that leaves the group by `setsid`
escapes; only a container can hold such a one.

`setpriv --pdeathsig KILL` (util-linux), where present, becomes the command itself: should Tidegate be killed, the kernel
kills the leader too (but not one forked within the same millisecond). `preexec_fn` could set the same, but runs Python
between fork and exec, where a lock held by another thread hangs it for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from tidegate.engine.docker_streams import Lines
from tidegate.errors import EngineError, Problem

READ_BYTES = 64 << 10

OnLine = Callable[[str, str], None]  # (text, stream)
OnExit = Callable[[int], None]


class Child:
    """A running process. `on_line` gets its output, `on_exit` its exit code (128 + signal, as shells say), once."""

    def __init__(self, on_line: OnLine, on_exit: OnExit) -> None:
        self.exited = asyncio.Event()
        self.exit_code: int | None = None  # set when it ended
        self._on_line = on_line
        self._on_exit = on_exit
        self._lines = {"stdout": Lines(), "stderr": Lines()}
        self._pipes: dict[str, IO[bytes]] = {}  # those still open
        self._popen: subprocess.Popen[bytes] | None = None  # set by start
        self._pidfd = -1

    @property
    def pid(self) -> int:
        """Its process id, which is also its group's and its session's; 0 when it does not run."""
        return self._popen.pid if self._popen is not None and self.exit_code is None else 0

    def start(self, command: tuple[str, ...], environment: Mapping[str, str], folder: Path, user: str = "") -> None:
        """Start `command`; raises EngineError when it cannot be. Blocks for the fork, under a millisecond."""
        try:
            self._popen = popen = _spawn(command, environment, folder, user)
        except (OSError, ValueError, LookupError, subprocess.SubprocessError) as error:
            raise EngineError(_cannot_start(command, error)) from error
        assert popen.stdout is not None
        assert popen.stderr is not None
        self._pipes = {"stdout": popen.stdout, "stderr": popen.stderr}
        loop = asyncio.get_running_loop()
        for stream, pipe in self._pipes.items():
            os.set_blocking(pipe.fileno(), False)
            loop.add_reader(pipe.fileno(), self._read, stream)
        self._pidfd = os.pidfd_open(popen.pid)
        loop.add_reader(self._pidfd, self._ended)

    def signal(self, number: int) -> None:
        """Send `number` to it, SIGKILL to its whole group; nothing happens when it has ended."""
        if not self.pid:
            return
        # It is not reaped before `_ended`, so neither its number nor its group's can belong to anyone else.
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if number == signal.SIGKILL else os.kill)(self.pid, number)

    def _read(self, stream: str) -> bool:
        """Read what is there; False when nothing is, or the pipe is over."""
        pipe = self._pipes.get(stream)
        if pipe is None:
            return False
        try:
            chunk = os.read(pipe.fileno(), READ_BYTES)
        except BlockingIOError:
            return False
        for line in self._lines[stream].feed(chunk):
            self._on_line(line, stream)
        if not chunk:
            self._close(stream)
        return bool(chunk)

    def _close(self, stream: str) -> None:
        pipe = self._pipes.pop(stream)
        asyncio.get_running_loop().remove_reader(pipe.fileno())
        pipe.close()
        for line in self._lines[stream].finish():
            self._on_line(line, stream)

    def _ended(self) -> None:
        assert self._popen is not None
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        code = self._popen.wait()  # does not wait: the pidfd told that it is over
        for stream in tuple(self._pipes):
            self._drain(stream)
        self.exit_code = 128 - code if code < 0 else code
        self.exited.set()
        self._on_exit(self.exit_code)

    def _drain(self, stream: str) -> None:
        """What is in the pipe (at most its 64 KiB, so the bound) belongs to the output; who holds it longer does not."""
        for _ in range(32):
            if not self._read(stream):
                break
        if stream in self._pipes:
            self._close(stream)


def _spawn(
    command: tuple[str, ...], environment: Mapping[str, str], folder: Path, user: str
) -> subprocess.Popen[bytes]:
    if not folder.is_dir():
        raise NotADirectoryError(f"the working directory {folder} is no directory")
    path = environment.get("PATH", os.defpath)
    # A relative path with a slash is meant from the process's own folder, as the kernel will take it.
    wanted = str(folder / command[0]) if "/" in command[0] else command[0]
    if shutil.which(wanted, path=path) is None:
        raise FileNotFoundError(f"{command[0]} is not found on the path {path}, or may not be executed")
    name, _, group = user.partition(":")
    return subprocess.Popen(  # noqa: S603  running what the operator's file names is what this engine is for
        (*_leash(), *command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=dict(environment),
        start_new_session=True,
        bufsize=0,
        user=_identity(name),
        group=_identity(group),
    )


def _leash() -> tuple[str, ...]:
    program = shutil.which("setpriv")
    return (program, "--pdeathsig", "KILL", "--") if program else ()


def _identity(name: str) -> int | str | None:
    return int(name) if name.isdigit() else name or None


def _cannot_start(command: tuple[str, ...], error: Exception) -> Problem:
    return Problem(
        code="T1120",
        text=f"the command {command[0]!r} cannot be started",
        place=" ".join(command),
        cause=str(error),
        mend="check the command, its working directory and its user; nothing is installed for you without Docker",
    )

"""One peer's processes: started on one core, accounted from /proc, stopped by their ids.

CPU times come from utime and stime of /proc/PID/stat (proc(5)). The kernel scales their *sum* to the exact run time; the
split between user and kernel is sampled at each timer tick, so it needs seconds to settle.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from bench.macro.sample import Absent, Value

TICKS = os.sysconf("SC_CLK_TCK")
PROXY_CORE = 1
LOAD_CORE = 0
PORTS = (20000, 32000)


class Cpu(Value):
    """Seconds of CPU in user space and in the kernel."""

    user: float = 0.0
    kernel: float = 0.0

    @property
    def total(self) -> float:
        return self.user + self.kernel

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(user=self.user - other.user, kernel=self.kernel - other.kernel)

    def __add__(self, other: Cpu) -> Cpu:
        return Cpu(user=self.user + other.user, kernel=self.kernel + other.kernel)


class Launch(Value):
    """How a program is started: its arguments, what it adds to the environment, where its standard output goes."""

    argv: tuple[str, ...]
    env: dict[str, str] = {}
    stdout: str = ""


class Program:
    """A running process tree. `core` None leaves it unpinned."""

    def __init__(self, name: str, launch: Launch, folder: Path, core: int | None) -> None:
        self.name = name
        self.argv = launch.argv
        self.errors = folder / f"{name}.err"  # what it writes to standard error
        pin = () if core is None else ("taskset", "-c", str(core))
        with (
            open(self.errors, "wb") as errors,
            open(launch.stdout or self.errors, "ab") as output,
        ):
            self._process = subprocess.Popen(
                (*pin, *launch.argv),
                cwd=folder,
                env={**os.environ, **launch.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        self._is_stopped = False  # its id may be another's then

    @property
    def pid(self) -> int:
        return self._process.pid

    def pids(self) -> list[int]:
        """The process and all its living descendants."""
        parents = _parents()
        found = [self.pid]
        for pid in found:
            found.extend(child for child, parent in parents.items() if parent == pid)
        return found

    def cpu(self) -> dict[int, Cpu]:
        """CPU time so far of each process in the tree."""
        return {pid: spent for pid in self.pids() if (spent := _cpu_of(pid)) is not None}

    def memory(self) -> dict[int, int]:
        """Anonymous resident bytes of each process in the tree (RssAnon: what connections and tables cost)."""
        return {pid: _anonymous_of(pid) for pid in self.pids()}

    def prefer(self) -> None:
        """Puts all its processes before ordinary ones (sched(7), SCHED_RR), where we may: for what must not queue behind
        its neighbours on a core."""
        for pid in self.pids():
            with suppress(PermissionError, ProcessLookupError):
                os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(2))

    def wait_ready(self, host: str, port: int, *, seconds: float) -> None:
        """Returns once `host:port` accepts a connection; raises Absent with its last words if it ends or is late."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise Absent(f"ended at start with code {self._process.returncode}: {self.last_words()}")
            with suppress(OSError), socket.create_connection((host, port), timeout=0.2):
                return
            time.sleep(0.05)
        raise Absent(f"does not accept connections after {seconds:g} s: {self.last_words()}")

    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """SIGTERM to the session, SIGKILL to what is left after five seconds. A second time does nothing."""
        if self._is_stopped:
            return
        self._is_stopped = True
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
                break
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        lines = self.errors.read_text(errors="replace").strip().splitlines()
        return lines[-1][-200:] if lines else "it said nothing"


class Alarm:
    """Kills a process that has not said what is expected in time, so that reading its output ends; off when the context ends."""

    def __init__(self, process: subprocess.Popen[str], seconds: float) -> None:
        self._timer = threading.Timer(seconds, process.kill)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


class Spent(Value):
    """CPU of a process tree over an interval: all of it, and the share of its busiest process (our worker)."""

    total: Cpu
    busiest: Cpu


def spent(before: dict[int, Cpu], after: dict[int, Cpu]) -> Spent:
    """Difference of two readings of `Program.cpu`. A process that ended in between is not counted."""
    each = [now - before.get(pid, Cpu()) for pid, now in after.items()]
    return Spent(total=sum(each, Cpu()), busiest=max(each, key=lambda cpu: cpu.total, default=Cpu()))


def core_busy(core: int) -> float:
    """Seconds `core` was not idle since boot, by anybody: shows how much strangers disturbed a measurement."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _idle, _wait, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq + steal) / TICKS
    return 0.0


def descriptors(wanted: int = 65536) -> int:
    """Raises the limit of open files for us and our children as far as it goes; what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in ((wanted, max(hard, wanted)), (hard, hard)):
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
            return limit[0]
    return soft


def free_port() -> int:
    """A port of 127.0.0.1 that is free for TCP and UDP right now, below the range from which connections take theirs
    (ip_local_port_range): among those, thousands in TIME_WAIT after a load would refuse a bind."""
    for _ in range(200):
        port = random.randrange(*PORTS)
        if _bindable(port, socket.SOCK_STREAM) and _bindable(port, socket.SOCK_DGRAM):
            return port
    raise Absent("no free port")


def _bindable(port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _parents() -> dict[int, int]:
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and (fields := _stat_of(int(entry.name))):
            found[int(entry.name)] = int(fields[1])
    return found


def _cpu_of(pid: int) -> Cpu | None:
    fields = _stat_of(pid)
    return Cpu(user=int(fields[11]) / TICKS, kernel=int(fields[12]) / TICKS) if fields else None


def _stat_of(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on (proc(5) field 3); empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _anonymous_of(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0

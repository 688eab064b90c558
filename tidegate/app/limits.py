"""What the system grants this program: file descriptors and memory. Raised and checked at the start, so that a setting
that cannot hold is refused then, not met under load.
"""

from __future__ import annotations

import resource
from pathlib import Path

from msgspec import structs

from tidegate.config import Config
from tidegate.errors import ConfigError, Problem
from tidegate.router.admission import SMALLEST_DESCRIPTORS, descriptors_for

_GROUPS = Path("/sys/fs/cgroup")
_WORKERS_SHARE = 0.8  # of the control group's memory: the rest is control's, the supervisor's, the kernel's sockets'
_CONTROL_BYTES = 128 << 20
_AT_LEAST_SHARE = 0.4  # for workers, where the group is small
_ENDLESS_BYTES = 1 << 60  # version 1 of control groups says "no limit" with a number near 2^63


def fitted(config: Config) -> Config:
    """The settings with what they leave to us filled in; file descriptors are raised to what we may have. Raises
    ConfigError if the settings need more than there is."""
    descriptors = raised()
    problem = _lacking(config, descriptors)
    if problem is not None:
        raise ConfigError(problem)
    if config.http.max_memory_bytes:
        return config
    limit = group_memory(Path("/proc/self/cgroup").read_text(encoding="ascii"), _GROUPS)
    return structs.replace(config, http=structs.replace(config.http, max_memory_bytes=share(limit, config.workers)))


def raised() -> int:
    """Raise the soft limit of file descriptors to the hard one; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return _ENDLESS_BYTES if hard == resource.RLIM_INFINITY else hard


def share(limit: int, workers: int) -> int:
    """Bytes of a control group's memory for each worker; 0 where there is no limit."""
    of_all = max(limit * _WORKERS_SHARE - _CONTROL_BYTES, limit * _AT_LEAST_SHARE)
    return int(of_all / max(1, workers))


def group_memory(membership: str, root: Path) -> int:
    """The smallest memory limit on the way from our control group to `root`, in bytes; 0 for none. `membership` is
    /proc/self/cgroup; in a container its paths may not exist, and the root is ours."""
    found = [_ENDLESS_BYTES]
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found += _limits(root, path, "memory.max")
        elif "memory" in controllers.split(","):
            found += _limits(root / "memory", path, "memory.limit_in_bytes")
    return min(found) % _ENDLESS_BYTES


def _limits(root: Path, path: str, name: str) -> list[int]:
    folder = root / path.lstrip("/")
    files = [each / name for each in (folder, *folder.parents) if each.is_relative_to(root)]
    texts = [file.read_text(encoding="ascii").strip() for file in files if file.is_file()]
    return [min(int(text), _ENDLESS_BYTES) for text in texts if text.isdigit()]


def _lacking(config: Config, descriptors: int) -> Problem | None:
    needed = descriptors_for(config.http.max_connections) if config.http.max_connections else SMALLEST_DESCRIPTORS
    if descriptors >= needed:
        return None
    return Problem(
        code="T1015",
        text=f"{descriptors} file descriptors are too few",
        place="http.max_connections" if config.http.max_connections else "RLIMIT_NOFILE",
        cause=f"{needed} are needed: a request takes one to its client and one to its container",
        mend="raise LimitNOFILE (systemd), --ulimit nofile (Docker) or ulimit -n, or lower http.max_connections",
        kept="nothing was started",
    )

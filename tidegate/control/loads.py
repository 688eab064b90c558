"""What a container and a host use, from two readings of counters that only grow. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.elasticity import Metric
from tidegate.engine.port import Stats
from tidegate.value import Value


class Load(Value):
    """Means of one container between two readings. `since` and `until` are seconds since the epoch on this host; `cpu` is in
    cores, `cpu_percent` of what it may use (of one core where it has no limit), rates are bytes per second."""

    since: float
    until: float
    cpu: float
    cpu_percent: float
    memory_bytes: int
    memory_percent: float
    received: float
    sent: float
    block_read: float
    block_written: float

    def figures(self) -> dict[Metric, float]:
        """By the words of labels."""
        return {
            Metric.CPU: self.cpu_percent,
            Metric.MEMORY: self.memory_percent,
            Metric.RECEIVED: self.received,
            Metric.SENT: self.sent,
        }


class Reading(Value):
    """Counters of one container at a time. `at` is this host's clock, `cpus` the cores that it may use (0: no limit)."""

    at: float
    stats: Stats
    cpus: float = 0.0


class Host(Value):
    """Counters of this host: seconds of all cores together that were busy, and that there were; memory in bytes."""

    busy_seconds: float
    all_seconds: float
    memory_bytes: int
    available_bytes: int


def load(before: Reading, after: Reading) -> Load | None:
    """What was used in between; None where counters began anew, or no time has passed."""
    old, new = before.stats, after.stats
    seconds = new.at - old.at
    if not old.at or seconds <= 0 or any(now < then for then, now in _grown(old, new)):
        return None
    cpu = (new.cpu_seconds - old.cpu_seconds) / seconds
    limit = new.memory_limit_bytes
    return Load(
        since=before.at,
        until=after.at,
        cpu=cpu,
        cpu_percent=100 * cpu / (after.cpus or 1.0),
        memory_bytes=new.memory_bytes,
        memory_percent=100 * new.memory_bytes / limit if limit else 0.0,
        received=(new.received_bytes - old.received_bytes) / seconds,
        sent=(new.sent_bytes - old.sent_bytes) / seconds,
        block_read=(new.block_read_bytes - old.block_read_bytes) / seconds,
        block_written=(new.block_written_bytes - old.block_written_bytes) / seconds,
    )


def busy(before: Host | None, after: Host | None) -> float | None:
    """The share of all cores that was busy in between, 0 to 1; None where that is not known, or counters began anew."""
    if before is None or after is None or after.all_seconds <= before.all_seconds:
        return None
    return max(0.0, min(1.0, (after.busy_seconds - before.busy_seconds) / (after.all_seconds - before.all_seconds)))


def _grown(old: Stats, new: Stats) -> Iterable[tuple[float, float]]:
    names = ("cpu_seconds", "received_bytes", "sent_bytes", "block_read_bytes", "block_written_bytes")
    return ((getattr(old, name), getattr(new, name)) for name in names)


def host(stat: str, meminfo: str, ticks: int) -> Host:
    """From `/proc/stat` and `/proc/meminfo` (proc(5)); `ticks` per second. Time that another guest had counts as not there."""
    user, nice, system, idle, iowait, irq, softirq = (int(each) / ticks for each in stat.split("\n", 1)[0].split()[1:8])
    busy = user + nice + system + irq + softirq
    sizes = {
        name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in meminfo.splitlines())
    }
    return Host(
        busy_seconds=busy,
        all_seconds=busy + idle + iowait,
        memory_bytes=sizes["MemTotal"],
        available_bytes=sizes["MemAvailable"],
    )

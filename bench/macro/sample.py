"""What one measurement yields, and what one run of the bench keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct


class Absent(Exception):
    """A peer or a tool that cannot take part; the text says why."""


@contextmanager
def plainly() -> Iterator[None]:
    """An Absent out of task groups leaves as itself, where nothing worse came with it."""
    try:
        yield
    except BaseExceptionGroup as group:
        absent, rest = group.split(Absent)
        if absent is None or rest is not None:
            raise
        raise Absent(str(_leaf(absent))) from None


def _leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _leaf(first) if isinstance(first, BaseExceptionGroup) else first


class Value(Struct, frozen=True, kw_only=True):
    """Base of all values: frozen, keyword-only, fit for JSON."""


class Sample(Value):
    """One peer measured once in one case. `values` carry their unit in the name: `cpu_us`, `p99_ms`, `rss_bytes`."""

    bench: str
    case: str
    peer: str
    round: int
    values: dict[str, float]


class Missing(Value):
    """A peer that took no part in a case, and why."""

    bench: str
    case: str
    peer: str
    why: str


class Machine(Value):
    """Facts that a reader needs to place the figures. No host names, no paths."""

    cpu: str
    cores: int
    kernel: str
    python: str
    memory_gib: int


class Settings(Value):
    """How the run was made. `command` is what a reader types to make it again."""

    command: str
    rounds: int
    seconds: float


class Run(Value):
    """Everything one run found out. `date` is ISO 8601 UTC; `versions` maps a peer to the version it reports."""

    date: str
    machine: Machine
    settings: Settings
    versions: dict[str, str]
    samples: tuple[Sample, ...] = ()
    missing: tuple[Missing, ...] = ()
    schema: int = 1

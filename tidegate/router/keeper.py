"""Keeps a worker within its bounds: reads what it holds, and acts on what `admission` decides.

File descriptors: a client's connection beyond the bound first costs an idle one its place, else its request is answered 503;
beyond the surplus the listeners pause, and who comes waits in their queues. Memory: above the soft mark nothing is kept,
above the hard mark new requests are answered 503. Each request pays for it with one integer that is compared.
"""

from __future__ import annotations

import ctypes
import heapq
import os
import resource
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from tidegate.config import HttpConfig
from tidegate.router.admission import FRUGAL, NORMAL, Admission, Figures, bounds_of, may_accept, to_evict
from tidegate.router.core import Core
from tidegate.router.downstream import Downstream
from tidegate.router.listener import Listener
from tidegate.router.upstream import Upstream
from tidegate.telemetry import logger

_PAGE = resource.getpagesize()
_RESTED_SECONDS = 1.0  # a connection that rests no longer is in use, and its next request may be on its way
_ENDLESS = 1 << 20  # descriptors where the limit says that there is none
_TRIM_SECONDS = 5.0  # it walks the heap
_ROOM_BYTES = 32 << 20  # a worker may always hold this much more than at its start
_log = logger("router")


class Keeper:
    """Bounds of one worker. `upstreams` gives all of them; `look` is called several times a second, with the time."""

    def __init__(self, config: HttpConfig, core: Core, listeners: Sequence[Listener]) -> None:
        self.pauses = 0  # how often the listeners were paused
        self._config = config
        self._core = core
        self._listeners = listeners
        self._memory = 0  # the hard mark; 0 is none
        self._trim_at = 0.0
        self._descriptors = 0  # the limit at the last look
        self.admission = Admission(bounds_of(_ENDLESS, config.max_connections))
        core.crowded = self._crowded

    def begin(self) -> None:
        """Take the bounds from the settings and from what this process has and holds now."""
        if self._config.max_memory_bytes:
            self._memory = max(self._config.max_memory_bytes, resident_bytes() + _ROOM_BYTES)
        self._descriptors = 0
        self._follow_limit()

    @property
    def paused(self) -> bool:
        """Whether a listener does not accept."""
        return not all(listener.accepting for listener in self._listeners)

    def look(self, now: float, upstreams: Iterable[Upstream]) -> None:
        """Follow the figures: set the pressure, give back idle connections to containers, accept again."""
        core = self._core
        self._follow_limit()
        known = list(upstreams)
        figures = Figures(
            connections=len(core.connections),
            upstream_connections=sum(upstream.connections for upstream in known),
            memory_bytes=resident_bytes() if self._memory else 0,
        )
        before, bounds = self.admission.level, self.admission.bounds
        level = self.admission.look(now, figures)
        if level != before:
            _log.warning("pressure changed", extra={"level": level, **_told(figures)})
        core.pressure = max(level, FRUGAL if core.draining else NORMAL)
        core.hold_queue = 0 if level else self._config.hold_queue
        if level or figures.upstream_connections > bounds.upstream_connections:
            self.close_idle(known)
        if level and self._memory and now >= self._trim_at:
            self._trim_at = now + _TRIM_SECONDS
            give_back()
        if figures.connections > bounds.connections:  # the limit was lowered
            self._evict(figures.connections - bounds.connections)
        if not core.draining and self.paused and figures.connections <= bounds.connections:
            for listener in self._listeners:
                listener.open()

    def close_idle(self, upstreams: Iterable[Upstream]) -> None:
        """Close what nobody uses on the way to containers."""
        for upstream in upstreams:
            upstream.close_idle(float("inf"))

    def _follow_limit(self) -> None:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = _ENDLESS if limit == resource.RLIM_INFINITY else min(limit, _ENDLESS)
        if limit != self._descriptors:
            self._descriptors = limit
            self.admission.bounds = bounds_of(limit, self._config.max_connections, self._memory)
            self._core.bound = self.admission.bounds.connections

    def _crowded(self, connection: Any) -> None:
        """One more connection than may be has been accepted."""
        core, bounds = self._core, self.admission.bounds
        if not self._evict(to_evict(len(core.connections), bounds)):
            connection.surplus = True
        if not may_accept(Figures(connections=len(core.connections)), bounds):
            self._pause()

    def _evict(self, wanted: int) -> int:
        """Close so many connections that are idle between requests, the longest idle first; how many it were."""
        core = self._core
        here = [each for each in core.connections if isinstance(each, Downstream)]
        rested = core.clock() + self._config.idle_timeout_seconds - _RESTED_SECONDS
        idle = [each for each in here if each.exchange is None and each.head is not None and each.deadline <= rested]
        closed = [each for each in heapq.nsmallest(wanted, idle, key=_idle_until) if each.leave()]
        core.connections.difference_update(closed)  # they end with the next turn of the loop; nobody waits for them
        core.evicted += len(closed)
        return len(closed)

    def _pause(self) -> None:
        self.pauses += 1
        for listener in self._listeners:
            listener.pause()


def give_back() -> None:
    """Have the allocator return free memory to the system, or what was freed would count as held for ever."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not every C library has it
    if trim is not None:
        trim(0)


def resident_bytes() -> int:
    """Resident memory of this process."""
    return int(os.pread(_statm(), 128, 0).split()[1]) * _PAGE


@cache
def _statm() -> int:
    """Opened once: when it matters most there may be no descriptor left."""
    return os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)


def _idle_until(connection: Downstream) -> float:
    deadline: float = connection.deadline  # its idle time ends: the sooner, the longer it is idle
    return deadline


def _told(figures: Figures) -> dict[str, int]:
    return {"connections": figures.connections, "memory_bytes": figures.memory_bytes}

"""Lives that were told to end, or have ended. Pure: `now` is any clock that only grows, in seconds.

An event is faster than an inspect, and an inspect started before it may answer after it. So `kill` and `die` are kept
here for a while, bound to the *life* they ended: the one that began before the event. What an inspect says of that life
is corrected; a later life (a restart) is not. An ending expires, so that a signal that was ignored, or an engine whose
clock jumped, cannot keep a container out of traffic for ever.
"""

from __future__ import annotations

import signal

from msgspec import Struct

from tidegate.model import InstanceState

DIE_SECONDS = 10.0  # longest time between `die` and an inspect that knows of it
KILL_GRACE_SECONDS = 5.0  # on top of the container's stop timeout

_ALIVE = (InstanceState.RUNNING, InstanceState.PAUSED)


class Ending(Struct, frozen=True):
    """`state` holds for a life that began before `time_ns` (engine's clock), until `until` (our clock)."""

    state: InstanceState
    time_ns: int
    until: float


class Endings:
    """The endings in force, by container id."""

    def __init__(self) -> None:
        self._endings: dict[str, Ending] = {}

    def kill(self, container: str, time_ns: int, now: float, stop_timeout_seconds: float) -> None:
        """It was told to stop: draining, unless it is known to have died."""
        held = self._endings.get(container)
        if held is None or held.time_ns < time_ns:
            until = now + stop_timeout_seconds + KILL_GRACE_SECONDS
            self._endings[container] = Ending(InstanceState.DRAINING, time_ns, until)

    def die(self, container: str, time_ns: int, now: float) -> None:
        """It ended."""
        held = self._endings.get(container)
        if held is None or held.time_ns <= time_ns or held.state is InstanceState.DRAINING:
            newest = max(time_ns, held.time_ns) if held else time_ns
            self._endings[container] = Ending(InstanceState.STOPPED, newest, now + DIE_SECONDS)

    def forget(self, container: str) -> None:
        """It is gone for good."""
        self._endings.pop(container, None)

    def correct(self, container: str, state: InstanceState, started_at: float, now: float) -> InstanceState:
        """`state` as inspected, corrected by an ending of the same life."""
        ending = self._endings.get(container)
        if ending is None:
            return state
        if now >= ending.until or state not in _ALIVE or started_at * 1e9 > ending.time_ns:
            del self._endings[container]
            return state
        return ending.state

    def expiry(self, container: str) -> float | None:
        """When its ending expires."""
        ending = self._endings.get(container)
        return ending.until if ending else None


def is_deadly(sent: str, stop_signal: str) -> bool:
    """Whether a signal means "stop": the container's own stop signal, SIGTERM or SIGKILL."""
    number = _number(sent)
    return number is not None and number in (_number(stop_signal), signal.SIGTERM, signal.SIGKILL)


def _number(name: str) -> int | None:
    """`15`, `TERM`, `SIGTERM`, `SIGRTMIN+3`; None for what is no signal."""
    if name.isascii() and name.isdigit():
        return int(name)
    word = name.upper().removeprefix("SIG")
    base, plus, offset = word.partition("+")
    known = signal.Signals.__members__.get(f"SIG{base}")
    if known is None or (plus and not offset.isdigit()):
        return None
    return int(known) + (int(offset) if plus else 0)

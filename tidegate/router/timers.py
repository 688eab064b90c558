"""Deadlines by a coarse wheel: setting one is an attribute write, not a timer of the loop. HOT.

Each owner has `deadline` (monotonic seconds) and `armed` (the tick at which the wheel will look at it). Moving a deadline
later costs nothing: the wheel looks, sees it is not due, and puts the owner into a later slot. Resolution: one tick.
"""

from __future__ import annotations

from typing import Any, Protocol

TICK_SECONDS = 0.25
_NEVER = 1 << 60


class Timed(Protocol):
    """What the wheel drives."""

    deadline: float
    armed: int

    def on_deadline(self, now: float) -> None: ...


class Wheel:
    """Slots of owners by tick. The worker calls `turn` every tick."""

    __slots__ = ("slots", "tick")

    def __init__(self, now: float) -> None:
        self.tick = int(now / TICK_SECONDS)
        self.slots: dict[int, list[Any]] = {}

    def arm(self, owner: Any, deadline: float) -> None:
        """Set the owner's deadline; it fires in the first tick after it."""
        owner.deadline = deadline
        due = int(deadline / TICK_SECONDS) + 1
        if due < owner.armed:
            owner.armed = due
            slot = self.slots.get(due)
            if slot is None:
                self.slots[due] = [owner]
            else:
                slot.append(owner)

    def turn(self, now: float) -> list[Any]:
        """Whose deadline has passed. An owner whose deadline moved later is put into its new slot."""
        due: list[Any] = []
        current = int(now / TICK_SECONDS)
        while self.tick < current:
            self.tick += 1
            for owner in self.slots.pop(self.tick, ()):
                if owner.armed != self.tick:
                    continue  # armed anew for an earlier tick meanwhile, or finished
                owner.armed = _NEVER
                if owner.deadline <= now:
                    due.append(owner)
                else:
                    self.arm(owner, owner.deadline)
        return due

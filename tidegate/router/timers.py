"""Deadlines by a coarse wheel: setting one is an attribute write, not a timer of the loop. HOT.

Each owner has `deadline` (monotonic seconds) and `armed` (the tick at which the wheel will look at it). Moving a deadline
later costs nothing: the wheel looks, sees it is not due, and puts the owner into a later slot. Resolution: one tick.
"""

from __future__ import annotations

TICK_SECONDS = 0.25
NEVER = 1 << 60
AT_ONCE = 32  # owners looked at in one go: ending so many takes less than a millisecond


class Timed:
    """What the wheel drives. `armed` is `NEVER` while no slot holds it."""

    __slots__ = ("armed", "deadline")

    def __init__(self) -> None:
        self.deadline = 0.0
        self.armed = NEVER

    def on_deadline(self, now: float) -> None:
        """The deadline has passed."""
        raise AssertionError


class Wheel:
    """Slots of owners by tick. The worker calls `turn` every tick, and again after others had their turn while it `is_behind`:
    thousands of connections that came together end together, and nobody should wait for all of them."""

    __slots__ = ("is_behind", "rest", "slots", "tick")

    def __init__(self, now: float) -> None:
        self.tick = int(now / TICK_SECONDS)
        self.slots: dict[int, list[Timed]] = {}
        self.rest: list[Timed] = []  # of the slot of `tick`, not looked at yet
        self.is_behind = False

    def arm(self, owner: Timed, deadline: float) -> None:
        """Set the owner's deadline; it fires in the first tick after it."""
        owner.deadline = deadline
        due = int(deadline / TICK_SECONDS) + 1
        if due <= self.tick:
            due = self.tick + 1  # that slot is gone: the next turn is the earliest
        if due < owner.armed:
            owner.armed = due
            slot = self.slots.get(due)
            if slot is None:
                self.slots[due] = [owner]
            else:
                slot.append(owner)

    def turn(self, now: float) -> list[Timed]:
        """Whose deadline has passed, of the next `AT_ONCE` owners to look at. One whose deadline moved later is put into its
        new slot."""
        late: list[Timed] = []
        left = AT_ONCE
        current = int(now / TICK_SECONDS)
        while left:
            if not self.rest:
                if self.tick >= current:
                    break
                self.tick += 1
                self.rest = self.slots.pop(self.tick, [])
                continue
            left -= 1
            owner = self.rest.pop()
            if owner.armed != self.tick:
                continue  # armed anew for an earlier tick meanwhile, or finished
            owner.armed = NEVER
            if owner.deadline <= now:
                late.append(owner)
            else:
                self.arm(owner, owner.deadline)
        self.is_behind = bool(self.rest) or self.tick < current
        return late

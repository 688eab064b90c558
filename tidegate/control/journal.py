"""What happened, newest kept: for `events`, and for those who follow as it happens.

Happenings and table deltas share one sequence of ids, so that a follower who lost its connection can say which it saw
last. Both are bounded; a follower too slow for its queue is cut off and starts again from a snapshot.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from tidegate.routing import Delta
from tidegate.value import Value

KEPT_HAPPENINGS = 1000
KEPT_DELTAS = 256
QUEUE = 512  # entries a follower may lag behind


class Happening(Value, frozen=True):
    """One thing that changed. `at` is seconds since the epoch; `version` the table it is in force with."""

    id: int
    at: float
    kind: str
    text: str
    who: str = ""
    why: str = ""
    version: int = 0


class Step(Value, frozen=True):
    """One published table, as the difference to the one before."""

    id: int
    delta: Delta


Entry = Happening | Step


class Follower:
    """One who follows. `lost` is set when its queue overflowed; nothing more comes then."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Entry | None] = asyncio.Queue(QUEUE)
        self.lost = False

    def offer(self, entry: Entry) -> None:
        """Queue the entry; a full queue ends the following."""
        if self.lost:
            return
        try:
            self.queue.put_nowait(entry)
        except asyncio.QueueFull:
            self.lost = True


class Journal:
    """One writer (the event loop's thread). `wall` gives seconds since the epoch."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._last = 0
        self._happenings: deque[Happening] = deque(maxlen=KEPT_HAPPENINGS)
        self._steps: deque[Step] = deque(maxlen=KEPT_DELTAS)
        self._followers: set[Follower] = set()

    @property
    def last_id(self) -> int:
        """Id of the newest entry; 0 before the first."""
        return self._last

    def tell(self, kind: str, text: str, *, who: str = "", why: str = "", version: int = 0) -> Happening:
        """Write down a happening."""
        self._last += 1
        entry = Happening(id=self._last, at=self._wall(), kind=kind, text=text, who=who, why=why, version=version)
        self._happenings.append(entry)
        self._offer(entry)
        return entry

    def step(self, delta: Delta) -> None:
        """Write down a published table."""
        self._last += 1
        entry = Step(id=self._last, delta=delta)
        self._steps.append(entry)
        self._offer(entry)

    def happenings(self, after: int = 0, limit: int = 100) -> tuple[Happening, ...]:
        """The newest `limit` happenings with an id above `after`, oldest first."""
        found = [each for each in self._happenings if each.id > after]
        return tuple(found[-limit:])

    def since(self, after: int) -> Iterator[Entry] | None:
        """All entries after id `after`, in order; None if some of the steps are not kept any more."""
        if after > self._last or (len(self._steps) == KEPT_DELTAS and after < self._steps[0].id - 1):
            return None
        entries: list[Entry] = [*self._happenings, *self._steps]
        return iter(sorted((each for each in entries if each.id > after), key=lambda each: each.id))

    def follow(self) -> Follower:
        """A follower of everything from now on. Give it back with `leave`."""
        follower = Follower()
        self._followers.add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """End a following."""
        self._followers.discard(follower)

    def close(self) -> None:
        """Tell all followers that nothing more comes."""
        for follower in self._followers:
            while follower.queue.full():
                follower.queue.get_nowait()
            follower.queue.put_nowait(None)

    def _offer(self, entry: Entry) -> None:
        for follower in self._followers:
            follower.offer(entry)
